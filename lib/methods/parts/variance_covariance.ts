/**
 * VICReg's terms that keep representations from collapsing (Bardes et al. 2022, arXiv 2105.04906, section 4.1), as its code
 * has them: by S - 1, where jepa/regulariser.ts divides by S.
 *
 * @module
 */
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** z [S, P] less its mean over the batch. */
export const centred: (x: Tensor) => Tensor = fused("centred", (x: Tensor) => tf.sub(x, tf.mean(x, 0, true)));

/** Equation 1 of centred z [S, P], by S - 1 as in the authors' code: how far each dimension's deviation is below 1. */
export const missingDeviation: (z: Tensor) => Tensor = fused("missing_deviation", (z: Tensor) => {
  const variance = tf.div(tf.sum(tf.square(z), 0), z.shape[0] - 1);
  return tf.mean(tf.relu(tf.sub(1, tf.sqrt(tf.add(variance, 1e-4)))));
});

/** Equation 4 of centred z [S, P], by S - 1: the squared covariances of different dimensions, over P. */
export function covarianceOf(z: Tensor): Tensor {
  const [rows, width] = z.shape;
  const covariances = tf.div(tf.matMul(z as tf.Tensor2D, z as tf.Tensor2D, true), rows - 1); // [P, P]
  return tf.div(tf.sum(tf.square(tf.mul(covariances, tf.sub(1, tf.eye(width!))))), width!);
}
