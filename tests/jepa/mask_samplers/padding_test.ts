/** @module Tests of lib/jepa/mask_samplers/padding.ts. */
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { architecture } from "../../../lib/jepa/architectures.ts";
import { lengthsAsPublished } from "../../../lib/jepa/mask_samplers/as_published_lengths.ts";
import { multiBlockAsPublished } from "../../../lib/jepa/mask_samplers/as_published.ts";
import { cheapestSizes, paddedSizes, padMasks } from "../../../lib/jepa/mask_samplers/padding.ts";
import { contextOf, targetBlock } from "../../../lib/jepa/masks.ts";
import { randomStream } from "../../../lib/random.ts";
import { preset, PRESETS } from "../../../lib/jepa/pretraining/presets.ts";

Deno.test("padMasks() keeps each row's patches, and says how many they are", () => {
  const masks = multiBlockAsPublished({ grid: [12, 14] })(5, randomStream(1));
  const { contextLength, targetLength } = masks;
  const small = { contextLength: contextLength - 1, targetLength: 99 }, large = { contextLength: 90, targetLength: 50 };
  const padded = padMasks(masks, [small, large]);
  assertEquals([padded.contextLength, padded.targetLength], [90, 50]);
  assertEquals(padded.unpadded, { contextLength, targetLength });
  for (let i = 0; i < 5; i++) {
    assertEquals(contextOf(padded, i).slice(0, contextLength), contextOf(masks, i).slice());
    assert(contextOf(padded, i).subarray(contextLength).every((patch) => patch === 0));
    for (let m = 0; m < masks.blocks; m++) {
      assertEquals(targetBlock(padded, m, i).slice(0, targetLength), targetBlock(masks, m, i).slice());
    }
  }
  assertEquals(padMasks(masks, [small]), masks, "what fits nowhere stays");
  assertEquals(padMasks(masks, []), masks);
});

Deno.test("lengthsAsPublished() are as likely as the sampler draws them", () => {
  const grid = [16, 16] as const, batch = 32;
  const likely = lengthsAsPublished({ grid }, batch);
  assertAlmostEquals(likely.reduce((sum, { probability }) => sum + probability, 0), 1, 1e-5);
  const sampler = multiBlockAsPublished({ grid }), random = randomStream(3);
  const drawn = Array.from({ length: 1000 }, () => sampler(batch, random));
  const longest = new Map<number, number>();
  for (const { contextLength, targetLength } of likely) {
    longest.set(targetLength, Math.max(contextLength, longest.get(targetLength) ?? 0));
  }
  assert(drawn.every(({ contextLength, targetLength }) => contextLength <= longest.get(targetLength)!));
  const mean = (key: "contextLength" | "targetLength") => [
    likely.reduce((sum, size) => sum + size.probability * size[key], 0),
    drawn.reduce((sum, masks) => sum + masks[key], 0) / drawn.length,
  ];
  for (const key of ["contextLength", "targetLength"] as const) {
    const [expected, found] = mean(key);
    assertAlmostEquals(found, expected, 0.02 * expected, key);
  }
});

Deno.test("cheapestSizes() finds the two that cost least, neither of them the longest of both", () => {
  const drawn = [[10, 3, 0.5], [9, 3, 0.1], [4, 6, 0.3], [3, 5, 0.1]]
    .map(([contextLength, targetLength, probability]) => ({ contextLength, targetLength, probability }));
  const cost = (size: { contextLength: number; targetLength: number }) => size.contextLength + 4 * size.targetLength;
  assertEquals(cheapestSizes(drawn, cost), [
    { contextLength: 10, targetLength: 3 }, // 22
    { contextLength: 4, targetLength: 6 }, // 28
  ]);
  assertEquals(cheapestSizes(drawn.slice(0, 1), cost), [{ contextLength: 10, targetLength: 3 }]);
});

Deno.test("paddedSizes() are two for the presets as published, and hold every batch of thousands", () => {
  let published = 0;
  for (const [name, { masks, architecture }] of Object.entries(PRESETS)) {
    if (masks.sampler !== "multiBlockAsPublished") continue;
    published++;
    const sizes = paddedSizes(masks, architecture, 128);
    assertEquals(sizes.length, 2, name);
    const side = architecture.image / architecture.patch;
    const sampler = multiBlockAsPublished({ ...masks, grid: [side, side] }), random = randomStream(9);
    for (let i = 0; i < 100; i++) assert(padMasks(sampler(128, random), sizes).unpadded, name);
  }
  assertGreater(published, 3);
});

Deno.test("paddedSizes() of the smallest batch, whose contexts may have any length, hold them all", () => {
  const { masks } = preset("imagenet-b16"), sizes = paddedSizes(masks, architecture("B/16"), 2);
  const sampler = multiBlockAsPublished({ grid: [14, 14] }), random = randomStream(9);
  for (let i = 0; i < 3000; i++) assert(padMasks(sampler(2, random), sizes).unpadded);
  // 13 x 13 patches of the context block, with all targets out of it or given back.
  assertEquals(Math.max(...sizes.map(({ contextLength }) => contextLength)), 169);
  assertLess(sizes[0].contextLength, 120, "most batches are cheaper");
});

Deno.test("paddedSizes() are none where the lengths stay the same", () => {
  for (const name of ["cifar10", "smoke", "scenes"] as const) {
    const { masks, architecture, batch } = preset(name);
    assertEquals(paddedSizes(masks, architecture, batch), []);
  }
});
