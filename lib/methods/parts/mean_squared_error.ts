/**
 * The loss of the methods that predict or compare numbers.
 *
 * @module
 */
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

const squaredError = fused("squared_error", (a: Tensor, b: Tensor) => tf.square(tf.sub(a, b)));

/** (a - b)^2 averaged over all elements. */
export function meanSquaredError(a: Tensor, b: Tensor): Tensor {
  return tf.mean(squaredError(a, b));
}
