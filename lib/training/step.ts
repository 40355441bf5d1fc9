/**
 * The two halves of a training step as pure functions: the gradients of an objective's loss, and the update that follows
 * from them. Everything that a step computes on tensors is in here and in what an objective's lossOf() calls.
 *
 * @module
 */
import { isTrained, type Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { adamw, biasCorrections, clipFactor, globalNorm, movingAverage } from "./adamw.ts";
import type { Losses, Networks, Objective, Scheduled } from "./objective.ts";

/** All that a run carries from step to step, by network. */
export interface TrainingState {
  /** What gradients train. */
  trained: Networks;
  /** Moving averages of some of them. */
  averages: Networks;
  /** AdamW's first moments. */
  first: Networks;
  /** AdamW's second moments. */
  second: Networks;
}

/**
 * [5], float32: learning rate, weight decay, momentum, and AdamW's two bias corrections at a step. One tensor, because a GPU
 * takes each by a copy that waits for what it is computing.
 */
export type StepScalars = tf.Tensor1D;

const mapNetworks = (networks: Networks, fn: (p: Parameters) => Parameters): Networks =>
  Object.fromEntries(Object.entries(networks).map(([network, p]) => [network, fn(p)]));

const mapParameters = (p: Parameters, fn: (value: Tensor) => Tensor): Parameters =>
  Object.fromEntries(Object.entries(p).map(([name, value]) => [name, fn(value)]));

const trainedOf = (p: Parameters): Parameters =>
  Object.fromEntries(Object.entries(p).filter(([name]) => isTrained(name)));

/** Zeros for each parameter that is trained, such as AdamW's first moments. */
export function zerosFor(p: Parameters): Parameters {
  return mapParameters(trainedOf(p), (value) => tf.zerosLike(value));
}

/** A run's state before its first step. */
export function initialState({ initialise, averages }: Pick<Objective, "initialise" | "averages">): TrainingState {
  const trained = initialise();
  const copies = Object.entries(averages).map(([name, followed]) => [name, mapParameters(trained[followed], tf.clone)]);
  return {
    trained,
    averages: Object.fromEntries(copies),
    first: mapNetworks(trained, zerosFor),
    second: mapNetworks(trained, zerosFor),
  };
}

/** The scalars of update `step` + 1, for an objective's `beta2`; the caller disposes of them. */
export function packedScalars(
  { learningRate, weightDecay, momentum = 0 }: Scheduled,
  step: number,
  beta2?: number,
): StepScalars {
  const { correction1, correction2 } = biasCorrections(step + 1, beta2);
  return tf.tensor1d([learningRate, weightDecay, momentum, correction1, correction2]);
}

/** Loss, what is reported beside it, and the gradients with respect to every trained parameter. */
export function gradientsOf(
  networks: Networks,
  lossOf: (trained: Networks) => Losses,
): Losses & { gradients: Networks } {
  const names = Object.entries(networks).flatMap(([network, p]) =>
    Object.keys(trainedOf(p)).map((name) => [network, name] as const)
  );
  const named = (values: Tensor[]): Networks => {
    const filled: Networks = {};
    names.forEach(([network, name], i) => (filled[network] ??= {})[name] = values[i]);
    return filled;
  };
  const kept: Losses["reported"] = {};
  const { value: loss, grads } = tf.valueAndGrads((...values: Tensor[]) => {
    const given = named(values);
    const all = Object.entries(networks).map(([network, p]) => [network, { ...p, ...given[network] }]);
    const losses = lossOf(Object.fromEntries(all));
    // tfjs frees what is not the loss; and a copy, for it may be the loss.
    for (const [name, value] of Object.entries(losses.reported)) kept[name] = tf.keep(tf.clone(value));
    return losses.loss as tf.Scalar;
  })(names.map(([network, name]) => networks[network][name]));
  const reported = mapParameters(kept, tf.clone);
  Object.values(kept).forEach((value) => value.dispose());
  return { loss, reported, gradients: named(grads) };
}

/** AdamW on the trained networks, and their moving averages. */
export function update(
  { clip, averages, rateFactor, beta2 }: Pick<Objective, "clip" | "averages" | "rateFactor" | "beta2">,
  state: TrainingState,
  gradients: Networks,
  scalars: StepScalars,
): { state: TrainingState; gradientNorm: Tensor } {
  const every = Object.entries(gradients).flatMap(([network, p]) =>
    Object.entries(p).map(([name, gradient]) => [`${network} ${name}`, gradient])
  );
  const gradientNorm = globalNorm(Object.fromEntries(every));
  const [learningRate, weightDecay, momentum, correction1, correction2] = tf.unstack(scalars);
  const settings = { learningRate, weightDecay, correction1, correction2, clip: clipFactor(gradientNorm, clip) };
  const next: TrainingState = { trained: {}, averages: {}, first: {}, second: {} };
  for (const [network, p] of Object.entries(state.trained)) {
    const moments = { first: state.first[network], second: state.second[network] };
    const updated = adamw(p, gradients[network], moments, settings, rateFactor, beta2);
    next.trained[network] = updated.parameters;
    next.first[network] = updated.moments.first;
    next.second[network] = updated.moments.second;
  }
  for (const [average, followed] of Object.entries(averages)) {
    next.averages[average] = movingAverage(state.averages[average], next.trained[followed], momentum);
  }
  return { state: next, gradientNorm };
}

/** What a step reports, as float32 scalars: the objective's values, and the norm of all gradients before clipping. */
export type StepMetrics = Record<string, Tensor> & { loss: Tensor; gradientNorm: Tensor };

/** One whole step, of a batch that is one micro-batch: targets, loss and gradients, AdamW, moving averages. */
export function trainingStep<Inputs>(
  objective: Pick<Objective<Inputs>, "lossOf" | "averages" | "clip" | "rateFactor" | "beta2" | "frozen">,
  state: TrainingState,
  inputs: Inputs,
  scalars: StepScalars,
): { state: TrainingState; result: StepMetrics } {
  const lossOf = objective.lossOf({ ...state.averages, ...objective.frozen }, inputs);
  const { loss, reported, gradients } = gradientsOf(state.trained, lossOf);
  const next = update(objective, state, gradients, scalars);
  return { state: next.state, result: { loss, ...reported, gradientNorm: next.gradientNorm } };
}
