/**
 * How far images are from each other to an encoder: LPIPS's form (Zhang et al. 2018, arXiv 1801.03924, equation 1) over the
 * encoder's own layers. LPIPS calibrates the channels of a network that was trained on labels by what people judge; here all
 * count alike, and the encoder is the one whose tokens are decoded, so only numbers of the same encoder compare.
 *
 * @module
 */
import { encodeLayers, patchify } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { forBatches } from "../image_batches.ts";
import type { FrozenEncoder } from "../representation.ts";

/** Tokens [B, N, D], each to length 1. */
const directions = (tokens: Tensor): Tensor => tf.div(tokens, tf.add(tf.norm(tokens, 2, -1, true), 1e-10));

/**
 * The squared distance of two images' tokens, each scaled to length 1, averaged over the patches, over all layers of the
 * encoder and over the images: 0 for the same image, 4 at most.
 *
 * @param decoded 8-bit [B, image, image, 3] of the encoder's size
 * @param images what they should be
 * @throws RangeError where they are not equally many such images, at least one
 */
export async function perceptualDistance(
  encoder: FrozenEncoder,
  decoded: Uint8Array,
  images: Uint8Array,
): Promise<number> {
  const { parameters, size, preprocessing } = encoder;
  const distance = compile((p: Parameters, a: Tensor, b: Tensor) => {
    const layers = (pixels: Tensor) => encodeLayers(p, size, patchify(pixels, size.patch, preprocessing), size.depth);
    const others = layers(b);
    const each = layers(a).map((tokens, i) => {
      const apart = tf.squaredDifference(directions(tokens), directions(others[i])); // [B, N, D]
      return tf.mean(tf.sum(apart, -1), -1); // [B]
    });
    return tf.div(tf.addN(each), each.length);
  }, { name: "perceptual_distance" });
  try {
    const distances = await forBatches(size.image, [decoded, images], (a, b) => distance(parameters, a, b));
    if (distances.length === 0) throw new RangeError("There is no distance of no images.");
    return distances.reduce((sum, x) => sum + x, 0) / distances.length;
  } finally {
    distance.dispose();
  }
}
