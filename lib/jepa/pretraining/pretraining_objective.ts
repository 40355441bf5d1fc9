/**
 * I-JEPA as an objective of the training loop: networks, batches with their masks, loss, schedules (paper, section 3 and
 * appendix A.1).
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { batches } from "../../datasets/loader.ts";
import type { Pixels } from "../../datasets/pixels/cut_image.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import { initialise } from "../../nn/initialisation.ts";
import { randomStream } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { partsOf, stepsOf } from "../../training/steps.ts";
import { encoderShapes, predictorShapes, targetWidth } from "../architectures.ts";
import { patchify, pixelTensor } from "../encoder.ts";
import { maskSampler } from "../mask_samplers/by_name.ts";
import { type PaddedMasks, paddedSizes, padMasks } from "../mask_samplers/padding.ts";
import type { Masks } from "../masks.ts";
import { featureDeviation, jepaLoss, predictionCosines, type StepInputs, TARGETS } from "../objective.ts";
import type { RunConfig } from "./presets.ts";

/** Key of the masks' random streams; those of the images' crops have the epoch there, from 0 on. */
export const MASK_STREAM = -1;

/**
 * The masks of a run's step and micro-batch, both counted from 0. Each micro-batch has masks of its own, as each of the
 * authors' GPUs has; what a sampler draws once a batch, such as the size of the blocks, is the whole step's.
 */
export function stepMasks(config: RunConfig): (step: number, part?: number) => Masks {
  const { architecture, masks, batch, seed } = config;
  const grid = architecture.image / architecture.patch;
  const sampler = maskSampler(masks, [grid, grid]), count = batch / partsOf(config);
  return (step, part = 0) => {
    const shared = randomStream(seed, MASK_STREAM, step);
    return part === 0 ? sampler(count, shared) : sampler(count, randomStream(seed, MASK_STREAM, step, part), shared);
  };
}

/** Ones for patches, then zeros for padding. */
const presence = (patches: number, length: number) =>
  tf.tensor1d(Float32Array.from({ length }, (_, i) => i < patches ? 1 : 0));

/** Masks as tensors. */
export function maskTensors(masks: PaddedMasks): Omit<StepInputs, "pixels"> {
  const { batch, blocks, contextLength, targetLength, unpadded } = masks;
  return {
    context: tf.tensor2d(masks.context, [batch, contextLength], "int32"),
    targets: tf.tensor3d(masks.targets, [blocks, batch, targetLength], "int32"),
    ...unpadded && {
      present: {
        context: presence(unpadded.contextLength, contextLength),
        targets: presence(unpadded.targetLength, targetLength),
      },
    },
  };
}

/** Images, [B, size, size, c], and their masks as tensors. */
export function stepTensors(pixels: Pixels<ArrayBufferLike>, size: number, masks: PaddedMasks): StepInputs {
  return { pixels: pixelTensor(pixels, masks.batch, size), ...maskTensors(masks) };
}

/** Crops of each image in a batch: the invariance term compares two. */
const viewsOf = ({ regulariser }: RunConfig) => regulariser.invariance > 0 ? 2 : 1;

/**
 * Steps of a whole run.
 *
 * @throws RangeError where there is none, or a micro-batch cannot hold what the loss compares
 */
export function totalStepsOf(config: RunConfig, images: number): number {
  const views = viewsOf(config), own = config.batch / partsOf(config);
  if (!Number.isInteger(own / views)) throw new RangeError(`Two crops of each image need an even batch; got ${own}.`);
  return stepsOf(config, images, views);
}

/** A worker's images and masks, step after step. */
async function* inputsOf(config: RunConfig, dataset: Dataset, start: number, share: Share) {
  const { architecture, masks, batch, crop, seed } = config, size = architecture.image;
  const masksOf = stepMasks(config), sizes = paddedSizes(masks, architecture, batch / share.parts);
  for await (
    const { pixels, epoch, step, part } of batches(dataset, {
      ...{ batch, views: viewsOf(config), size, crop, seed, start, share },
    })
  ) yield { inputs: stepTensors(pixels, size, padMasks(masksOf(step, part), sizes)), epoch };
}

/**
 * The objective of a run. Its networks are called as in the authors' checkpoints: "encoder" (f_theta, the context encoder)
 * and "predictor" (g_phi) are trained, "target_encoder" (f_theta-bar) follows the encoder.
 *
 * With micro-batches, the regulariser's variance and covariance are each micro-batch's own: their gradients would need all
 * of a step's tokens at once. So they want micro-batches of some hundred images, and a run's `microBatch` is part of what
 * decides its result.
 */
export function jepaObjective(config: RunConfig, dataset: Dataset): Objective<StepInputs> {
  const { architecture, targets: kind = "representations", regulariser, seed, clip } = config;
  const { patchInitialisation, residualRescale, standardise } = config;
  const normalisation = standardise && normalisationOf(standardise);
  const totalSteps = totalStepsOf(config, dataset.length), output = targetWidth(architecture, kind);
  return {
    name: "training_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation, residualRescale),
      predictor: initialise(predictorShapes(architecture, output), seed, patchInitialisation, residualRescale),
    }),
    averages: { target_encoder: "encoder" },
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf({ target_encoder }, inputs) {
      const patches = patchify(inputs.pixels, architecture.patch, normalisation); // [B, N, c*p*p]
      const present = inputs.present?.targets;
      const targets = TARGETS[kind](target_encoder, architecture, patches, inputs.targets, present);
      const featureStd = featureDeviation(targets.representations);
      return ({ encoder: contextEncoder, predictor }) => {
        const networks = { contextEncoder, predictor };
        const { loss, prediction, predicted } = jepaLoss(networks, architecture, regulariser, patches, targets, inputs);
        const cosines = predictionCosines(predicted, targets.blocks, targets.all, inputs.targets, present);
        return { loss, reported: { prediction, ...cosines, featureStd } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}
