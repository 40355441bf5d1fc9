/**
 * One step of pretraining as a pure function: (state, images, masks, scalars) -> (state, metrics). Everything that a step
 * computes on tensors is in here and in what it calls.
 *
 * @module
 */
import type { Architecture } from "../jepa/architectures.ts";
import { patchify } from "../jepa/encoder.ts";
import {
  featureDeviation,
  jepaLoss,
  type Networks,
  predictionCosines,
  type StepInputs,
  targetRepresentations,
} from "../jepa/objective.ts";
import type { Regulariser } from "../jepa/regulariser.ts";
import { isTrained, type Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { adamw, clipFactor, globalNorm, type Moments, movingAverage, type UpdateScalars } from "./adamw.ts";

/** All that a run carries from step to step. */
export interface TrainingState extends Networks {
  /** Of the context encoder's gradients. */
  contextMoments: Moments;
  /** Of the predictor's gradients. */
  predictorMoments: Moments;
}

/** The schedules' values at a step, as float32 scalars. */
export type StepScalars = Omit<UpdateScalars, "clip"> & { momentum: Tensor };

/** What a step reports, as float32 scalars. */
export interface StepMetrics {
  /** What is minimised. */
  loss: Tensor;
  /** The loss without the variance and covariance terms. */
  prediction: Tensor;
  /** Norm of all gradients before clipping. */
  gradientNorm: Tensor;
  /** featureDeviation() of the targets: near 0 in a collapse. */
  featureStd: Tensor;
  /** Of predictions and targets, see predictionCosines(). */
  cosine: Tensor;
  /** The same less what the images share. */
  centredCosine: Tensor;
}

/** What of a run's configuration the step depends on. */
export interface StepConfig {
  /** Sizes of the networks. */
  architecture: Architecture;
  /** Weights of the terms that keep a short run from collapsing. */
  regulariser: Regulariser;
  /** Largest norm of all gradients together. */
  clip: number;
}

const trained = (p: Parameters) => Object.keys(p).filter(isTrained);

/** Fresh moments of parameters: zeros. */
export function initialMoments(p: Parameters): Moments {
  const zeros = () => Object.fromEntries(trained(p).map((name) => [name, tf.zerosLike(p[name])]));
  return { first: zeros(), second: zeros() };
}

/** Loss, what is reported beside it, and the gradients with respect to both networks' trained parameters. */
function lossAndGradients<Reported extends Record<string, Tensor>>(
  networks: Omit<Networks, "targetEncoder">,
  lossOf: (networks: Omit<Networks, "targetEncoder">) => { loss: Tensor; reported: Reported },
) {
  const { contextEncoder, predictor } = networks;
  const encoderNames = trained(contextEncoder), predictorNames = trained(predictor);
  const all = [...encoderNames.map((name) => contextEncoder[name]), ...predictorNames.map((name) => predictor[name])];
  let reported: Reported;
  const { value, grads } = tf.valueAndGrads((...values: Tensor[]) => {
    const named = (names: string[], offset: number) => Object.fromEntries(names.map((n, i) => [n, values[offset + i]]));
    const losses = lossOf({
      contextEncoder: { ...contextEncoder, ...named(encoderNames, 0) },
      predictor: { ...predictor, ...named(predictorNames, encoderNames.length) },
    });
    reported = losses.reported;
    Object.values(reported).forEach((tensor) => tf.keep(tensor));
    return losses.loss as tf.Scalar;
  })(all);
  return {
    loss: value,
    reported: reported!,
    encoderGradients: Object.fromEntries(encoderNames.map((name, i) => [name, grads[i]])),
    predictorGradients: Object.fromEntries(predictorNames.map((name, i) => [name, grads[encoderNames.length + i]])),
  };
}

/**
 * One step: targets from the target encoder, loss and gradients, AdamW on context encoder and predictor, and the moving
 * average (paper, section 3).
 *
 * @param targetsOf what is predicted, where it is not what the target encoder says: pixelTargets(), say
 */
export function trainingStep(
  { architecture, regulariser, clip }: StepConfig,
  state: TrainingState,
  inputs: StepInputs,
  scalars: StepScalars,
  targetsOf: typeof targetRepresentations = targetRepresentations,
): { state: TrainingState; result: StepMetrics } {
  const patches = patchify(inputs.pixels, architecture.patch); // [B, N, 3*p*p]
  const targets = targetsOf(state.targetEncoder, architecture, patches, inputs.targets);

  const { loss, reported, encoderGradients, predictorGradients } = lossAndGradients(state, (networks) => {
    const losses = jepaLoss(networks, architecture, regulariser, patches, targets, inputs);
    const cosines = predictionCosines(
      ...[losses.predicted, targets.blocks, targets.all, inputs.targets, inputs.present?.targets] as const,
    );
    return { loss: losses.loss, reported: { prediction: losses.prediction, ...cosines } };
  });
  const prefixed = Object.entries(predictorGradients).map(([name, gradient]) => [`predictor ${name}`, gradient]);
  const gradientNorm = globalNorm({ ...encoderGradients, ...Object.fromEntries(prefixed) });

  const update: UpdateScalars = { ...scalars, clip: clipFactor(gradientNorm, clip) };
  const encoder = adamw(state.contextEncoder, encoderGradients, state.contextMoments, update);
  const predictor = adamw(state.predictor, predictorGradients, state.predictorMoments, update);
  return {
    state: {
      contextEncoder: encoder.parameters,
      predictor: predictor.parameters,
      targetEncoder: movingAverage(state.targetEncoder, encoder.parameters, scalars.momentum),
      contextMoments: encoder.moments,
      predictorMoments: predictor.moments,
    },
    result: { loss, ...reported, gradientNorm, featureStd: featureDeviation(targets.all) },
  };
}
