import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { bounced, idxImages, loadMovingMnist, movingDigits } from "../../../lib/datasets/clips/moving_mnist.ts";

Deno.test("what goes beyond an edge comes back from it by as much", () => {
  [[0.3, 0.3], [1.2, 0.8], [-0.1, 0.1], [2.5, 0.5], [3.75, 0.25]].forEach(([way, place]) =>
    assertAlmostEquals(bounced(way), place, 1e-12)
  );
});

Deno.test("a digit is the same image in each frame, and goes a tenth of the way between the edges from one to the next", () => {
  const image = Uint8Array.from({ length: 28 * 28 }, (_, i) => 1 + i % 255), frames = 12;
  const pixels = movingDigits(image, { clips: 1, frames, digits: 1 }), corners: [number, number][] = [];
  for (let t = 0; t < frames; t++) {
    const grey = pixels.subarray(t * 64 * 64 * 3, (t + 1) * 64 * 64 * 3).filter((_, i) => i % 3 === 0);
    const first = grey.findIndex((value) => value > 0), row = Math.floor(first / 64), column = first % 64;
    image.forEach((value, i) => assertEquals(grey[(row + Math.floor(i / 28)) * 64 + column + i % 28], value));
    assertEquals(grey.filter((value) => value > 0).length, 28 * 28);
    corners.push([row, column]);
  }
  const ways = corners.slice(1).map(([row, column], t) => Math.hypot(row - corners[t][0], column - corners[t][1]));
  assert(ways.every((way) => way < 3.6 + Math.SQRT2));
  assert(ways.filter((way) => Math.abs(way - 3.6) <= Math.SQRT2).length >= ways.length - 4, `${ways}`); // others bounced
});

Deno.test("where digits overlap the brighter is seen, and clips depend on seed and place alone", () => {
  const images = new Uint8Array(2 * 28 * 28).fill(90, 0, 28 * 28).fill(200, 28 * 28);
  const two = movingDigits(images, { clips: 3, frames: 4, digits: 2 });
  assert(two.every((value) => value === 0 || value === 90 || value === 200));
  assertEquals(movingDigits(images, { clips: 2, frames: 4 }), two.subarray(0, two.length * 2 / 3));
});

Deno.test("MNIST's files are read, and others refused", async () => {
  const clips = await loadMovingMnist("test", { clips: 2, frames: 3 });
  assertEquals([clips.length, clips.framesOf(1)], [2, 3]);
  const { pixels, width, height } = await clips.read(1, [0, 2]);
  assertEquals([width, height, pixels.length], [64, 64, 2 * 64 * 64 * 3]);
  assert(pixels.some((value) => value > 200));
  assertThrows(() => idxImages("x", new Uint8Array(100)), Error, "x does not hold whole images of 28 x 28 pixels");
});
