import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { trainDecoder } from "../../../lib/decoding/train_decoder.ts";
import { measureReconstruction, patchMeans } from "../../../lib/decoding/measures/reconstruction_measures.ts";
import type { PatchDecoder } from "../../../lib/decoding/saved_decoder.ts";
import { psnr } from "../../../lib/decoding/measures/measures.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { BYTES, images, PATCHES, pixels, SIDE, toyEncoder } from "../toy.ts";

Deno.test("patchMeans() leaves each patch its mean colour", () => {
  // 4 x 4 pixels: each patch of 2 has bytes of its own in each colour, one pixel of it 4 more.
  const base = (y: number, x: number, colour: number) => 20 * (2 * (y >> 1) + (x >> 1)) + 100 * colour;
  const image = new Uint8Array(48), means = new Uint8Array(48);
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 4; x++) {
      for (let colour = 0; colour < 3; colour++) {
        const at = (y * 4 + x) * 3 + colour, isFirst = x % 2 === 0 && y % 2 === 0;
        image[at] = base(y, x, colour) + (isFirst ? 4 : 0);
        means[at] = base(y, x, colour) + 1;
      }
    }
  }
  const two = Uint8Array.of(...image, ...new Uint8Array(48).fill(9));
  assertEquals(patchMeans(two, 4, 2), Uint8Array.of(...means, ...new Uint8Array(48).fill(9)));
  assertEquals(patchMeans(two, 4, 1), two);
  assertThrows(() => patchMeans(two.subarray(1), 4, 2), RangeError, "95 bytes are no images of 4 x 4");
});

Deno.test("measureReconstruction() finds decoded images nearer than other images decoded", async () => {
  const dir = await Deno.makeTempDir(), encoder = toyEncoder();
  const { decoder } = await trainDecoder({ ...PATCHES, epochs: 60 }, encoder, images, { dir });
  const patchDecoder = decoder as PatchDecoder;
  const measures = await measureReconstruction(encoder, patchDecoder, pixels, 0), text = JSON.stringify(measures);
  const { decoded, shuffled, patchMeans: means } = measures;
  assertEquals(measures.images, 32);
  assert(decoded.psnr > shuffled.psnr + 5, text);
  assert(decoded.ssim > shuffled.ssim, text);
  assert(decoded.perceptual < shuffled.perceptual, text);
  assertAlmostEquals(means.psnr, psnr(patchMeans(pixels, SIDE, 4), pixels, BYTES), 1e-9);
  const one = () => measureReconstruction(encoder, patchDecoder, pixels.subarray(0, BYTES), 0);
  await assertRejects(one, RangeError, "at least 2 images");
  tf.dispose([encoder.parameters, decoder.parameters, decoder.standardisation]);
  await Deno.remove(dir, { recursive: true });
});
