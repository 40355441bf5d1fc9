import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertLess, assertRejects } from "@std/assert";
import { perceptualDistance } from "../../../lib/decoding/measures/perceptual_distance.ts";
import { encodeLayers, patchify } from "../../../lib/jepa/encoder.ts";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { BYTES, pixels, SIDE, toyEncoder } from "../toy.ts";

const toy = toyEncoder(), size = { ...toy.size, depth: 2 };
for (const tensor of Object.values(toy.parameters)) tensor.dispose();
const encoder = { ...toy, size, parameters: initialise(encoderShapes(size), 1, "xavier") };

Deno.test("perceptualDistance() is the squared distance of unit tokens, averaged over patches and all layers", async () => {
  // More than one batch, the last filled up.
  const some = new Uint8Array(70 * BYTES).map((_, i) => pixels[i % (32 * BYTES)]);
  const others = some.map((_, i) => pixels[(i + 5 * BYTES) % (32 * BYTES)]);
  const distance = await perceptualDistance(encoder, some, others);
  const tokens = (bytes: Uint8Array) => {
    const patches = patchify(uint8Tensor(bytes, [70, SIDE, SIDE, 3]), size.patch, encoder.preprocessing);
    return encodeLayers(encoder.parameters, size, patches, 2).map((x) => x.arraySync() as number[][][]);
  };
  let sum = 0, places = 0;
  tf.tidy(() => {
    const [a, b] = [tokens(some), tokens(others)];
    a.forEach((layer, l) =>
      layer.forEach((image, i) =>
        image.forEach((token, n) => {
          const other = b[l][i][n], product = token.reduce((total, x, j) => total + x * other[j], 0);
          sum += 2 - 2 * product / Math.hypot(...token) / Math.hypot(...other);
          places++;
        })
      )
    );
  });
  assertAlmostEquals(distance, sum / places, 1e-5);
  assert(distance > 1e-3);
});

Deno.test("perceptualDistance() is 0 of the same images and grows with noise", async () => {
  assertLess(await perceptualDistance(encoder, pixels, pixels), 1e-9);
  const noisy = (by: number) => pixels.map((x, i) => Math.max(0, Math.min(255, x + (i * 7919 % 3 - 1) * by)));
  const [little, much] = [
    await perceptualDistance(encoder, noisy(4), pixels),
    await perceptualDistance(encoder, noisy(40), pixels),
  ];
  assert(0 < little && little < much, `${little} ${much}`);
});

Deno.test("perceptualDistance() refuses what are no pairs of images", async () => {
  const few = pixels.subarray(0, BYTES);
  await assertRejects(() => perceptualDistance(encoder, few, pixels), RangeError, "1 and 32 images are no pairs");
  await assertRejects(() => perceptualDistance(encoder, few.subarray(1), few), RangeError, "no images of 16 x 16");
  const none = new Uint8Array(0);
  await assertRejects(() => perceptualDistance(encoder, none, none), RangeError, "no distance of no images");
});
