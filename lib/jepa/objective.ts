/**
 * The objective: how far the predictor's output lies from what the target encoder says about the target blocks; and what
 * tells a collapse.
 *
 * @module
 */
import type { Parameters } from "../nn/parameters.ts";
import { normalise } from "../nn/layers.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused, kernel } from "../tensorflow/fused.ts";
import type { Architecture, EncoderSize, TargetKind } from "./architectures.ts";
import { encode, gatherTokens } from "./encoder.ts";
import { predict, type Present } from "./predictor.ts";
import { regularisation, type Regulariser, weightsOf } from "./regulariser.ts";

/** The three networks. */
export interface JepaNetworks {
  /** f_theta */
  contextEncoder: Parameters;
  /** g_phi */
  predictor: Parameters;
  /** f_theta-bar, the exponential moving average of f_theta */
  targetEncoder: Parameters;
}

/** Images and masks of one step, in the compiled step's form. */
export interface StepInputs {
  /** uint8 [B, H, W, c] */
  pixels: Tensor;
  /** int32 [B, C] */
  context: Tensor;
  /** int32 [M, B, T] */
  targets: Tensor;
  /** Which of both are patches, where some are padding. */
  present?: Present;
}

/**
 * |e| - 1/2 where |e| > 1, else e^2 / 2, averaged: the authors' loss (smooth L1, beta 1). The paper says squared L2.
 *
 * @param predicted [..., T, D]
 * @param target likewise
 * @param present float32 [T], 1 for tokens and 0 for padding, which does not count; all count where it is left out
 */
export function smoothL1(predicted: Tensor, target: Tensor, present?: Tensor): Tensor {
  if (!present) return tf.mean(fusedSmoothL1(predicted, target));
  return tf.mean(weightedSmoothL1(predicted, target, tf.expandDims(weightsOf(present), 1)));
}

function elementwiseSmoothL1(predicted: Tensor, target: Tensor): Tensor {
  const error = tf.abs(tf.sub(predicted, target));
  const clipped = tf.minimum(error, 1); // where() has no gradient for its condition's op in tfjs
  return tf.mul(clipped, tf.sub(error, tf.mul(clipped, 0.5)));
}

const fusedSmoothL1 = fused("smooth_l1", elementwiseSmoothL1);
const weightedSmoothL1 = fused(
  "weighted_smooth_l1",
  (predicted: Tensor, target: Tensor, weights: Tensor) => tf.mul(elementwiseSmoothL1(predicted, target), weights),
  "float32",
  1,
);

/** What is predicted, and what the target encoder says. */
export interface Targets {
  /** [M, B, T, D'], of the target blocks: s_y(i). */
  blocks: Tensor;
  /** [B, N, D'], of all patches. */
  all: Tensor;
  /** [B, N, D], the target encoder's output for all patches, layer-normed, whatever is predicted. */
  representations: Tensor;
}

/**
 * Targets of a batch.
 *
 * @param p the target encoder's parameters
 * @param patches [B, N, c*p*p] from patchify()
 * @param targets int32 [M, B, T], the target blocks' patches
 * @param present float32 [T], 1 for patches of a target block and 0 for padding; all are patches where it is left out
 */
export type TargetsOf = (
  p: Parameters,
  architecture: EncoderSize,
  patches: Tensor,
  targets: Tensor,
  present?: Tensor,
) => Targets;

/** Of all patches [B, N, D'] those of the target blocks, [M, B, T, D']. */
function atBlocks(all: Tensor, targets: Tensor): Tensor {
  const [blocks, batch, count] = targets.shape;
  const gathered = gatherTokens(all, tf.reshape(targets, [blocks * batch, count!])); // [M*B, T, D']
  return tf.reshape(gathered, [blocks, batch, count!, all.shape[2]!]);
}

/** s_y(i), the targets: the target encoder's output, layer-normed, at the target blocks. */
export function targetRepresentations(
  p: Parameters,
  architecture: EncoderSize,
  patches: Tensor,
  targets: Tensor,
): Targets {
  const all = normalise(encode(p, architecture, patches)); // [B, N, D]
  return { blocks: atBlocks(all, targets), all, representations: all };
}

/**
 * Table 7's other targets: the target blocks' pixels, each patch's brought to mean 0 and variance 1 as in MAE (He et al.
 * 2022). D' is 3 p^2, whatever the encoder's width.
 */
export function pixelTargets(p: Parameters, architecture: EncoderSize, patches: Tensor, targets: Tensor): Targets {
  const all = normalise(patches); // [B, N, c*p*p]
  return { ...targetRepresentations(p, architecture, patches, targets), blocks: atBlocks(all, targets), all };
}

/**
 * Table 11's other targets: the target encoder sees each target block alone, so that its input is masked instead of its
 * output. `all` stays what it says of whole images.
 */
export function maskedInputTargets(
  p: Parameters,
  architecture: EncoderSize,
  patches: Tensor,
  targets: Tensor,
  present?: Tensor,
): Targets {
  const [blocks, batch, count] = targets.shape;
  const places = tf.reshape(targets, [blocks * batch, count!]); // [M*B, T]
  const seen = normalise(encode(p, architecture, patches, places, present)); // [M*B, T, D]
  const whole = targetRepresentations(p, architecture, patches, targets);
  return { ...whole, blocks: tf.reshape(seen, [blocks, batch, count!, architecture.width]) };
}

/** Targets by the name that a run's configuration has for them. */
export const TARGETS: Record<TargetKind, TargetsOf> = {
  representations: targetRepresentations,
  pixels: pixelTargets,
  maskedInput: maskedInputTargets,
};

/** Deviation over the batch, averaged over the dimensions, of the average-pooled x [B, N, D]: near 0 in a collapse. */
export function featureDeviation(x: Tensor): Tensor {
  const pooled = tf.mean(x, 1); // [B, D]
  return tf.mean(tf.sqrt(tf.mean(tf.square(tf.sub(pooled, tf.mean(pooled, 0, true))), 0)));
}

/** |a||b| below which a vector counts as zero, with a cosine of 0. */
const NO_LENGTH = 1e-12;

const cosines = kernel("cosines", (predicted: Tensor, target: Tensor, shared: Tensor) => {
  const product = (a: Tensor, b: Tensor) => tf.sum(tf.mul(a, b), -1); // [..., D] -> [...]
  const cosine = (a: Tensor, b: Tensor) => {
    const lengths = tf.sqrt(tf.mul(product(a, a), product(b, b)));
    return tf.div(product(a, b), tf.maximum(lengths, NO_LENGTH));
  };
  return [cosine(predicted, target), cosine(tf.sub(predicted, shared), tf.sub(target, shared))];
});

/**
 * Cosines between predictions and targets [M, B, T, D], averaged over the target patches, in -1 .. 1: `cosine` as they
 * are, and `centredCosine` after both are less what the batch's images share at the patch's position. A trivial solution,
 * where the target depends on its position alone, has a cosine of 1 but no centred cosine to speak of.
 *
 * @param all [B, N, D], the targets of all patches
 * @param places int32 [M, B, T], the target blocks' patches
 * @param present float32 [T], 1 for those that are patches and 0 for padding; all are patches where it is left out
 */
export function predictionCosines(
  predicted: Tensor,
  targets: Tensor,
  all: Tensor,
  places: Tensor,
  present?: Tensor,
): { cosine: Tensor; centredCosine: Tensor } {
  const [blocks, batch, count] = places.shape;
  const shared = gatherTokens(tf.mean(all, 0, true), tf.reshape(places, [blocks * batch, count!])); // [M*B, T, D]
  const [cosine, centredCosine] = cosines(predicted, targets, tf.reshape(shared, predicted.shape)) // [M, B, T] each
    .map((each) => tf.mean(present ? tf.mul(each, weightsOf(present)) : each));
  return { cosine, centredCosine };
}

/** What a step reports besides its gradients. */
export interface JepaLosses {
  /** What is minimised. */
  loss: Tensor;
  /** Its part from the prediction. */
  prediction: Tensor;
  /** The predictor's output, [M, B, T, D']. */
  predicted: Tensor;
}

/** The loss of one batch, as a function of the context encoder's and the predictor's parameters. */
export function jepaLoss(
  networks: Omit<JepaNetworks, "targetEncoder">,
  architecture: Architecture,
  regulariser: Regulariser,
  patches: Tensor,
  targets: Targets,
  inputs: StepInputs,
): JepaLosses {
  const { context, present } = inputs;
  const representation = encode(networks.contextEncoder, architecture, patches, context, present?.context); // [B, C, D]
  const predicted = predict(
    networks.predictor,
    architecture.predictor,
    representation,
    context,
    inputs.targets,
    present,
  ); // [M, B, T, D']
  const prediction = smoothL1(predicted, targets.blocks, present?.targets);
  const spread = regularisation(regulariser, representation, context, targets.representations, present?.context);
  return { loss: spread ? tf.add(prediction, spread) : prediction, prediction, predicted };
}
