/**
 * SIGReg (Balestriero and LeCun 2025, arXiv 2511.08544): how far projections are from an isotropic normal distribution,
 * by the Epps-Pulley statistic of their shadows on random lines.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** Places in 0 .. 3 at which characteristic functions are compared. */
const KNOTS = 17, LAST = 3;

/** Unit directions, [width, count], normal before they are brought to length 1. */
export function unitDirections(width: number, count: number, random: Random): Float32Array<ArrayBuffer> {
  const directions = Float32Array.from({ length: width * count }, () => random.normal());
  for (let k = 0; k < count; k++) {
    let squares = 0;
    for (let d = 0; d < width; d++) squares += directions[d * count + k] ** 2;
    for (let d = 0; d < width; d++) directions[d * count + k] /= Math.sqrt(squares);
  }
  return directions;
}

/** Of shadows [V, N, K]: the statistic averaged over V and K. */
const eppsPulley = fused("epps_pulley", (shadows: Tensor) => {
  const rows = shadows.shape[1]!, step = LAST / (KNOTS - 1);
  const places = Array.from({ length: KNOTS }, (_, j) => j * step), normal = places.map((t) => Math.exp(-t * t / 2));
  // The trapezoid's weights over -3 .. 3, of which one half is computed, times the normal's window.
  const weights = normal.map((value, j) => value * step * (j === 0 || j === KNOTS - 1 ? 1 : 2));
  const angles = tf.mul(tf.expandDims(shadows, 3), tf.tensor1d(places)); // [V, N, K, knots]
  const real = tf.sub(tf.mean(tf.cos(angles), 1), tf.tensor1d(normal)), imaginary = tf.mean(tf.sin(angles), 1);
  const distance = tf.add(tf.square(real), tf.square(imaginary)); // [V, K, knots]
  return tf.mul(tf.mean(tf.sum(tf.mul(distance, tf.tensor1d(weights)), 2)), rows);
});

/**
 * The statistic as a scalar, averaged over directions and over the views, each compared by itself: N times the weighted
 * squared distance of the characteristic functions at 17 places in 0 .. 3.
 *
 * @param projections [V, N, P]
 * @param directions [P, K] of length 1, which all micro-batches of a step share: unitDirections()
 */
export function sigreg(projections: Tensor, directions: Tensor): Tensor {
  const [views, rows, width] = projections.shape;
  const shadows = tf.matMul(tf.reshape(projections, [-1, width!]) as tf.Tensor2D, directions as tf.Tensor2D);
  return eppsPulley(tf.reshape(shadows, [views, rows!, directions.shape[1]!]));
}
