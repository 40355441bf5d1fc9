/**
 * The errors of predictions that losses are made of.
 *
 * @module
 */
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** |a - b|, element by element. */
export const absoluteError: (a: Tensor, b: Tensor) => Tensor = fused(
  "absolute_error",
  (a: Tensor, b: Tensor) => tf.abs(tf.sub(a, b)),
);

const squaredError = fused("squared_error", (a: Tensor, b: Tensor) => tf.square(tf.sub(a, b)));

/** |a - b| averaged over all elements. */
export function meanAbsoluteError(a: Tensor, b: Tensor): Tensor {
  return tf.mean(absoluteError(a, b));
}

/** (a - b)^2 averaged over all elements. */
export function meanSquaredError(a: Tensor, b: Tensor): Tensor {
  return tf.mean(squaredError(a, b));
}
