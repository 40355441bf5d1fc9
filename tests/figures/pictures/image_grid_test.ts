import { assertEquals, assertThrows } from "@std/assert";
import { EMPTY } from "../../../lib/figures/figure.ts";
import { type GridImage, imageGrid } from "../../../lib/figures/pictures/image_grid.ts";
import { decodePngUri } from "../png_uri.ts";

const grey: GridImage = { pixels: new Uint8Array(8 * 8 * 3).fill(100), size: 8 };

Deno.test("imageGrid() draws every image in its row, below its column's name", () => {
  const { layout } = imageGrid(["Image", "Sample"], [[grey, grey], [grey, grey], [grey, grey]]);
  const images = layout.images as { x: number; y: number }[];
  assertEquals(images.length, 6);
  assertEquals([new Set(images.map(({ x }) => x)).size, new Set(images.map(({ y }) => y)).size], [2, 3]);
  assertEquals((layout.annotations as { text: string; x: number }[]).map(({ text }) => text), [
    "<b>Image</b>",
    "<b>Sample</b>",
  ]);
});

Deno.test("imageGrid() blanks what is not shown and outlines what is to be", async () => {
  const part = { grid: [2, 2], shown: [0, 1, 2], outlined: [3] } as const;
  const { layout } = imageGrid(["Context"], [[{ ...grey, part }]]);
  assertEquals((layout.shapes as unknown[]).length, 1);
  const { source } = (layout.images as { source: string }[])[0];
  const { pixels, width, height } = await decodePngUri(source);
  assertEquals([width, height], [192, 192]); // twice what it is shown at
  assertEquals(pixels.subarray(0, 3).toHex(), "646464");
  assertEquals(pixels.subarray(-3).toHex(), EMPTY.slice(1).toLowerCase());
});

Deno.test("imageGrid() refuses rows of another length, other images, and none", () => {
  assertThrows(() => imageGrid(["a"], []), RangeError, "at least one row");
  assertThrows(() => imageGrid(["a"], [[grey], [grey, grey]]), RangeError, "Row 1 of the grid has 2 images for 1");
  assertThrows(() => imageGrid(["a"], [[{ ...grey, size: 9 }]]), RangeError, "Image 0 of row 0 has 192 bytes");
});
