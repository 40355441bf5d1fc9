/**
 * Pixels as the decoders have them: numbers in -1 .. 1, of whole images or of patches in patchify()'s order.
 *
 * @module
 */
import { patchify } from "../jepa/encoder.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** Takes 0 .. 1 to -1 .. 1. */
const CENTRED = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };

/** uint8 pixels [B, H, W, 3] in -1 .. 1. */
export function toImages(pixels: Tensor): Tensor {
  return tf.sub(tf.div(tf.cast(pixels, "float32"), 127.5), 1);
}

/** uint8 pixels [B, H, W, 3] as patches [B, N, 3*p*p] in -1 .. 1. */
export function toPatches(pixels: Tensor, patch: number): Tensor {
  return patchify(pixels, patch, CENTRED);
}

/** Patches [B, N, 3*p*p] put together: images [B, image, image, 3]. */
export function fromPatches(patches: Tensor, image: number, patch: number): Tensor {
  const [batch] = patches.shape, side = image / patch;
  const grid = tf.transpose(tf.reshape(patches, [batch, side, side, 3, patch, patch]), [0, 1, 4, 2, 5, 3]);
  return tf.reshape(grid, [batch, image, image, 3]);
}

/**
 * Images [B, H, W, 3] as pixels, rounded to bytes; what is outside -1 .. 1 becomes black or white.
 *
 * @returns int32 [B, H, W, 3], in 0 .. 255
 */
export function toPixels(images: Tensor): Tensor {
  return tf.cast(tf.round(tf.mul(tf.add(tf.clipByValue(images, -1, 1), 1), 127.5)), "int32");
}
