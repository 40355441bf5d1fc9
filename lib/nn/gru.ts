/**
 * The gated recurrent unit (Cho et al. 2014, arXiv 1406.1078) in PyTorch's form, whose parameters' names and shapes these are.
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused } from "../tensorflow/fused.ts";
import type { Parameters } from "./parameters.ts";
import { product } from "./layers.ts";

/**
 * h' = (1 - z) n + z h of gates r, z = sigmoid(...), n = tanh(input + r * hidden), from what is multiplied with the
 * input and the state, [B, 3H] each, in the order r, z, n.
 */
const gated = fused("gru", (input: Tensor, hidden: Tensor, h: Tensor, inputBias: Tensor, hiddenBias: Tensor) => {
  const [ir, iz, inew] = tf.split(tf.add(input, inputBias), 3, 1),
    [hr, hz, hn] = tf.split(tf.add(hidden, hiddenBias), 3, 1);
  const reset = tf.sigmoid(tf.add(ir, hr)), update = tf.sigmoid(tf.add(iz, hz)); // [B, H]
  const proposal = tf.tanh(tf.add(inew, tf.mul(reset, hn)));
  return tf.add(tf.mul(tf.sub(1, update), proposal), tf.mul(update, h));
});

/** Names and shapes of a cell's parameters. */
export function gruShapes(name: string, inputs: number, width: number): Record<string, readonly number[]> {
  return {
    [`${name}.weight_ih_l0`]: [3 * width, inputs],
    [`${name}.weight_hh_l0`]: [3 * width, width],
    [`${name}.bias_ih_l0`]: [3 * width],
    [`${name}.bias_hh_l0`]: [3 * width],
  };
}

/**
 * One step: the next state [B, H].
 *
 * @param x [B, I], the input
 * @param h [B, H], the state
 */
export function gruCell(p: Parameters, name: string, x: Tensor, h: Tensor): Tensor {
  const [input, hidden] = [product(x, p[`${name}.weight_ih_l0`]), product(h, p[`${name}.weight_hh_l0`])]; // [B, 3H]
  return gated(input, hidden, h, p[`${name}.bias_ih_l0`], p[`${name}.bias_hh_l0`]);
}
