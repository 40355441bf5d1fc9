/** @module Tests of lib/jepa/mask_samplers/ablations.ts. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { randomMasks, rasterizedQuadrants, singleBlock } from "../../../lib/jepa/mask_samplers/ablations.ts";
import { contextOf, maskHeatMaps, targetBlock } from "../../../lib/jepa/masks.ts";
import { randomStream } from "../../../lib/random.ts";
import { checkMasks, checkSymmetric, rectangle } from "./check_masks.ts";

const samplers = { randomMasks, singleBlock, rasterizedQuadrants };

Deno.test("the samplers of Table 6 return valid masks that share out every patch", () => {
  const side = fc.integer({ min: 4, max: 10 }).map((half) => 2 * half);
  fc.assert(
    fc.property(fc.nat(), side, (seed, side) => {
      for (const sampler of Object.values(samplers)) {
        const masks = sampler({ grid: [side, side] })(5, randomStream(seed));
        checkMasks(masks, [side, side]);
        assertEquals(masks.contextLength + masks.blocks * masks.targetLength, side * side);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("the samplers of Table 6 prefer no side of the grid and repeat themselves by seed alone", () => {
  const grid = [8, 8] as const;
  for (const sampler of Object.values(samplers)) {
    const maps = maskHeatMaps(sampler({ grid }), { grid, batches: 20, batch: 500, random: randomStream(4) });
    checkSymmetric(maps.context, maps.images, grid);
    checkSymmetric(maps.targets, maps.images, grid);
    assertEquals(sampler({ grid })(3, randomStream(7)), sampler({ grid })(3, randomStream(7)));
  }
});

Deno.test("randomMasks() and singleBlock() predict about 0.6 of the patches from 0.4", () => {
  for (const side of [14, 16]) {
    const grid = [side, side] as const;
    assertAlmostEquals(randomMasks({ grid })(1, randomStream(0)).targetLength / side ** 2, 0.6, 0.005);
    const masks = singleBlock({ grid })(8, randomStream(0));
    assertAlmostEquals(masks.contextLength / side ** 2, 0.4, 0.015);
    for (let i = 0; i < 8; i++) {
      const [height, width] = rectangle(targetBlock(masks, 0, i), grid);
      assert(height / width >= 0.75 && height / width <= 1.5);
    }
  }
});

Deno.test("rasterizedQuadrants() predicts three quadrants from a random fourth", () => {
  const grid = [8, 6] as const, masks = rasterizedQuadrants({ grid })(64, randomStream(0));
  assertEquals([masks.blocks, masks.contextLength, masks.targetLength], [3, 12, 12]);
  const corners = new Set<number>();
  for (let i = 0; i < 64; i++) {
    const quadrants = [contextOf(masks, i), ...[0, 1, 2].map((m) => targetBlock(masks, m, i))];
    for (const quadrant of quadrants) assertEquals(rectangle(quadrant, grid), [4, 3]);
    corners.add(quadrants[0][0]);
  }
  assertEquals([...corners].sort((a, b) => a - b), [0, 3, 24, 27]);
});

Deno.test("the samplers of Table 6 say what is wrong with impossible options", () => {
  const grid = [8, 8] as const;
  assertThrows(() => rasterizedQuadrants({ grid: [7, 7] }), RangeError, "need a grid with even sides; got 7 x 7");
  assertThrows(() => randomMasks({ grid, targetScale: 1 }), RangeError, "leaves no patches for the context");
  assertThrows(() => randomMasks({ grid, targetScale: 0 }), RangeError, "leaves no patches for the target");
  assertThrows(() => singleBlock({ grid, targetScale: [1, 1] }), RangeError, "has a scale in [1,1]");
});
