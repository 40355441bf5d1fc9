/**
 * An image world model (IWM; Garrido et al. 2024, arXiv 2403.00504): I-JEPA whose predictor is told how the image that it
 * predicts was made of the one that is seen, so that it has to do the same to a representation. Which views of an image it
 * tells apart that way, its mean reciprocal rank says.
 *
 * Other than in the paper: the target is another box of the image, not the same one in other light; nothing is destroyed on
 * the source (greys, blur, solarisation), and its light stays as it is; two layers make mask tokens of place and
 * transformation, where the paper has three; and there are the terms that keep short runs from collapsing.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import { batches } from "../../datasets/loader.ts";
import { colourPixels } from "../../datasets/pixels/cut_image.ts";
import { type Architecture, encoderShapes, predictorShapes, type PredictorSize } from "../../jepa/architectures.ts";
import { encode, gatherTokens, patchify } from "../../jepa/encoder.ts";
import { type MaskConfig, maskSampler } from "../../jepa/mask_samplers/by_name.ts";
import { featureDeviation, predictionCosines, smoothL1, targetRepresentations } from "../../jepa/objective.ts";
import { predictTokens } from "../../jepa/predictor.ts";
import { MASK_STREAM, maskTensors } from "../../jepa/pretraining/pretraining_objective.ts";
import { preset } from "../../jepa/pretraining/presets.ts";
import { regularisation, type Regulariser } from "../../jepa/regulariser.ts";
import { initialise } from "../../nn/initialisation.ts";
import { biasedGelu, linear, product } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { partsOf, stepsOf } from "../../training/steps.ts";
import { type CommonConfig, SHORT } from "../config.ts";
import { drawView, type ImageView, TRANSFORMATION, transformation, viewPixels } from "../parts/image_views.ts";

/** Everything that decides an image world model's run. */
export interface IwmConfig extends Omit<CommonConfig, "architecture"> {
  /** Its name. */
  method: "iwm";
  /** Sizes of the networks; the predictor is told 7 numbers, those of transformation(). */
  architecture: Omit<Architecture, "predictor"> & {
    predictor: Omit<PredictorSize, "sharedContext" | "maskTokens" | "conditions"> & { conditions: number };
  };
  /** Of the source the context is seen, of the target the blocks are predicted. */
  masks: MaskConfig;
  /** How far the target's light goes from the image's; the source has the image's. */
  jitter: ImageView["light"];
  /** Weights of the terms that keep short runs from collapsing. */
  regulariser: Pick<Regulariser, "variance" | "covariance">;
  /** Momentum of the moving average: linear from `start` to `final`. */
  momentum: { start: number; final: number };
}

/** Sources, targets, and what lies between them, of a step. */
export interface IwmInputs {
  /** uint8 [B, H, W, 3] */
  sources: Tensor;
  /** uint8 [B, H, W, 3] */
  targetViews: Tensor;
  /** float32 [B, 7] */
  transformations: Tensor;
  /** int32 [B, C], of the sources. */
  context: Tensor;
  /** int32 [M, B, T], of the target views. */
  targets: Tensor;
}

/**
 * Predictions of blocks of other views, each made by itself. A mask token is two layers of what stands for its place and of
 * the transformation.
 *
 * @param p the predictor's parameters
 * @param representation [B, C, D], what the encoder says of the context
 * @param context int32 [B, C]
 * @param targets int32 [M, B, T]
 * @param transformations float32 [B, 7]
 * @returns [M, B, T, D]
 */
export function predictViews(
  p: Parameters,
  size: PredictorSize,
  representation: Tensor,
  context: Tensor,
  targets: Tensor,
  transformations: Tensor,
): Tensor {
  const [blocks, batch, count] = targets.shape as [number, number, number], groups = blocks * batch;
  const positions = p["predictor_pos_embed"], visible = representation.shape[1]!;
  const seen = tf.add(linear(p, "predictor_embed", representation), gatherTokens(positions, context)); // [B, C, P]
  const places = tf.add(gatherTokens(positions, tf.reshape(targets, [groups, count])), p["mask_token"]); // [M*B, T, P]
  const told = tf.tile(tf.expandDims(transformations, 1), [blocks, count, 1]); // [M*B, T, 7]
  const hidden = biasedGelu(product(tf.concat([places, told], 2), p["condition.fc1.weight"]), p["condition.fc1.bias"]);
  const masked = linear(p, "condition.fc2", hidden); // [M*B, T, P]
  const predicted = predictTokens(p, size, tf.concat([tf.tile(seen, [blocks, 1, 1]), masked], 1), visible);
  return tf.reshape(predicted, [blocks, batch, count, predicted.shape[2]!]);
}

/** Key of the views' random streams; those of the images' crops have the epoch there, from 0 on. */
const VIEW_STREAM = -7;

/** The largest square of an image, of which both views are boxes. */
const WHOLE = { scale: [1, 1] as [number, number], aspect: [1, 1] as [number, number] };

async function* inputsOf(config: IwmConfig, dataset: Dataset, start: number, share: Share) {
  const { architecture: { image: size, patch }, masks, batch, crop, jitter, flip, seed } = config;
  const count = batch / partsOf(config), side = size / patch, sampler = maskSampler(masks, [side, side]);
  const bytes = size * size * 3, still = { brightness: 0, contrast: 0, saturation: 0 };
  const stream = batches(dataset, { batch, size, crop: WHOLE, flip, seed, start, share });
  for await (const { pixels, epoch, step, part } of stream) {
    const whole = colourPixels(pixels), sources = new Uint8Array(whole.length), targets = new Uint8Array(whole.length);
    const told = new Float32Array(count * TRANSFORMATION);
    for (let i = 0; i < count; i++) {
      const random = randomStream(seed, VIEW_STREAM, step, part * count + i),
        own = whole.subarray(i * bytes, (i + 1) * bytes);
      const source = drawView(size, { crop, jitter: still }, random), target = drawView(size, { crop, jitter }, random);
      sources.set(viewPixels(own, size, source, crop.interpolation), i * bytes);
      targets.set(viewPixels(own, size, target, crop.interpolation), i * bytes);
      told.set(transformation(source, target), i * TRANSFORMATION);
    }
    const shared = randomStream(seed, MASK_STREAM, step), random = randomStream(seed, MASK_STREAM, step, part);
    const drawn = maskTensors(sampler(count, random, shared));
    const inputs: IwmInputs = {
      sources: uint8Tensor(sources, [count, size, size, 3]),
      targetViews: uint8Tensor(targets, [count, size, size, 3]),
      transformations: tf.tensor2d(told, [count, TRANSFORMATION]),
      ...{ context: drawn.context, targets: drawn.targets },
    };
    yield { inputs, epoch };
  }
}

/**
 * The loss of predictions, smooth L1 as I-JEPA's, and what regularises it.
 *
 * @param targets what the moving average of the encoder says of the target views
 */
export function iwmLoss(
  { encoder, predictor }: { encoder: Parameters; predictor: Parameters },
  { architecture, regulariser, standardise }: Pick<IwmConfig, "architecture" | "regulariser" | "standardise">,
  { sources, transformations, context, targets: places }: Omit<IwmInputs, "targetViews">,
  targets: ReturnType<typeof targetRepresentations>,
): { loss: Tensor; prediction: Tensor; predicted: Tensor } {
  const patches = patchify(sources, architecture.patch, standardise && normalisationOf(standardise)); // [B, N, 3*p*p]
  const seen = encode(encoder, architecture, patches, context); // [B, C, D]
  const predicted = predictViews(predictor, architecture.predictor, seen, context, places, transformations);
  const prediction = smoothL1(predicted, targets.blocks);
  const spread = regularisation({ ...regulariser, invariance: 0 }, seen, context, targets.all);
  return { loss: spread ? tf.add(prediction, spread) : prediction, prediction, predicted };
}

/**
 * An image world model as an objective: "encoder" and "predictor" are trained, "target_encoder" follows the encoder.
 *
 * @throws RangeError where the images make no step
 */
export function iwmObjective(config: IwmConfig, dataset: Dataset): Objective<IwmInputs> {
  const { architecture, standardise, patchInitialisation, seed, clip } = config;
  const totalSteps = stepsOf(config, dataset.length), normalisation = standardise && normalisationOf(standardise);
  return {
    name: "iwm_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
      predictor: initialise(predictorShapes(architecture), seed, patchInitialisation),
    }),
    averages: { target_encoder: "encoder" },
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf({ target_encoder }, { targetViews, ...inputs }) {
      const patches = patchify(targetViews, architecture.patch, normalisation); // [B, N, 3*p*p]
      const targets = targetRepresentations(target_encoder, architecture, patches, inputs.targets);
      const featureStd = featureDeviation(targets.representations);
      return ({ encoder, predictor }) => {
        const { loss, prediction, predicted } = iwmLoss({ encoder, predictor }, config, inputs, targets);
        const cosines = predictionCosines(predicted, targets.blocks, targets.all, inputs.targets);
        return { loss, reported: { prediction, ...cosines, featureStd } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}

const SMALL = preset("cifar10");

/** Presets of image world models by name. */
export const IWM_PRESETS = {
  /**
   * An image world model at the size of the preset "cifar10", with a predictor as deep as the encoder: the paper's shallow
   * ones tend to ignore what they are told. 390 steps in eleven minutes of one thread: mean reciprocal rank 6.7 % among
   * versions that differ by crop and light (chance 2.4), 7.1 by light, 2.6 by crop.
   * `deno task pretrain --preset iwm-cifar10`
   */
  "iwm-cifar10": {
    ...SHORT,
    method: "iwm",
    architecture: {
      ...SMALL.architecture,
      predictor: { width: 96, depth: 4, heads: 4, conditions: TRANSFORMATION },
    },
    masks: SMALL.masks,
    jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4 },
    regulariser: { variance: 1, covariance: 0.04 },
    learningRate: SMALL.learningRate,
    momentum: SMALL.momentum,
  },
} satisfies Record<string, IwmConfig>;
