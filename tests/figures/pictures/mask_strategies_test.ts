import { assertEquals, assertThrows } from "@std/assert";
import { maskStrategiesFigure } from "../../../lib/figures/pictures/mask_strategies.ts";
import type { MaskExample } from "../../../lib/figures/pictures/masks_figure.ts";

const example: MaskExample = {
  pixels: new Uint8Array(8 * 8 * 3).fill(100),
  size: 8,
  grid: [2, 2],
  context: Int32Array.of(0),
  targets: [Int32Array.of(1), Int32Array.of(2, 3)],
};

Deno.test("maskStrategiesFigure() draws every context in its place, its targets outlined, below names and notes", () => {
  const columns = [{ name: "Blocks", note: "54.2 %" }, { name: "Random" }];
  const { layout } = maskStrategiesFigure(columns, [[example, example], [example, example], [example, example]]);
  const images = layout.images as { x: number; y: number }[];
  assertEquals([new Set(images.map(({ x }) => x)).size, new Set(images.map(({ y }) => y)).size], [2, 3]);
  const shapes = layout.shapes as { line: { color: string } }[];
  assertEquals(shapes.length, 6 * 2);
  assertEquals(new Set(shapes.map(({ line }) => line.color)).size, 2);
  const texts = (layout.annotations as { text: string }[]).map(({ text }) => text);
  assertEquals(texts, ["<b>Blocks</b>", "54.2 %", "<b>Random</b>"]);
});

Deno.test("maskStrategiesFigure() refuses rows of another length, patches outside the grid, and no row", () => {
  const columns = [{ name: "Blocks" }];
  assertThrows(() => maskStrategiesFigure(columns, []), RangeError, "at least one row");
  assertThrows(
    () => maskStrategiesFigure(columns, [[example, example]]),
    RangeError,
    "Row 0 of the figure has 2 images",
  );
  const outside = { ...example, context: Int32Array.of(4) };
  assertThrows(() => maskStrategiesFigure(columns, [[outside]]), RangeError, "outside its 2 x 2 grid");
});
