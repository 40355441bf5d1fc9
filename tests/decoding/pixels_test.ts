import "../tensorflow/loaded.ts";
import { assertEquals, assertLess } from "@std/assert";
import { fromPatches, toImages, toPatches, toPixels } from "../../lib/decoding/pixels.ts";
import { tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";

const bytes = Uint8Array.from({ length: 2 * 12 * 12 * 3 }, (_, i) => (i * 37) % 256);

Deno.test("toPixels() undoes toImages(), to the bit", () => {
  tf.tidy(() => {
    const images = toImages(uint8Tensor(bytes, [2, 12, 12, 3]));
    assertEquals([tf.min(images).dataSync()[0], tf.max(images).dataSync()[0]], [-1, 1]);
    assertEquals(Uint8Array.from(toPixels(images).dataSync()), bytes);
  });
});

Deno.test("fromPatches() undoes toPatches()", () => {
  tf.tidy(() => {
    const pixels = uint8Tensor(bytes, [2, 12, 12, 3]), patches = toPatches(pixels, 4);
    assertEquals(patches.shape, [2, 9, 48]);
    const difference = tf.sub(fromPatches(patches, 12, 4), toImages(pixels));
    assertEquals(difference.shape, [2, 12, 12, 3]);
    assertLess(tf.max(tf.abs(difference)).dataSync()[0], 1e-6);
  });
});

Deno.test("toPixels() makes what no pixel can be black or white", () => {
  const values = tf.tensor4d([-7, -1, 0, 1, 7, 0.999], [1, 1, 2, 3]);
  assertEquals([...toPixels(values).dataSync()], [0, 0, 128, 255, 255, 255]);
});
