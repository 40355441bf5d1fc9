/**
 * What a world model minimises: eb_jepa's five terms, or LeWM's two (arXiv 2603.19312).
 *
 * @module
 */
import { meanSquaredError } from "../methods/parts/errors.ts";
import { sigreg } from "../methods/parts/sigreg.ts";
import { centred, covarianceOf } from "../methods/parts/variance_covariance.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** Weights of the terms beside the prediction's, which has 1. */
export interface WorldWeights {
  /** Of missingDeviation(): VICReg's hinge over stateDeviations() of all frames. */
  variance: number;
  /** Of stateCovariance(). */
  covariance: number;
  /** Of smoothness(). */
  smoothness: number;
  /**
   * Frames over which smoothness() is taken, less than an episode has; 1 in eb_jepa. From frame to frame, a state that ignores the
   * walls is nearly as smooth as one that knows them; over many, only what differs from room to room stays.
   */
  lag: number;
  /** Of the inverse model's squared error. */
  inverseDynamics: number;
}

/** LeWM's regulariser. */
export interface NormalStates {
  /** Weight of SIGReg. */
  sigreg: number;
  /** Random directions that it looks along, drawn anew each step. */
  directions: number;
}

/** The squared error of states predicted one from the other, [B, D] each, averaged over steps, batch and D. */
export function predictionError(predicted: readonly Tensor[], states: readonly Tensor[]): Tensor {
  return tf.div(tf.addN(predicted.map((state, i) => meanSquaredError(state, states[i]))), predicted.length);
}

/**
 * States [B, T, D] less their mean, [B*T, D]: that of all, or, where `sharing` > 1 episodes one after another happen in
 * the same rooms, that of these. What is the same wherever the dot is then varies by nothing.
 */
export function stateDeviations(states: Tensor, sharing: number): Tensor {
  const [batch, frames, width] = states.shape as [number, number, number], rows = [batch * frames, width];
  if (sharing === 1) return centred(tf.reshape(states, rows));
  const ofRooms = tf.reshape(states, [batch / sharing, sharing * frames, width]);
  return tf.reshape(tf.sub(ofRooms, tf.mean(ofRooms, 1, true)), rows);
}

/** Squares of the covariances, by S - 1, of different dimensions of deviations [S, D], averaged over the pairs. */
export function stateCovariance(deviations: Tensor): Tensor {
  return tf.div(covarianceOf(deviations), deviations.shape[1]! - 1);
}

/** The squared change of states [B, T, D] over so many frames, averaged. */
export function smoothness(states: Tensor, lag: number): Tensor {
  const [batch, frames, width] = states.shape as [number, number, number];
  const size = [batch, frames - lag, width];
  return meanSquaredError(tf.slice(states, [0, lag, 0], size), tf.slice(states, [0, 0, 0], size));
}

/** SIGReg of states [B, T, D], by LeWM over the batch at each time. */
export function normality(states: Tensor, directions: Tensor): Tensor {
  return sigreg(tf.transpose(states, [1, 0, 2]), directions);
}
