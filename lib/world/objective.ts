/**
 * A world model as an objective of the training loop.
 *
 * @module
 */
import type { ParameterShapes } from "../jepa/architectures.ts";
import { meanSquaredError } from "../methods/parts/errors.ts";
import { unitDirections } from "../methods/parts/sigreg.ts";
import { missingDeviation } from "../methods/parts/variance_covariance.ts";
import { randomStream } from "../random.ts";
import { type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import type { PrecisionChoice } from "../tensorflow/autocast.ts";
import type { Losses, Networks, Objective, Share } from "../training/objective.ts";
import { type RunSchedules, runSchedules } from "../training/schedules.ts";
import { stepsOf } from "../training/steps.ts";
import { episodeBatch, type RoomsConfig } from "./episodes.ts";
import {
  normality,
  type NormalStates,
  predictionError,
  smoothness,
  stateCovariance,
  stateDeviations,
  type WorldWeights,
} from "./losses.ts";
import { encodePictures, initialWorld, inverseModel, unroll, worldShapes, type WorldSize } from "./networks.ts";

/** Everything that decides a world model's training. */
export interface WorldConfig extends Pick<RunSchedules, "learningRate" | "weightDecay"> {
  /** Its name. */
  method: "two-rooms";
  /** What it is trained on. */
  rooms: RoomsConfig;
  /** Sizes of its networks. */
  networks: WorldSize;
  /** Steps that are predicted one from the other, from the first frame on: fewer than frames. */
  horizon: number;
  /** What keeps the states from collapsing. */
  regulariser: WorldWeights | NormalStates;
  /** Episodes a step. */
  batch: number;
  /** Episodes whose gradients are computed at once; default all. */
  microBatch?: number;
  /** Episodes of an epoch; each epoch's are drawn anew. */
  episodes: number;
  /** Epochs. */
  epochs: number;
  /** Largest norm of all gradients together; Infinity for none. */
  clip: number;
  /** What products compute in. */
  precision: PrecisionChoice;
  /** Everything random follows from it. */
  seed: number;
}

/** A micro-batch of B episodes. */
export interface WorldInputs {
  /** uint8 [B, T, side, side, 2] */
  pictures: Tensor;
  /** [B, T-1, 2] */
  actions: Tensor;
  /** [D, K], what SIGReg looks along, where it does. */
  directions?: Tensor;
}

/** Key of the directions' random streams; those of the episodes have the step there. */
const DIRECTIONS_STREAM = -5;

async function* inputsOf(config: WorldConfig, totalSteps: number, start: number, { parts, from, to }: Share) {
  const { rooms, networks: { width }, regulariser, batch, seed, episodes } = config;
  const count = batch / parts, { frames, picture } = rooms;
  for (let step = start; step < totalSteps; step++) {
    for (let part = from; part < to; part++) {
      const made = episodeBatch(rooms, seed, step, { from: part * count, count });
      const inputs: WorldInputs = {
        pictures: uint8Tensor(made.pictures, [count, frames, picture, picture, 2]),
        actions: tf.tensor3d(made.actions, [count, frames - 1, 2]),
      };
      if ("sigreg" in regulariser) {
        const random = randomStream(seed, DIRECTIONS_STREAM, step), { directions } = regulariser;
        inputs.directions = tf.tensor2d(unitDirections(width, directions, random), [width, directions]);
      }
      yield { inputs, epoch: Math.floor(step / Math.floor(episodes / batch)) };
    }
  }
}

/** What a loss depends on. */
export type WorldLossConfig = Pick<WorldConfig, "networks" | "horizon" | "regulariser"> & {
  rooms: Pick<RoomsConfig, "sharing">;
};

/** The loss and its terms, each before its weight; `stateStd` is the root of stateDeviations()' mean square, averaged over D. */
export function worldLoss(
  { rooms: { sharing }, networks: size, horizon, regulariser }: WorldLossConfig,
  { pictures, actions, directions }: WorldInputs,
  { encoder, predictor, inverse }: Networks,
): Losses {
  const [batch, frames, ...picture] = pictures.shape as number[];
  const rows = encodePictures(encoder, size, tf.reshape(pictures, [batch * frames, ...picture])); // [B*T, D]
  const states = tf.reshape(rows, [batch, frames, size.width]); // [B, T, D]
  const [first, ...others] = tf.unstack(states, 1);
  const ahead = tf.slice(actions, [0, 0, 0], [batch, horizon, 2]);
  const prediction = predictionError(unroll(encoder, predictor, first, ahead), others);
  const deviations = stateDeviations(states, sharing);
  const stateStd = tf.mean(tf.sqrt(tf.mean(tf.square(deviations), 0)));
  if ("sigreg" in regulariser) {
    const normal = normality(states, directions!);
    const loss = tf.add(prediction, tf.mul(normal, regulariser.sigreg));
    return { loss, reported: { prediction, sigreg: normal, stateStd } };
  }
  const pairs = [batch, frames - 1, size.width], flat = [-1, size.width];
  const from = tf.reshape(tf.slice(states, [0, 0, 0], pairs), flat),
    to = tf.reshape(tf.slice(states, [0, 1, 0], pairs), flat);
  const terms = {
    variance: missingDeviation(deviations),
    covariance: stateCovariance(deviations),
    smoothness: smoothness(states, regulariser.lag),
    inverseDynamics: meanSquaredError(inverseModel(inverse, from, to), tf.reshape(actions, [-1, 2])),
  };
  const weighed = Object.entries(terms).map(([name, term]) => tf.mul(term, regulariser[name as keyof WorldWeights]));
  return { loss: tf.addN([prediction, ...weighed]), reported: { prediction, ...terms, stateStd } };
}

/** Names and shapes of a run's networks: "encoder", "predictor" and, where its error is weighed, "inverse". */
export const networkShapes = ({ networks, rooms, regulariser }: WorldConfig): Record<string, ParameterShapes> =>
  worldShapes(networks, rooms.picture, "inverseDynamics" in regulariser);

/**
 * A world model as an objective: all of networkShapes() is trained. Variance and covariance are each
 * micro-batch's own.
 */
export function worldObjective(config: WorldConfig): Objective<WorldInputs> {
  const totalSteps = stepsOf(config, config.episodes);
  return {
    name: "world_step",
    totalSteps,
    initialise: () => initialWorld(networkShapes(config), config.networks.width, config.seed),
    averages: {},
    batches: (start, share) => inputsOf(config, totalSteps, start, share),
    lossOf: (_, inputs) => (trained) => worldLoss(config, inputs, trained),
    scheduled: runSchedules(config, totalSteps),
    clip: config.clip,
  };
}
