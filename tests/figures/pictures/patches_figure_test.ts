import { assertEquals, assertThrows } from "@std/assert";
import { patchesFigure } from "../../../lib/figures/pictures/patches_figure.ts";
import { decodePngUri } from "../png_uri.ts";

/** Two by two patches of one colour each. */
const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => {
  const pixel = Math.floor(at / 3), row = Math.floor(pixel / 8), column = pixel % 8;
  return 50 * (1 + 2 * Math.floor(row / 4) + Math.floor(column / 4));
});

Deno.test("patchesFigure() draws the image with its grid, and its patches apart", async () => {
  const { layout } = patchesFigure({ pixels, size: 8, grid: [2, 2] });
  const images = layout.images as { source: string }[];
  assertEquals(images.length, 2);
  assertEquals((layout.shapes as unknown[]).length, 3 + 3);
  const apart = await decodePngUri(images[1].source), last = apart.width - 1;
  const at = (x: number, y: number) => apart.pixels[(y * apart.width + x) * 3];
  assertEquals([at(0, 0), at(last, 0), at(0, last), at(last, last)], [50, 100, 150, 200]);
  assertEquals(at(apart.width >> 1, 0), 255);
  assertEquals((await decodePngUri(images[0].source)).width, 224); // no less than it is shown at
});

Deno.test("patchesFigure() numbers the rows in raster order, each beside its own", () => {
  const { layout } = patchesFigure({ pixels, size: 8, grid: [4, 2] });
  const texts = layout.annotations as { text: string; y: number }[];
  assertEquals(texts.map(({ text }) => text).slice(1), ["<b>N = 8 patches</b>", "0", "2", "4", "6"]);
  const places = texts.slice(2).map(({ y }) => y), [, apart] = layout.images as { y: number; sizey: number }[];
  // As far from the top as from the bottom.
  assertEquals(Math.round(places[0] - apart.y), Math.round(apart.y + apart.sizey - places[3]));
});

Deno.test("patchesFigure() refuses what does not fit together", () => {
  assertThrows(() => patchesFigure({ pixels, size: 9, grid: [2, 2] }), RangeError, "192 bytes; 9 x 9 RGB");
  assertThrows(() => patchesFigure({ pixels, size: 8, grid: [3, 2] }), RangeError, "divide into 3 x 2 patches");
});
