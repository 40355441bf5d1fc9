/**
 * Convolutions over images [B, H, W, C] as pure functions over named parameters; kernels are [height, width, inputs, outputs].
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { addBias } from "./layers.ts";
import type { Parameters } from "./parameters.ts";

/** The product of convolution(), without its bias. */
export function convolve(p: Parameters, name: string, x: Tensor): Tensor {
  return tf.conv2d(x as tf.Tensor4D, p[`${name}.weight`] as tf.Tensor4D, 1, "same");
}

/** A convolution that keeps height and width, zeros being around the image: x [B, H, W, I] to [B, H, W, O]. */
export function convolution(p: Parameters, name: string, x: Tensor): Tensor {
  return addBias(convolve(p, name, x), p[`${name}.bias`]);
}
