/**
 * MAE (He et al. 2022, arXiv 2111.06377): the pixels of masked patches, from the visible ones alone.
 *
 * The decoder is I-JEPA's predictor with pixels at its end: both see the encoder's tokens and a mask token at each hidden
 * place, and attention does not ask in which order they stand. Of its last block only the mask tokens are computed, the
 * ones that the loss reads. The paper's encoder carries a class token, which no loss touches; here tokens are averaged
 * where one vector is wanted. Weights start as I-JEPA's do, normal with deviation 0.02, not Xavier.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { batches } from "../../datasets/loader.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import {
  architecture,
  encoderShapes,
  type EncoderSize,
  type ParameterShapes,
  predictorShapes,
  type PredictorSize,
  targetWidth,
} from "../../jepa/architectures.ts";
import { encode, gatherTokens, patchify } from "../../jepa/encoder.ts";
import { randomMasks } from "../../jepa/mask_samplers/ablations.ts";
import { featureDeviation, type StepInputs } from "../../jepa/objective.ts";
import { predict } from "../../jepa/predictor.ts";
import { MASK_STREAM, stepTensors } from "../../jepa/pretraining/pretraining_objective.ts";
import { initialise } from "../../nn/initialisation.ts";
import { normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { partsOf, stepsOf } from "../../training/steps.ts";
import { type CommonConfig, encoderOf, SHORT } from "../config.ts";
import { meanSquaredError } from "../parts/errors.ts";

/** Everything that decides a run of MAE. */
export interface MaeConfig extends CommonConfig {
  /** Its name. */
  method: "mae";
  /** Share of the patches that are hidden. */
  maskRatio: number;
  /** Sizes of the decoder. */
  decoder: PredictorSize;
}

/** The decoder's parameters: the predictor's, but that it ends in a patch's pixels. */
export function maeDecoderShapes(encoder: EncoderSize, decoder: PredictorSize): ParameterShapes {
  return predictorShapes({ ...encoder, predictor: decoder }, targetWidth(encoder, "pixels"));
}

/** Each patch's pixels [..., P] brought to mean 0 and variance 1: by P - 1, and 1e-6 under the root, as in the authors' code. */
export const patchTargets: (patches: Tensor) => Tensor = fused("patch_targets", (patches: Tensor) => {
  const pixels = patches.shape[patches.shape.length - 1];
  const centred = tf.sub(patches, tf.mean(patches, -1, true));
  const variance = tf.div(tf.sum(tf.square(centred), -1, true), pixels - 1);
  return tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6)));
});

/**
 * The loss: the mean squared error of the hidden patches' normalised pixels.
 *
 * @param patches [B, N, c*p*p] from patchify()
 * @param context int32 [B, C], the visible patches
 * @param targets int32 [1, B, T], the hidden ones
 * @returns beside it the encoder's output, [B, C, D]
 */
export function maeLoss(
  { encoder, decoder }: { encoder: Parameters; decoder: Parameters },
  { architecture, decoder: size }: Pick<MaeConfig, "architecture" | "decoder">,
  patches: Tensor,
  { context, targets }: Pick<StepInputs, "context" | "targets">,
): { loss: Tensor; representation: Tensor } {
  const representation = encode(encoder, architecture, patches, context);
  const predicted = predict(decoder, size, representation, context, targets); // [1, B, T, c*p*p]
  const [, batch, count] = targets.shape;
  const hidden = gatherTokens(patches, tf.reshape(targets, [batch!, count!])); // [B, T, c*p*p]
  const loss = meanSquaredError(tf.squeeze(predicted, [0]), patchTargets(hidden));
  return { loss, representation };
}

async function* inputsOf(config: MaeConfig, dataset: Dataset, start: number, share: Share) {
  const { architecture: { image, patch }, batch, crop, flip, maskRatio, seed } = config;
  const grid = [image / patch, image / patch] as const;
  const sampler = randomMasks({ grid, targetScale: maskRatio }), count = batch / partsOf(config);
  const stream = batches(dataset, { batch, size: image, crop, flip, seed, start, share });
  for await (const { pixels, epoch, step, part } of stream) {
    const masks = sampler(count, randomStream(seed, MASK_STREAM, step, part));
    yield { inputs: stepTensors(pixels, image, masks), epoch };
  }
}

/** MAE as an objective: "encoder" and "decoder" are trained. Reports `featureStd` of the visible tokens' average. */
export function maeObjective(config: MaeConfig, dataset: Dataset): Objective<StepInputs> {
  const { architecture, standardise, decoder, patchInitialisation, seed, clip } = config;
  const normalisation = standardise && normalisationOf(standardise);
  const totalSteps = stepsOf(config, dataset.length);
  return {
    name: "mae_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
      decoder: initialise(maeDecoderShapes(architecture, decoder), seed),
    }),
    averages: {},
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf(_, inputs) {
      const patches = patchify(inputs.pixels, architecture.patch, normalisation);
      return ({ encoder, decoder }) => {
        const { loss, representation } = maeLoss({ encoder, decoder }, config, patches, inputs);
        return { loss, reported: { featureStd: featureDeviation(normalise(representation)) } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
    beta2: 0.95,
  };
}

/** Presets of MAE by name. */
export const MAE_PRESETS = {
  /**
   * MAE at the size of the preset "cifar10": 390 steps in 2 min beside other work, monitor's kNN 26.9, linear 35.4, where random
   * weights have 25.7 and 28.5. At a peak rate of 4e-3 it learns nothing. `deno task pretrain --preset mae-cifar10`
   */
  "mae-cifar10": {
    ...SHORT,
    method: "mae",
    crop: { scale: [0.2, 1], aspect: [3 / 4, 4 / 3] },
    maskRatio: 0.75,
    decoder: { width: 64, depth: 2, heads: 4 },
    learningRate: { start: 0, peak: 1e-3, final: 0, warmup: 0.1 },
  },

  /** The paper's ViT-B/16: 1,600 epochs of ImageNet on GPUs (fine-tuned 83.6 %, linear 68.0). */
  "mae-imagenet-b16": {
    ...SHORT,
    method: "mae",
    architecture: encoderOf(architecture("B/16")),
    crop: { scale: [0.2, 1], aspect: [3 / 4, 4 / 3] },
    maskRatio: 0.75,
    decoder: { width: 512, depth: 8, heads: 16 },
    batch: 4096,
    microBatch: 128,
    epochs: 1600,
    learningRate: { start: 0, peak: 2.4e-3, final: 0, warmup: 40 / 1600 },
    clip: Infinity,
    precision: "bfloat16",
  },
} satisfies Record<string, MaeConfig>;
