import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { sineCosinePositions } from "../../lib/nn/positions.ts";
import { expected } from "../training/reference/reference.ts";

Deno.test("sineCosinePositions() are those of numpy's meshgrid, as MAE and the authors use it", () => {
  for (const [name, width] of [["contextEncoder.pos_embed", 16], ["predictor.predictor_pos_embed", 8]] as const) {
    const { shape, values } = expected(name);
    assertEquals(shape, [1, 16, width]);
    const positions = sineCosinePositions(width, 4);
    positions.forEach((x, i) => assertAlmostEquals(x, values[i], 1e-6, `${name}, number ${i}`));
  }
});

Deno.test("sineCosinePositions() encode the column in the first half, the row in the second", () => {
  const width = 8, grid = 3, positions = sineCosinePositions(width, grid);
  const at = (row: number, column: number) => {
    const start = (row * grid + column) * width;
    return [positions.slice(start, start + width / 2), positions.slice(start + width / 2, start + width)];
  };
  assertEquals(at(0, 2)[0], at(1, 2)[0]);
  assertEquals(at(2, 0)[1], at(2, 1)[1]);
  assertEquals(at(0, 2)[0], at(2, 0)[1]);
  assertAlmostEquals(at(1, 2)[0][0], Math.sin(2), 1e-6);
  assertAlmostEquals(at(1, 2)[0][2], Math.cos(2), 1e-6);
  assertAlmostEquals(at(1, 2)[1][1], Math.sin(1 / 100), 1e-6);
});

Deno.test("sineCosinePositions() refuses a width that cannot be split in four", () => {
  assertThrows(() => sineCosinePositions(6, 2), RangeError, "got 6");
});
