/**
 * SimMIM (Xie et al. 2022, arXiv 2111.09886): the encoder sees all places, hidden ones as a mask token, and a linear layer on
 * its output gives the hidden pixels.
 *
 * The mask token is put in through the positions: at a hidden place the encoder gets zeros as a patch, and a position to which the
 * mask token is added in the place of the embedding's bias, so that the encoder itself stays I-JEPA's. The paper's ViT has
 * a class token and relative positions; this one has neither, and averages its tokens.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { batches } from "../../datasets/loader.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import { architecture, encoderShapes, type EncoderSize, type ParameterShapes } from "../../jepa/architectures.ts";
import { encode, patchify, pixelTensor } from "../../jepa/encoder.ts";
import { featureDeviation } from "../../jepa/objective.ts";
import { MASK_STREAM } from "../../jepa/pretraining/pretraining_objective.ts";
import { initialise } from "../../nn/initialisation.ts";
import { linear, normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Random, randomStream, shuffled } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { partsOf, stepsOf } from "../../training/steps.ts";
import { type CommonConfig, encoderOf, SHORT } from "../config.ts";

/** Everything that decides a run of SimMIM. */
export interface SimmimConfig extends CommonConfig {
  /** Its name. */
  method: "simmim";
  /** Share of the image that is hidden, rounded up to whole squares. */
  maskRatio: number;
  /** Side of the squares that are hidden or seen as one, in patches; it divides the grid. */
  square: number;
}

/** Images of a step, and which of their patches are hidden. */
export interface SimmimInputs {
  /** [B, H, W, c] */
  pixels: Tensor;
  /** float32 [B, N], 1 where a patch is hidden. */
  hidden: Tensor;
}

/** The parameters beside the encoder's: the mask token, which does not decay, and the linear layer to a patch's pixels. */
export function simmimHeadShapes({ patch, channels = 3, width }: EncoderSize): ParameterShapes {
  const pixels = channels * patch ** 2;
  return { "mask_embedding": [1, 1, width], "proj.weight": [pixels, width], "proj.bias": [pixels] };
}

/**
 * Which patches of `images` images are hidden: 1 or 0, [images, grid * grid].
 *
 * @throws RangeError where the squares do not divide the grid, or hide all or nothing
 */
export function hiddenSquares(
  { grid, square, maskRatio }: { grid: number; square: number; maskRatio: number },
): (images: number, random: Random) => Float32Array<ArrayBuffer> {
  const side = grid / square, count = Math.ceil(side ** 2 * maskRatio - 1e-9);
  if (!Number.isInteger(side) || !(count > 0 && count < side ** 2)) {
    throw new RangeError(`${maskRatio} of a ${grid} x ${grid} grid cannot be hidden in squares of ${square} patches.`);
  }
  return (images, random) => {
    const hidden = new Float32Array(images * grid ** 2);
    for (let i = 0; i < images; i++) {
      for (const place of shuffled(side ** 2, random).subarray(0, count)) {
        const top = Math.floor(place / side) * square, left = (place % side) * square;
        for (let row = top; row < top + square; row++) {
          hidden.fill(1, (i * grid + row) * grid + left, (i * grid + row) * grid + left + square);
        }
      }
    }
    return hidden;
  };
}

const hiddenDifference = fused(
  "hidden_difference",
  (predicted: Tensor, pixels: Tensor, hidden: Tensor) => tf.mul(tf.abs(tf.sub(predicted, pixels)), hidden),
);

/**
 * The loss: the mean absolute error of the hidden pixels, standardised as the encoder sees them.
 *
 * @param patches [B, N, c*p*p] from patchify()
 * @param hidden float32 [B, N]
 * @returns beside it the encoder's output, [B, N, D]
 */
export function simmimLoss(
  { encoder, head }: { encoder: Parameters; head: Parameters },
  size: EncoderSize,
  patches: Tensor,
  hidden: Tensor,
): { loss: Tensor; representation: Tensor } {
  const mask = tf.expandDims(hidden, 2); // [B, N, 1]
  const token = tf.sub(head["mask_embedding"], encoder["patch_embed.proj.bias"]); // [1, 1, D]
  const positions = tf.add(encoder["pos_embed"], tf.mul(mask, token)); // [B, N, D]
  const representation = encode({ ...encoder, pos_embed: positions }, size, tf.mul(patches, tf.sub(1, mask)));
  const predicted = linear(head, "proj", representation); // [B, N, c*p*p]
  const count = tf.mul(tf.sum(hidden), patches.shape[2]!);
  return { loss: tf.div(tf.sum(hiddenDifference(predicted, patches, mask)), count), representation };
}

async function* inputsOf(config: SimmimConfig, dataset: Dataset, start: number, share: Share) {
  const { architecture: { image, patch }, batch, crop, flip, square, maskRatio, seed } = config, grid = image / patch;
  const draw = hiddenSquares({ grid, square, maskRatio }), images = batch / partsOf(config);
  const stream = batches(dataset, { batch, size: image, crop, flip, seed, start, share });
  for await (const { pixels, epoch, step, part } of stream) {
    const inputs: SimmimInputs = {
      pixels: pixelTensor(pixels, images, image),
      hidden: tf.tensor2d(draw(images, randomStream(seed, MASK_STREAM, step, part)), [images, grid ** 2]),
    };
    yield { inputs, epoch };
  }
}

/** SimMIM as an objective: "encoder" and "head" are trained. Reports `featureStd` of the averaged tokens of masked images. */
export function simmimObjective(config: SimmimConfig, dataset: Dataset): Objective<SimmimInputs> {
  const { architecture, standardise, patchInitialisation, seed, clip } = config;
  const normalisation = standardise && normalisationOf(standardise);
  const totalSteps = stepsOf(config, dataset.length);
  return {
    name: "simmim_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
      head: initialise(simmimHeadShapes(architecture), seed),
    }),
    averages: {},
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf(_, { pixels, hidden }) {
      const patches = patchify(pixels, architecture.patch, normalisation);
      return ({ encoder, head }) => {
        const { loss, representation } = simmimLoss({ encoder, head }, architecture, patches, hidden);
        return { loss, reported: { featureStd: featureDeviation(normalise(representation)) } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}

/** Presets of SimMIM by name. */
export const SIMMIM_PRESETS = {
  /**
   * SimMIM at the size of the preset "cifar10". Half of its 390 steps took 2 min beside other work: monitor's kNN 23.3, linear
   * 33.8, where random weights have 25.7 and 28.5. `deno task pretrain --preset simmim-cifar10`
   */
  "simmim-cifar10": {
    ...SHORT,
    method: "simmim",
    crop: { scale: [0.67, 1], aspect: [3 / 4, 4 / 3] },
    maskRatio: 0.6,
    square: 2,
    learningRate: { start: 0, peak: 1e-3, final: 1e-6, warmup: 0.1 },
  },

  /** The paper's ViT-B/16: 800 epochs of ImageNet on GPUs (fine-tuned 83.8 %); its rate falls in one step, here as a cosine. */
  "simmim-imagenet-b16": {
    ...SHORT,
    method: "simmim",
    architecture: encoderOf(architecture("B/16")),
    crop: { scale: [0.67, 1], aspect: [3 / 4, 4 / 3] },
    maskRatio: 0.6,
    square: 2,
    batch: 2048,
    microBatch: 128,
    epochs: 800,
    learningRate: { start: 2e-6, peak: 4e-4, final: 4e-6, warmup: 10 / 800 },
    clip: 5,
    precision: "bfloat16",
  },
} satisfies Record<string, SimmimConfig>;
