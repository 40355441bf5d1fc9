import "../tensorflow/loaded.ts";
import { assertEquals, assertLess } from "@std/assert";
import { toPatches, toPixels } from "../../lib/decoding/pixels.ts";
import { tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";

Deno.test("toPixels() undoes toPatches(), to the bit", () => {
  const bytes = Uint8Array.from({ length: 2 * 12 * 12 * 3 }, (_, i) => (i * 37) % 256);
  tf.tidy(() => {
    const patches = toPatches(uint8Tensor(bytes, [2, 12, 12, 3]), 4);
    assertEquals(patches.shape, [2, 9, 48]);
    assertLess(tf.max(tf.abs(patches)).dataSync()[0], 1 + 1e-6);
    assertEquals(Uint8Array.from(toPixels(patches, 12, 4).dataSync()), bytes);
  });
});

Deno.test("toPixels() makes what no pixel can be black or white", () => {
  const values = tf.tensor3d([[[-7, -1, 0, 1, 7, 0.999, 0, 0, 0, 0, 0, 0]]]);
  assertEquals([...toPixels(values, 2, 2).dataSync()].filter((_, i) => i % 3 === 0), [0, 0, 128, 255]);
});
