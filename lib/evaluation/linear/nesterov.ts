/**
 * Gradient descent with Nesterov's momentum, as PyTorch's SGD computes it (Sutskever et al. 2013): how VISSL trains the
 * heads of the paper's transfer tasks.
 *
 * @module
 */
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { kernel } from "../../tensorflow/fused.ts";
import { eachMoved, type LarsRates } from "./lars.ts";

const MOMENTUM = 0.9;

/** [H] as [H, 1, ...], to go with x [H, ...]. */
const besides = (rates: Tensor, x: Tensor) => tf.reshape(rates, x.shape.map((size, axis) => axis === 0 ? size : 1));

const move = kernel(
  "nesterov",
  (parameter: Tensor, gradient: Tensor, velocity: Tensor, learningRate: Tensor, weightDecay: Tensor) => {
    const change = tf.add(gradient, tf.mul(besides(weightDecay, parameter), parameter));
    const v = tf.add(tf.mul(velocity, MOMENTUM), change);
    const ahead = tf.add(change, tf.mul(v, MOMENTUM));
    return [tf.sub(parameter, tf.mul(besides(learningRate, ahead), ahead)), v];
  },
);

/**
 * One step for H networks that are trained side by side, each parameter of all of them being one tensor [H, ...]:
 * g <- g + beta w, v <- 0.9 v + g, w <- w - gamma (g + 0.9 v). Biases are decayed as well (VISSL's regularize_bias).
 *
 * @param velocity of each parameter, zeros at first
 */
export function nesterov(
  parameters: Parameters,
  gradients: Parameters,
  velocity: Parameters,
  { learningRate, weightDecay }: LarsRates,
): { parameters: Parameters; velocity: Parameters } {
  return eachMoved(parameters, gradients, velocity, (_, ...inputs) => move(...inputs, learningRate, weightDecay));
}
