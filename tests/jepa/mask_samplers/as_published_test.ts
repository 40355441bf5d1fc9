/** @module Tests of lib/jepa/mask_samplers/as_published.ts. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { multiBlockAsPublished } from "../../../lib/jepa/mask_samplers/as_published.ts";
import { contextOf, maskHeatMaps, targetBlock } from "../../../lib/jepa/masks.ts";
import { randomStream } from "../../../lib/random.ts";
import { checkMasks, rectangle } from "./check_masks.ts";

const grid = [16, 16] as const;

Deno.test("multiBlockAsPublished() returns valid masks: rectangles of one size a batch, off the last row and column", () => {
  const side = fc.integer({ min: 12, max: 20 });
  fc.assert(
    fc.property(fc.nat(), side, side, (seed, height, width) => {
      const masks = multiBlockAsPublished({ grid: [height, width] })(6, randomStream(seed));
      checkMasks(masks, [height, width]);
      const size = rectangle(targetBlock(masks, 0, 0), [height, width]);
      for (let m = 0; m < masks.blocks; m++) {
        for (let i = 0; i < masks.batch; i++) {
          const target = targetBlock(masks, m, i);
          assertEquals(rectangle(target, [height, width]), size);
          assert(target.every((patch) => patch % width < width - 1 && patch < (height - 1) * width));
        }
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("multiBlockAsPublished() lets one number drive scale and aspect: the larger block is the taller", () => {
  const sampler = multiBlockAsPublished({ grid }), random = randomStream(0);
  const shapes = Array.from({ length: 300 }, () => rectangle(targetBlock(sampler(1, random), 0, 0), grid));
  // From u = 0 (scale 0.15, aspect 0.75) to u = 1 (scale 0.2, aspect 1.5), rounded to whole patches.
  assertEquals([...new Set(shapes.map(String))].sort(), ["5,7", "6,6", "6,7", "7,6", "8,6", "9,6"]);
});

Deno.test("multiBlockAsPublished() reproduces the simulated shares of the authors' code on 16 x 16 at batch 128", () => {
  const sampler = multiBlockAsPublished({ grid });
  // A batch of one image has no shorter context to be cut to.
  const random = randomStream(0);
  const mean = (n: number, batch: number) =>
    Array.from({ length: n }, () => sampler(batch, random).contextLength).reduce((a, b) => a + b) / n / 256;
  assertAlmostEquals(mean(2000, 1), 0.43, 0.01);
  assertAlmostEquals(mean(200, 128), 0.27, 0.015);

  const maps = maskHeatMaps(sampler, { grid, batches: 100, batch: 128, random });
  const rowShare = (row: number) =>
    maps.context.slice(row * 16, (row + 1) * 16).reduce((a, b) => a + b) / maps.images / 16;
  assertAlmostEquals(rowShare(0), 0.77, 0.02);
  assertAlmostEquals(rowShare(14), 0.015, 0.01);
  assertEquals(rowShare(15), 0);
  assertEquals(maps.targets.filter((_, patch) => patch >= 15 * 16 || patch % 16 === 15).every((n) => n === 0), true);
});

Deno.test("multiBlockAsPublished() gives a crowded context back its targets, the last first", () => {
  // Eight targets of half the grid leave nothing of most images; what is given back makes every context long enough.
  const sampler = multiBlockAsPublished({ grid: [8, 8], blocks: 8, targetScale: [0.5, 0.5], minKeep: 4 });
  const masks = sampler(64, randomStream(0));
  assert(masks.contextLength > 4);
  let overlaps = 0;
  for (let i = 0; i < 64; i++) {
    const context = new Set(contextOf(masks, i));
    overlaps += Number(targetBlock(masks, 7, i).some((patch) => context.has(patch)));
    assert(!targetBlock(masks, 0, i).some((patch) => context.has(patch)));
  }
  assert(overlaps > 0);
});

Deno.test("multiBlockAsPublished() repeats itself by seed alone", () => {
  const sampler = multiBlockAsPublished({ grid });
  assertEquals(sampler(8, randomStream(5)), sampler(8, randomStream(5)));
  assert(sampler(8, randomStream(5)).targets.join() !== sampler(8, randomStream(6)).targets.join());
});

Deno.test("multiBlockAsPublished() refuses what the authors' code would search for ever", () => {
  assertThrows(
    () => multiBlockAsPublished({ grid: [8, 8] }),
    RangeError,
    "On a grid of 8 x 8 a target block may be 3 x 3, but a mask must hold more than minKeep = 10 patches: " +
      "lower minKeep or raise targetScale.",
  );
  assertThrows(() => multiBlockAsPublished({ grid, targetScale: [0.2, 0.1] }), RangeError, "targetScale must be");
  assertThrows(() => multiBlockAsPublished({ grid: [1, 9] }), RangeError, "at least 2 x 2 patches");
});
