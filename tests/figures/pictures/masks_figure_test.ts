import { assertEquals, assertThrows } from "@std/assert";
import { EMPTY } from "../../../lib/figures/figure.ts";
import { type MaskExample, masksFigure } from "../../../lib/figures/pictures/masks_figure.ts";
import { decodePngUri } from "../png_uri.ts";

/** Two by two patches on an image of one colour. */
const example = (change: Partial<MaskExample> = {}): MaskExample => ({
  pixels: new Uint8Array(8 * 8 * 3).fill(100),
  size: 8,
  grid: [2, 2],
  context: Int32Array.of(0, 1),
  targets: [Int32Array.of(3), Int32Array.of(2, 3)],
  ...change,
});

Deno.test("masksFigure() draws a row for each example: image, context, targets", () => {
  const { layout } = masksFigure([example(), example({ targets: [Int32Array.of(3)] })]);
  const images = layout.images as { x: number; y: number }[];
  assertEquals(images.length, 4 + 3);
  assertEquals(new Set(images.map(({ y }) => y)).size, 2);
  assertEquals((layout.shapes as unknown[]).length, 2 * (2 + 1));
  const texts = (layout.annotations as { text: string }[]).map(({ text }) => text);
  assertEquals(texts.slice(0, 4), ["<b>Image</b>", "<b>Context</b>", "<b>Target 1</b>", "<b>Target 2</b>"]);
  assertEquals(texts.slice(4), ["50 %", "25 %", "50 %", "50 %", "25 %"]);
});

Deno.test("masksFigure() shows the patches of a block and blanks the others", async () => {
  const { layout } = masksFigure([example()]);
  const { source } = (layout.images as { source: string }[])[2];
  const { pixels, width, height } = await decodePngUri(source);
  assertEquals([width, height], [224, 224]);
  const pixel = (x: number, y: number) => pixels.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3).toHex();
  assertEquals(pixel(223, 223), "646464");
  assertEquals(pixel(112, 112), "646464");
  assertEquals([pixel(111, 112), pixel(112, 111), pixel(0, 0)], Array(3).fill(EMPTY.slice(1).toLowerCase()));
});

Deno.test("masksFigure() outlines a block by its outer sides alone", () => {
  const { layout } = masksFigure([example()]);
  const paths = (layout.shapes as { path: string }[]).map(({ path }) => path.match(/M/g)!.length);
  assertEquals(paths, [4, 4, 6, 6]);
});

Deno.test("masksFigure() refuses what does not fit together", () => {
  assertThrows(() => masksFigure([]), RangeError, "at least one image");
  assertThrows(() => masksFigure([example({ pixels: new Uint8Array(9) })]), RangeError, "Image 0 has 9 bytes");
  assertThrows(() => masksFigure([example({ grid: [3, 3] })]), RangeError, "does not divide into 3 x 3");
  assertThrows(() => masksFigure([example({ context: Int32Array.of(4) })]), RangeError, "Patch 4 of image 0");
});
