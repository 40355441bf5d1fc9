/**
 * LARS (You, Gitman and Ginsburg 2017, arXiv 1708.03888): gradient descent with momentum in which a matrix moves by a
 * share of its own norm, whatever the gradient's, so that very large batches train with large learning rates.
 *
 * @module
 */
import { isDecayed, type Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { kernel } from "../../tensorflow/fused.ts";

/** Share of a matrix's norm that it moves by at a learning rate of 1, and momentum. */
const TRUST = 1e-3, MOMENTUM = 0.9;

/** Of each of H networks, float32 [H]. */
export interface LarsRates {
  /** gamma */
  learningRate: Tensor;
  /** beta; what is added to a matrix's gradient is weightDecay times the matrix. */
  weightDecay: Tensor;
}

/** Norm of each network's own part of x [H, ...]: [H, 1, ...]. */
const norms = (x: Tensor) => tf.sqrt(tf.sum(tf.square(x), x.shape.map((_, axis) => axis).slice(1), true));

/** [H] as [H, 1, ...], to go with x [H, ...]. */
const besides = (rates: Tensor, x: Tensor) => tf.reshape(rates, x.shape.map((size, axis) => axis === 0 ? size : 1));

/** v <- 0.9 v + u, w <- w - gamma v */
function move(parameter: Tensor, change: Tensor, velocity: Tensor, learningRate: Tensor): [Tensor, Tensor] {
  const v = tf.add(tf.mul(velocity, MOMENTUM), change);
  return [tf.sub(parameter, tf.mul(besides(learningRate, v), v)), v];
}

const adapted = kernel(
  "lars_matrix",
  (parameter: Tensor, gradient: Tensor, velocity: Tensor, learningRate: Tensor, weightDecay: Tensor) => {
    const change = tf.add(gradient, tf.mul(besides(weightDecay, parameter), parameter));
    const length = norms(parameter), step = norms(change);
    const trust = tf.where(
      tf.logicalAnd(tf.greater(length, 0), tf.greater(step, 0)),
      tf.div(tf.mul(length, TRUST), step),
      tf.onesLike(length),
    );
    return move(parameter, tf.mul(change, trust), velocity, learningRate);
  },
);

const plain = kernel("lars_vector", move);

/**
 * One step for H networks that are trained side by side, each parameter of all of them being one tensor [H, ...]. A matrix
 * w with gradient g moves along u = 0.001 |w| / |g + beta w| (g + beta w), with momentum 0.9; where either norm is 0, along
 * g + beta w. Biases and norms move along their gradients: they are neither decayed nor adapted.
 *
 * As in the code that the paper's evaluation ran on (VISSL's) the norm is that of gradient and decay together, where You et
 * al. add the two norms, and the learning rate multiplies the velocity instead of going into it.
 *
 * @param velocity of each parameter, zeros at first
 */
export function lars(
  parameters: Parameters,
  gradients: Parameters,
  velocity: Parameters,
  { learningRate, weightDecay }: LarsRates,
): { parameters: Parameters; velocity: Parameters } {
  return eachMoved(
    parameters,
    gradients,
    velocity,
    (name, ...inputs) =>
      isDecayed(name) ? adapted(...inputs, learningRate, weightDecay) : plain(...inputs, learningRate),
  );
}

/** What a rule makes of each parameter and its velocity. */
export function eachMoved(
  parameters: Parameters,
  gradients: Parameters,
  velocity: Parameters,
  move: (name: string, parameter: Tensor, gradient: Tensor, velocity: Tensor) => Tensor[],
): { parameters: Parameters; velocity: Parameters } {
  const next: Parameters = {}, velocities: Parameters = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    [next[name], velocities[name]] = move(name, parameter, gradients[name], velocity[name]);
  }
  return { parameters: next, velocity: velocities };
}
