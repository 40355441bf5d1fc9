import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { interpolatePositions, sineCosinePositions } from "../../lib/nn/positions.ts";
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

Deno.test("interpolatePositions() is PyTorch's bicubic F.interpolate, larger and smaller, of grids that are no squares", () => {
  const grid = Float32Array.of(1, -2, 3, 0, 5, -1); // [2, 3]
  const [larger, smaller] = [[3, 5], [1, 2]] as [number, number][];
  // torch.nn.functional.interpolate(x, size=..., mode="bicubic", align_corners=False) of torch 2.13
  const expected = [
    ...[1.44147241, -0.77538878, -2.60763955, 0.77073735, 3.91888976],
    ...[0.4040001, 0.92400008, 1.5, 1.26600003, 0.95200002],
    ...[-0.63347167, 2.62338853, 5.60763788, 1.76126266, -2.01488805],
  ];
  const actual = interpolatePositions(grid, [2, 3], larger);
  assertEquals(actual.length, 15);
  expected.forEach((x, i) => assertAlmostEquals(actual[i], x, 5e-6, `number ${i}`));
  const [left, right] = interpolatePositions(grid, [2, 3], smaller);
  assertAlmostEquals(left, 0.744140625, 1e-6);
  assertAlmostEquals(right, 1.1484375, 1e-6);
});

Deno.test("interpolatePositions() treats each dimension by itself, and gives the same grid back", () => {
  const vectors = Float32Array.of(1, 10, -2, -20, 3, 30, 0, 0); // [2 * 2, 2]
  const larger = interpolatePositions(vectors, [2, 2], [4, 4]);
  for (let i = 0; i < 16; i++) assertAlmostEquals(larger[2 * i + 1], 10 * larger[2 * i], 1e-5);
  assertEquals(interpolatePositions(vectors, [2, 2], [2, 2]), vectors);
  assertThrows(() => interpolatePositions(new Float32Array(10), [2, 2], [4, 4]), RangeError, "a 2 x 2 grid");
});
