/**
 * data2vec 2.0 (Baevski et al. 2023, arXiv 2212.07525): what the moving average of the encoder says of the whole image, in its
 * last blocks, from a few visible patches; many masks of an image share one pass of the moving average.
 *
 * Other than in the paper: its blocks put their norms behind and give the output of their MLPs, and ours, which are
 * I-JEPA's, stand before their norms, so that each layer goes through the encoder's last norm; its class token and the loss on
 * it (0.01 of the whole) are left out; the momentum rises over the whole run, not its first quarter; and the noise at hidden
 * places is one draw a micro-batch, which all its masks share. What is kept is the moving average, as in I-JEPA; the authors
 * go on with the student.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { batches } from "../../datasets/loader.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import { architecture, encoderShapes } from "../../jepa/architectures.ts";
import { encode, encodeLayers, gatherTokens, patchify, pixelTensor } from "../../jepa/encoder.ts";
import { featureDeviation } from "../../jepa/objective.ts";
import { MASK_STREAM } from "../../jepa/pretraining/pretraining_objective.ts";
import { initialise } from "../../nn/initialisation.ts";
import { normalise, standardise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { partsOf, stepsOf } from "../../training/steps.ts";
import { type CommonConfig, encoderOf, SHORT } from "../config.ts";
import {
  convolutionalDecoderShapes,
  type ConvolutionalDecoderSize,
  decodeTokens,
} from "../parts/convolutional_decoder.ts";
import { inverseBlockMasks } from "../parts/inverse_block_masks.ts";

/** Everything that decides a run of data2vec 2.0. */
export interface Data2vecConfig extends CommonConfig {
  /** Its name. */
  method: "data2vec";
  /** Masks of each image, which share the targets. */
  masksPerImage: number;
  /** Share of the patches that a mask hides. */
  hidden: number;
  /** The last blocks whose outputs are averaged. */
  layers: number;
  /** Sizes of the decoder. */
  decoder: ConvolutionalDecoderSize;
  /** Momentum of the moving average: linear from `start` to `final`. */
  momentum: { start: number; final: number };
}

/** Images and masks of a step. */
export interface Data2vecInputs {
  /** [B, H, W, c] */
  pixels: Tensor;
  /** int32 [M*B, C], the visible patches of the first mask of each image, the second, ... */
  visible: Tensor;
  /** int32 [M*B, N], where each patch stands among the visible and then the hidden ones. */
  places: Tensor;
  /** [1, T, D], what stands at hidden places. */
  noise: Tensor;
}

/** Deviation of the noise at hidden places. */
const NOISE = 0.01;

/** Each image's channels [B, N, D] brought to mean 0 and variance 1 over its patches (PyTorch's instance norm). */
const instanceNorm = fused(
  "instance_norm",
  (x: Tensor) => tf.transpose(standardise(tf.transpose(x, [0, 2, 1]), 1e-5), [0, 2, 1]),
);

/** The targets [B, N, D]: the last layers, each instance-normed, averaged, layer-normed. */
export function data2vecTargets(
  p: Parameters,
  { architecture, layers }: Pick<Data2vecConfig, "architecture" | "layers">,
  patches: Tensor,
): Tensor {
  const normed = encodeLayers(p, architecture, patches, layers).map((layer) => instanceNorm(layer));
  return normalise(tf.div(tf.addN(normed), layers));
}

const hiddenError = fused(
  "hidden_error",
  (predicted: Tensor, targets: Tensor, hidden: Tensor) => tf.mul(tf.square(tf.sub(predicted, targets)), hidden),
);

/**
 * The loss: the squared error of the hidden patches' predictions, summed over the D dimensions and divided by sqrt(D), averaged
 * over the patches.
 *
 * @param patches [B, N, c*p*p] from patchify()
 * @param targets [B, N, D]
 */
export function data2vecLoss(
  { encoder, decoder }: { encoder: Parameters; decoder: Parameters },
  { architecture, decoder: size }: Pick<Data2vecConfig, "architecture" | "decoder">,
  patches: Tensor,
  targets: Tensor,
  { visible, places, noise }: Omit<Data2vecInputs, "pixels">,
): Tensor {
  const [batch, count, width] = targets.shape as [number, number, number];
  const [samples, shown] = visible.shape as [number, number];
  const representation = encode(encoder, architecture, patches, visible); // [M*B, C, D]
  const tokens = tf.concat([representation, tf.tile(noise, [samples, 1, 1])], 1); // [M*B, N, D]
  const predicted = decodeTokens(decoder, size, gatherTokens(tokens, places)); // [M*B, N, D]
  const hidden = tf.cast(tf.greaterEqual(places, shown), "float32");
  const masks = samples / batch;
  const errors = hiddenError(
    tf.reshape(predicted, [masks, batch, count, width]),
    tf.expandDims(targets, 0),
    tf.reshape(hidden, [masks, batch, count, 1]),
  );
  return tf.div(tf.sum(errors), samples * (count - shown) * Math.sqrt(width));
}

async function* inputsOf(config: Data2vecConfig, dataset: Dataset, start: number, share: Share) {
  const { architecture: { image, patch, width }, batch, crop, flip, masksPerImage, hidden, seed } = config;
  const side = image / patch, sampler = inverseBlockMasks({ grid: [side, side], hidden });
  const images = batch / partsOf(config), samples = masksPerImage * images;
  const stream = batches(dataset, { batch, size: image, crop, flip, seed, start, share });
  for await (const { pixels, epoch, step, part } of stream) {
    const random = randomStream(seed, MASK_STREAM, step, part), drawn = sampler(samples, random);
    const away = side ** 2 - drawn.visibleLength;
    const noise = Float32Array.from({ length: away * width }, () => NOISE * random.normal());
    const inputs: Data2vecInputs = {
      pixels: pixelTensor(pixels, images, image),
      visible: tf.tensor2d(drawn.visible, [samples, drawn.visibleLength], "int32"),
      places: tf.tensor2d(drawn.places, [samples, side ** 2], "int32"),
      noise: tf.tensor3d(noise, [1, away, width]),
    };
    yield { inputs, epoch };
  }
}

/**
 * data2vec 2.0 as an objective: "encoder" and "decoder" are trained, "target_encoder" follows the encoder. Reports
 * `featureStd` of the averaged targets.
 */
export function data2vecObjective(config: Data2vecConfig, dataset: Dataset): Objective<Data2vecInputs> {
  const { architecture, standardise, decoder: size, patchInitialisation, seed, clip } = config;
  const normalisation = standardise && normalisationOf(standardise);
  const totalSteps = stepsOf(config, dataset.length);
  const shapes = convolutionalDecoderShapes(architecture.width, size);
  return {
    name: "data2vec_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
      decoder: initialise(shapes, seed),
    }),
    averages: { target_encoder: "encoder" },
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf({ target_encoder }, { pixels, ...masks }) {
      const patches = patchify(pixels, architecture.patch, normalisation);
      const targets = data2vecTargets(target_encoder, config, patches), featureStd = featureDeviation(targets);
      return ({ encoder, decoder }) => {
        const loss = data2vecLoss({ encoder, decoder }, config, patches, targets, masks);
        return { loss, reported: { featureStd } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
    beta2: 0.95,
  };
}

/** Presets of data2vec 2.0 by name. */
export const DATA2VEC_PRESETS = {
  /**
   * data2vec 2.0 at the size of the preset "cifar10": 391 steps of 32 images and 8 masks each took 9 min beside other work:
   * monitor's kNN 31.2, linear 39.6, where random weights have 25.7 and 28.5. `deno task pretrain --preset data2vec-cifar10`
   */
  "data2vec-cifar10": {
    ...SHORT,
    method: "data2vec",
    crop: { scale: [0.2, 1], aspect: [3 / 4, 4 / 3] },
    batch: 32,
    epochs: 0.25,
    masksPerImage: 8,
    hidden: 0.8,
    layers: 3,
    decoder: { width: 64, depth: 3, groups: 16 },
    learningRate: { start: 0, peak: 1e-3, final: 0, warmup: 0.13 },
    momentum: { start: 0.99, final: 0.999 },
    clip: 4,
  },

  /** The paper's ViT-B/16: 75 epochs' worth of images, 375,300 steps of 256 with 16 masks each, on GPUs. */
  "data2vec-imagenet-b16": {
    ...SHORT,
    method: "data2vec",
    crop: { scale: [0.2, 1], aspect: [3 / 4, 4 / 3] },
    architecture: encoderOf(architecture("B/16")),
    batch: 256,
    microBatch: 16,
    epochs: 75,
    masksPerImage: 16,
    hidden: 0.8,
    layers: 10,
    decoder: { width: 768, depth: 6, groups: 16 },
    learningRate: { start: 0, peak: 1e-3, final: 0, warmup: 50040 / 375300 },
    momentum: { start: 0.9998, final: 0.99999 },
    clip: 4,
    precision: "bfloat16",
  },
} satisfies Record<string, Data2vecConfig>;
