/**
 * What a world model minimises: eb_jepa's five terms, or LeWM's two (arXiv 2603.19312).
 *
 * @module
 */
import { meanSquaredError } from "../methods/mean_squared_error.ts";
import { sigreg } from "../methods/sigreg.ts";
import { centred, covarianceOf, missingDeviation } from "../methods/vicreg.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** Weights of the terms beside the prediction's, which has 1. */
export interface WorldWeights {
  /** Of missingDeviation(): VICReg's hinge over all states of all frames. */
  variance: number;
  /** Of stateCovariance(). */
  covariance: number;
  /** Of smoothness(). */
  smoothness: number;
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

/** Squares of the covariances, by S - 1, of different dimensions of states [S, D], averaged over the pairs. */
export function stateCovariance(states: Tensor): Tensor {
  return tf.div(covarianceOf(centred(states)), states.shape[1]! - 1);
}

/** How far VICReg's deviations, of each dimension of states [S, D] by S - 1, are below 1, averaged. */
export function stateVariance(states: Tensor): Tensor {
  return missingDeviation(centred(states));
}

/** The squared change of states [B, T, D] from one frame to the next, averaged. */
export function smoothness(states: Tensor): Tensor {
  const [batch, frames, width] = states.shape as [number, number, number];
  const size = [batch, frames - 1, width];
  return meanSquaredError(tf.slice(states, [0, 1, 0], size), tf.slice(states, [0, 0, 0], size));
}

/** SIGReg of states [B, T, D], by LeWM over the batch at each time. */
export function normality(states: Tensor, directions: Tensor): Tensor {
  return sigreg(tf.transpose(states, [1, 0, 2]), directions);
}
