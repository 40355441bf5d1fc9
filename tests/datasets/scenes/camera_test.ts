import { assertAlmostEquals } from "@std/assert";
import {
  cameraAt,
  depthOf,
  HALF_WIDTH,
  project,
  rayThrough,
  type Vector,
} from "../../../lib/datasets/scenes/camera.ts";

const POSITION: Vector = [7.48113, -6.50764, 5.34367];

Deno.test("cameraAt() looks at the origin, upright, with perpendicular axes", () => {
  const { right, up, forward } = cameraAt(POSITION);
  const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  for (
    const [a, b, expected] of [[right, up, 0], [up, forward, 0], [right, forward, 0], [right, right, 1], [up, up, 1]]
  ) {
    assertAlmostEquals(dot(a as Vector, b as Vector), expected as number, 1e-15);
  }
  assertAlmostEquals(depthOf(cameraAt(POSITION), [0, 0, 0]), Math.hypot(...POSITION), 1e-14);
  assertAlmostEquals(right[2], 0);
  // The directions "right" and "front" of CLEVR's scene files.
  [0.6563112735748291, 0.7544902563095093].forEach((value, i) => assertAlmostEquals(right[i], value, 1e-6));
  const level = Math.hypot(forward[0], forward[1]);
  [-0.7544902563095093, 0.6563112735748291].forEach((value, i) => assertAlmostEquals(forward[i] / level, value, 1e-6));
});

Deno.test("rayThrough() is the inverse of project()", () => {
  const camera = cameraAt(POSITION), d = new Float64Array(3);
  for (const point of [[0, 0, 0], [2, -1, 0.7], [-2.5, 2, 1.4], [0.4, -2.9, 0]] as Vector[]) {
    const [column, row] = project(camera, point);
    rayThrough(camera, column, row, d);
    assertAlmostEquals(Math.hypot(...d), 1, 1e-14);
    const distance = Math.hypot(...point.map((value, i) => value - POSITION[i]));
    point.forEach((value, i) => assertAlmostEquals(POSITION[i] + distance * d[i], value, 1e-12));
  }
});

Deno.test("project() goes right and down, by the lens's width", () => {
  const camera = cameraAt([0, -10, 0]);
  const [left, right] = [-1, 1].map((side) => project(camera, [side * 10 * HALF_WIDTH, 0, 0])[0]);
  assertAlmostEquals(left, 0, 1e-12);
  assertAlmostEquals(right, 1, 1e-12);
  const [above, below] = [1, -1].map((z) => project(camera, [0, 0, z])[1]);
  assertAlmostEquals(below - above, 2 / 10 / HALF_WIDTH / 2, 1e-12);
  assertAlmostEquals(above + below, 1, 1e-12);
});
