import { assertEquals } from "@std/assert";
import { mirror, rotate, shearX, shearY, translate } from "../../../lib/datasets/pixels/geometric.ts";

/** Grey pixels, row by row. */
const grey = (...rows: number[][]) => Uint8Array.from(rows.flat().flatMap((value) => [value, value, value]));

Deno.test("translate() moves right and down, and black comes in", () => {
  const image = grey([1, 2, 3], [4, 5, 6]);
  assertEquals(translate(image, 3, 1, 0), grey([0, 1, 2], [0, 4, 5]));
  assertEquals(translate(image, 3, -2, 1), grey([0, 0, 0], [3, 0, 0]));
  assertEquals(translate(image, 3, 0, 5), grey([0, 0, 0], [0, 0, 0]));
});

Deno.test("rotate() by a quarter turns counterclockwise", () => {
  assertEquals(rotate(grey([1, 2], [3, 4]), 2, 90), grey([2, 4], [1, 3]));
  assertEquals(rotate(grey([1, 2], [3, 4]), 2, 180), grey([4, 3], [2, 1]));
});

Deno.test("shearX() and shearY() move rows left and columns up", () => {
  const image = grey([1, 2, 3], [4, 5, 6], [7, 8, 9]);
  assertEquals(shearX(image, 3, 1), grey([2, 3, 0], [6, 0, 0], [0, 0, 0])); // a pixel's centre is half a row down
  assertEquals(shearY(image, 3, 0.3), grey([1, 2, 6], [4, 5, 9], [7, 8, 0]));
});

Deno.test("mirror() exchanges left and right, and keeps the channels", () => {
  assertEquals(mirror(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 3), Uint8Array.of(7, 8, 9, 4, 5, 6, 1, 2, 3));
  assertEquals(mirror(grey([1, 2], [3, 4]), 2), grey([2, 1], [4, 3]));
});
