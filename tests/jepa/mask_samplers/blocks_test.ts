/** @module Tests of lib/jepa/mask_samplers/blocks.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type BlockShape,
  blockShapesOfOneArea,
  patchesOf,
  patchesOutside,
  placeBlock,
} from "../../../lib/jepa/mask_samplers/blocks.ts";
import { randomStream } from "../../../lib/random.ts";

Deno.test("blockShapesOfOneArea() finds the shapes that the paper's ranges allow", () => {
  const shapes = (side: number) => blockShapesOfOneArea([side, side], [0.15, 0.2], [0.75, 1.5]);
  assertEquals(shapes(7), [[3, 3]]);
  assertEquals(shapes(8), [[3, 4], [4, 3]]);
  assertEquals(shapes(12), [[5, 5]]);
  assertEquals(shapes(14), [[5, 6], [6, 5]]);
  assertEquals(shapes(16), [[6, 7], [7, 6]]);
  assertEquals(shapes(28), [[11, 12], [12, 11]]);
});

Deno.test("blockShapesOfOneArea() keeps to one area, its scale range and its aspect range", () => {
  const side = fc.integer({ min: 8, max: 32 });
  fc.assert(fc.property(side, side, (height, width) => {
    const shapes = blockShapesOfOneArea([height, width], [0.15, 0.2], [0.75, 1.5]);
    const area = shapes[0][0] * shapes[0][1];
    assert(area >= 0.15 * height * width - 1e-6 && area <= 0.2 * height * width + 1e-6);
    for (const [h, w] of shapes) {
      assertEquals(h * w, area);
      assert(h / w >= 0.75 && h / w <= 1.5 && h <= height && w <= width);
    }
  }));
});

Deno.test("blockShapesOfOneArea() names the nearest block where none fits", () => {
  assertThrows(
    () => blockShapesOfOneArea([4, 4], [0.15, 0.2], [0.75, 1.5]),
    RangeError,
    "No block of whole patches on a 4 x 4 grid has a scale in [0.15,0.2] and an aspect (height / width) in " +
      "[0.75,1.5]; the nearest is 2 x 2, scale 0.250.",
  );
});

Deno.test("placeBlock() reaches every place in the grid, equally often", () => {
  const random = randomStream(1), shape: BlockShape = [2, 3], counts = new Map<string, number>();
  for (let i = 0; i < 12_000; i++) {
    const { top, left } = placeBlock(shape, [4, 6], random);
    counts.set(`${top},${left}`, (counts.get(`${top},${left}`) ?? 0) + 1);
  }
  assertEquals(counts.size, 3 * 4);
  for (const count of counts.values()) {
    assert(Math.abs(count - 1000) < 5 * Math.sqrt(1000), `${count} of 1000 expected`);
  }
});

Deno.test("patchesOf() and patchesOutside() list patches in raster order", () => {
  const grid = [3, 4] as const, whole = { top: 0, left: 0, height: 3, width: 4 };
  const block = { top: 1, left: 1, height: 2, width: 2 };
  assertEquals([...patchesOf(block, grid)], [5, 6, 9, 10]);
  assertEquals([...patchesOutside(whole, [block], grid)], [0, 1, 2, 3, 4, 7, 8, 11]);
  assertEquals([...patchesOutside(block, [whole], grid)], []);
});
