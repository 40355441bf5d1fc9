/**
 * V-JEPA (Bardes et al. 2024, arXiv 2404.08471; facebookresearch/jepa) as an objective: I-JEPA's networks on tubelets.
 * What the moving average of the encoder says of a clip, layer-normed, is predicted at the hidden tokens from those
 * that are seen; all kinds of masks share one pass of the moving average; the loss is the mean absolute error, averaged
 * over the kinds.
 *
 * @module
 */
import { type ClipDataset, clipWindows } from "../datasets/clips/clips.ts";
import { batches } from "../datasets/loader.ts";
import { encoderShapes, predictorShapes, tokenGrid } from "../jepa/architectures.ts";
import { encode, gatherTokens, rotationAt, tubelets } from "../jepa/encoder.ts";
import { padMasks } from "../jepa/mask_samplers/padding.ts";
import { featureDeviation, predictionCosines } from "../jepa/objective.ts";
import { predict, type Present } from "../jepa/predictor.ts";
import { MASK_STREAM, maskTensors } from "../jepa/pretraining/pretraining_objective.ts";
import { regularisation, weightsOf } from "../jepa/regulariser.ts";
import { colourPixels } from "../datasets/pixels/cut_image.ts";
import { absoluteError } from "../methods/parts/errors.ts";
import { initialise } from "../nn/initialisation.ts";
import { normalise } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { randomStream } from "../random.ts";
import { type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import type { Objective, Share } from "../training/objective.ts";
import { runSchedules } from "../training/schedules.ts";
import { partsOf, stepsOf } from "../training/steps.ts";
import { videoMasks, videoMaskSize } from "./masks.ts";
import type { VideoArchitecture, VjepaConfig } from "./presets.ts";

/** The tokens of one kind of mask. */
export interface ClipMask {
  /** int32 [B, C], the tokens that are seen. */
  context: Tensor;
  /** int32 [1, B, T], the tokens that are predicted. */
  targets: Tensor;
  /** Which of both are tokens, where some are padding. */
  present?: Present;
}

/** Clips and masks of one step. */
export interface ClipInputs {
  /** uint8 [B, T, H, W, 3] */
  pixels: Tensor;
  /** Of each kind one. */
  masks: ClipMask[];
}

/**
 * |e|, averaged: V-JEPA's loss (equation 1).
 *
 * @param predicted [..., T, D]
 * @param target likewise
 * @param present float32 [T], 1 for tokens and 0 for padding, which does not count; all count where it is left out
 */
export function l1(predicted: Tensor, target: Tensor, present?: Tensor): Tensor {
  const errors = absoluteError(predicted, target);
  return tf.mean(present ? tf.mul(errors, tf.expandDims(weightsOf(present), 1)) : errors);
}

/** What the moving average says of whole clips, layer-normed: [B, N, D], of tubelets [B, N, 3*t*p*p]. */
export function clipTargets(p: Parameters, architecture: VideoArchitecture, tokens: Tensor): Tensor {
  return normalise(encode(p, architecture, tokens));
}

/** Predictions of a mask's hidden tokens, [1, B, T, D], with the mask token of the kind `kind`; and what is seen, [B, C, D]. */
export function predictClip(
  { encoder, predictor }: { encoder: Parameters; predictor: Parameters },
  architecture: VideoArchitecture,
  tokens: Tensor,
  { context, targets, present }: ClipMask,
  kind: number,
): { predicted: Tensor; seen: Tensor } {
  const seen = encode(encoder, architecture, tokens, context, present?.context); // [B, C, D]
  const own = { ...predictor, mask_token: predictor[`mask_tokens.${kind}`] }, { width, heads } = architecture.predictor;
  const rotation = rotationAt(architecture, width / heads, tf.concat([context, tf.squeeze(targets, [0])], 1));
  return { predicted: predict(own, architecture.predictor, seen, context, targets, present, rotation), seen };
}

/** A worker's clips and masks, step after step. */
async function* inputsOf(config: VjepaConfig, clips: ClipDataset, start: number, share: Share) {
  const { architecture, masks, truncation, every, batch, crop, seed } = config, { frames, image } = architecture;
  const kinds = masks.map((mask) => ({ ...mask, grid: tokenGrid(architecture), truncation })),
    own = batch / share.parts;
  const samplers = kinds.map(videoMasks), sizes = kinds.map((mask) => videoMaskSize(mask, own));
  const windows = clipWindows(clips, { frames, every });
  for await (
    const { pixels, epoch, step, part } of batches(windows, { batch, size: image, crop, seed, start, share })
  ) {
    const drawn = samplers.map((sampler, kind) => {
      const size = sizes[kind], shared = randomStream(seed, MASK_STREAM, step, kind);
      const random = randomStream(seed, MASK_STREAM, step, kind, part);
      return maskTensors(padMasks(sampler(own, random, shared), size ? [size] : []));
    });
    const inputs: ClipInputs = {
      pixels: uint8Tensor(colourPixels(pixels), [own, frames, image, image, 3]),
      masks: drawn,
    };
    yield { inputs, epoch };
  }
}

/**
 * The objective of a run: "encoder" and "predictor" are trained, "target_encoder" follows the encoder.
 *
 * @throws RangeError where the clips make no step of the configuration's, or a mask hides nothing
 */
export function vjepaObjective(config: VjepaConfig, clips: ClipDataset): Objective<ClipInputs> {
  const { architecture, regulariser, patchInitialisation, residualRescale, seed, clip, scheduleScale = 1 } = config;
  const totalSteps = stepsOf(config, clips.length), [times] = tokenGrid(architecture);
  partsOf(config);
  const start = (shapes: Record<string, readonly number[]>) =>
    initialise(shapes, seed, patchInitialisation, residualRescale, times);
  return {
    name: "vjepa_step",
    totalSteps,
    initialise: () => ({
      encoder: start(encoderShapes(architecture)),
      predictor: start(predictorShapes(architecture)),
    }),
    averages: { target_encoder: "encoder" },
    batches: (start, share) => inputsOf(config, clips, start, share),
    lossOf({ target_encoder }, { pixels, masks }) {
      const tokens = tubelets(pixels, architecture); // [B, N, 3*t*p*p]
      const all = clipTargets(target_encoder, architecture, tokens), featureStd = featureDeviation(all);
      const targets = masks.map(({ targets }) => tf.expandDims(gatherTokens(all, tf.squeeze(targets, [0])), 0)); // [1, B, T, D]
      return (networks) => {
        const { encoder, predictor } = networks;
        const losses: Tensor[] = [], spreads: Tensor[] = [], reported: Record<string, Tensor[]> = {};
        masks.forEach((mask, kind) => {
          const { present } = mask;
          const { predicted, seen } = predictClip({ encoder, predictor }, architecture, tokens, mask, kind);
          losses.push(l1(predicted, targets[kind], present?.targets));
          const spread = regularisation(
            { ...regulariser, invariance: 0 },
            ...[seen, mask.context, all, present?.context] as const,
          );
          if (spread) spreads.push(spread);
          const cosines = predictionCosines(predicted, targets[kind], all, mask.targets, present?.targets);
          for (const [name, value] of Object.entries(cosines)) (reported[name] ??= []).push(value);
        });
        const mean = (values: Tensor[]) => tf.div(tf.addN(values), values.length);
        const prediction = mean(losses), loss = spreads.length > 0 ? tf.add(prediction, mean(spreads)) : prediction;
        const { cosine, centredCosine } = reported;
        return {
          loss,
          reported: { prediction, cosine: mean(cosine), centredCosine: mean(centredCosine), featureStd },
        };
      };
    },
    scheduled: runSchedules(config, scheduleScale * totalSteps),
    clip,
  };
}
