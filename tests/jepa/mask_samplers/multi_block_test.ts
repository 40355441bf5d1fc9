/** @module Tests of lib/jepa/mask_samplers/multi_block.ts. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { multiBlock } from "../../../lib/jepa/mask_samplers/multi_block.ts";
import { contextOf, maskHeatMaps, targetBlock } from "../../../lib/jepa/masks.ts";
import { randomStream } from "../../../lib/random.ts";
import { checkMasks, checkSymmetric, rectangle, symmetries } from "./check_masks.ts";

Deno.test("multiBlock() returns valid masks of fixed lengths whose targets are rectangles within the ranges", () => {
  const side = fc.integer({ min: 8, max: 18 }), blocks = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(
      fc.nat(),
      side,
      side,
      blocks,
      fc.constantFrom("edge", "random"),
      (seed, height, width, blocks, surplus) => {
        const grid = [height, width] as const;
        const sampler = multiBlock({ grid, blocks, surplus: surplus as "edge" | "random" });
        const random = randomStream(seed);
        const first = sampler(4, random), second = sampler(7, random);
        assertEquals([second.contextLength, second.targetLength], [first.contextLength, first.targetLength]);
        for (const masks of [first, second]) {
          checkMasks(masks, grid);
          assertEquals(masks.blocks, blocks);
          for (let k = 0; k < masks.blocks * masks.batch; k++) {
            const [h, w] = rectangle(targetBlock(masks, k % blocks, Math.floor(k / blocks)), grid);
            assertEquals(h * w, masks.targetLength);
            assert(h / w >= 0.75 && h / w <= 1.5);
          }
        }
        const scale = first.targetLength / height / width;
        assert(scale >= 0.15 - 1e-9 && scale <= 0.2 + 1e-9);
      },
    ),
    { numRuns: 40 },
  );
});

for (const surplus of ["edge", "random"] as const) {
  Deno.test(`multiBlock() with surplus ${surplus} prefers no side of the grid`, () => {
    for (const grid of [[8, 8], [6, 10]] as const) {
      const sampler = multiBlock({ grid, surplus });
      const maps = maskHeatMaps(sampler, { grid, batches: 40, batch: 500, random: randomStream(2) });
      checkSymmetric(maps.context, maps.images, grid);
      checkSymmetric(maps.targets, maps.images, grid);
      assert(maps.context.every((n) => n > 0) && maps.targets.every((n) => n > 0));
    }
  });
}

Deno.test("multiBlock() with surplus edge drops what comes last in raster order under a symmetry of the grid", () => {
  // A context block of the whole grid: what is dropped is then all that is neither target nor kept.
  const grid = [8, 8] as const, masks = multiBlock({ grid, contextScale: [1, 1] })(200, randomStream(3));
  const used = new Set<number>();
  for (let i = 0; i < masks.batch; i++) {
    const kept = contextOf(masks, i);
    const targets = new Set(Array.from({ length: 4 }, (_, m) => [...targetBlock(masks, m, i)]).flat());
    const dropped = Array.from({ length: 64 }, (_, patch) => patch).filter((p) => !targets.has(p) && !kept.includes(p));
    const fits = symmetries(grid).flatMap((to, k) =>
      Math.max(...Array.from(kept, to)) < Math.min(...dropped.map(to)) ? [k] : []
    );
    assert(fits.length > 0, `image ${i} lost patches ${dropped}`);
    if (fits.length === 1) used.add(fits[0]);
  }
  assertEquals(used.size, 8);
});

Deno.test("multiBlock() chooses the context's length as a quantile of what is left, or takes the caller's", () => {
  const grid = [16, 16] as const;
  const length = (contextQuantile?: number) => multiBlock({ grid, contextQuantile })(1, randomStream(0)).contextLength;
  assertAlmostEquals(length() / 256, 0.35, 0.01);
  assert(length(0) < length(0.05) && length(0.05) < length(0.5));
  assertEquals(length(), length(0.05));
  assertEquals(multiBlock({ grid, contextLength: 64 })(2, randomStream(0)).contextLength, 64);
});

Deno.test("multiBlock() repeats itself by seed alone", () => {
  const options = { grid: [14, 14] as const };
  assertEquals(multiBlock(options)(8, randomStream(5)), multiBlock(options)(8, randomStream(5)));
  assert(
    multiBlock(options)(8, randomStream(5)).targets.join() !== multiBlock(options)(8, randomStream(6)).targets.join(),
  );
});

Deno.test("multiBlock() says what is wrong with impossible options", () => {
  const grid = [8, 8] as const;
  assertThrows(() => multiBlock({ grid: [4, 4] }), RangeError, "the nearest is 2 x 2, scale 0.250");
  assertThrows(
    () => multiBlock({ grid, targetScale: [0, 0.2] }),
    RangeError,
    "targetScale must be [min, max] with 0 < min",
  );
  assertThrows(() => multiBlock({ grid, contextQuantile: 1 }), RangeError, "contextQuantile must be in [0, 1); got 1");
  assertThrows(
    () => multiBlock({ grid, contextLength: 60 }),
    RangeError,
    "contextLength 60 is too long: 4 target blocks",
  );
  assertThrows(() => multiBlock({ grid, contextLength: 0 }), RangeError, "contextLength must be a whole number");
  assertThrows(
    () => multiBlock({ grid, blocks: 40 }),
    RangeError,
    "The context would be empty: 40 target blocks of 12",
  );
  assertThrows(() => multiBlock({ grid: [8.5, 8] }), RangeError, "at least 2 x 2 patches; got 8.5 x 8");
});
