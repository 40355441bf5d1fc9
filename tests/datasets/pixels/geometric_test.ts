import { assertEquals } from "@std/assert";
import { mirror, rotate, shearX, shearY, translate } from "../../../lib/datasets/pixels/geometric.ts";

/** Grey pixels, row by row; "*" is the colour of what moves in. */
const grey = (...rows: (number | "*")[][]) =>
  Uint8Array.from(rows.flat().flatMap((value) => value === "*" ? [124, 116, 104] : [value, value, value]));

Deno.test("translate() moves left and up, and ImageNet's mean comes in", () => {
  const image = grey([1, 2, 3], [4, 5, 6]);
  assertEquals(translate(image, 3, -1, 0), grey(["*", 1, 2], ["*", 4, 5]));
  assertEquals(translate(image, 3, 2, -1), grey(["*", "*", "*"], [3, "*", "*"]));
  assertEquals(translate(image, 3, 0, -5), grey(["*", "*", "*"], ["*", "*", "*"]));
});

Deno.test("rotate() by a quarter turns counterclockwise", () => {
  assertEquals(rotate(grey([1, 2], [3, 4]), 2, 90), grey([2, 4], [1, 3]));
  assertEquals(rotate(grey([1, 2], [3, 4]), 2, 180), grey([4, 3], [2, 1]));
});

Deno.test("shearX() and shearY() move rows left and columns up, by less than a pixel too", () => {
  const image = grey([0, 0, 8], [0, 0, 8], [0, 0, 8]);
  // Pixels' centres are half a row down, and a cubic through 0, 0, 8, 8 goes through 4 in the middle.
  assertEquals(shearX(image, 3, 1), grey([0, 4, "*"], [4, "*", "*"], ["*", "*", "*"]));
  assertEquals(shearY(image, 3, 0), image);
});

Deno.test("mirror() exchanges left and right, and keeps the channels", () => {
  assertEquals(mirror(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 3), Uint8Array.of(7, 8, 9, 4, 5, 6, 1, 2, 3));
  assertEquals(mirror(grey([1, 2], [3, 4]), 2), grey([2, 1], [4, 3]));
});
