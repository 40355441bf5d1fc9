/**
 * Several linear heads that read the same features, trained side by side: each of their parameters is one tensor.
 *
 * @module
 */
import type { Parameters } from "../../nn/parameters.ts";
import { type Random } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { kernel } from "../../tensorflow/fused.ts";
import { lars, type LarsRates } from "./lars.ts";
import type { HeadOptimiser } from "./linear_recipes.ts";

/** H heads as they are trained. */
export interface LinearHeads {
  /** head.weight [H, C, D] and head.bias [H, C] */
  parameters: Parameters;
  /** Of each parameter. */
  velocity: Parameters;
}

/** Deviation of the first weights. */
const DEVIATION = 0.01;

/** Heads with the same random weights. The caller disposes of the tensors. */
export function newHeads(heads: number, classes: number, width: number, random: Random): LinearHeads {
  const weight = Float32Array.from({ length: classes * width }, () => DEVIATION * random.normal());
  return tf.tidy(() =>
    ({
      parameters: {
        "head.weight": tf.tile(tf.tensor3d(weight, [1, classes, width]), [heads, 1, 1]),
        "head.bias": tf.zeros([heads, classes]),
      },
      velocity: {
        "head.weight": tf.zeros([heads, classes, width]),
        "head.bias": tf.zeros([heads, classes]),
      },
    }) as unknown as tf.TensorContainer
  ) as unknown as LinearHeads;
}

/** Logits [B, H, C] of features [B, D]. */
export function headLogits({ "head.weight": weight, "head.bias": bias }: Parameters, features: Tensor): Tensor {
  const [heads, classes, width] = weight.shape;
  const rows = tf.reshape(weight, [heads * classes!, width!]) as tf.Tensor2D;
  const products = tf.matMul(features as tf.Tensor2D, rows, false, true); // [B, H*C]
  return tf.add(tf.reshape(products, [-1, heads, classes!]), bias);
}

/** Gradient of each head's loss with respect to its logits [B, H, C]; oneHot [B, C], weights [B, H]. */
const residuals = kernel("softmax_residuals", (logits: Tensor, oneHot: Tensor, weights: Tensor) => {
  const exponentials = tf.exp(tf.sub(logits, tf.max(logits, 2, true)));
  const probabilities = tf.div(exponentials, tf.sum(exponentials, 2, true));
  const all = tf.mul(tf.sub(probabilities, tf.expandDims(oneHot, 1)), tf.expandDims(weights, 2));
  return [all, tf.sum(all, 0)];
});

/**
 * One step on each head's cross-entropy, a sum over the rows by their weights.
 *
 * @param features [B, D]
 * @param oneHot labels, [B, C]
 * @param weights [B, H]: how much each row counts for each head; of a mean, 1 / B
 */
export function trainHeads(
  { parameters, velocity }: LinearHeads,
  features: Tensor,
  oneHot: Tensor,
  weights: Tensor,
  rates: LarsRates,
  optimiser: HeadOptimiser = lars,
): LinearHeads {
  const weight = parameters["head.weight"], [heads, classes] = weight.shape;
  const [logitGradient, biasGradient] = residuals(headLogits(parameters, features), oneHot, weights); // [B, H, C], [H, C]
  const rows = tf.reshape(logitGradient, [-1, heads * classes!]) as tf.Tensor2D; // [B, H*C]
  const gradients = {
    "head.weight": tf.reshape(tf.matMul(rows, features as tf.Tensor2D, true), weight.shape),
    "head.bias": biasGradient,
  };
  return optimiser(parameters, gradients, velocity, rates);
}
