/**
 * A decoder of a frozen encoder's representations as an objective of the training loop: images and draws, loss, schedule.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import type { Pixels } from "../datasets/pixels/cut_image.ts";
import { batches } from "../datasets/loader.ts";
import type { PredictorSize } from "../jepa/architectures.ts";
import { pixelTensor } from "../jepa/encoder.ts";
import { meanSquaredError } from "../methods/parts/errors.ts";
import { initialise } from "../nn/initialisation.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Tensor } from "../tensorflow/backend.ts";
import type { Objective, Share } from "../training/objective.ts";
import { warmupCosine } from "../training/schedules.ts";
import type { DecoderConfig, PatchDecoderConfig, PooledDecoderConfig } from "./decoder_presets.ts";
import { addNoise, velocity } from "./diffusion/diffusion.ts";
import { decodePatches, reconstructionLoss } from "./patch_decoder.ts";
import { toImages, toPatches } from "./pixels.ts";
import {
  type EncoderSetting,
  type FrozenEncoder,
  type Masked,
  pooledCondition,
  type Pooling,
  representTokens,
  type Standardisation,
  standardiseBy,
} from "./representation.ts";
import { decoderShapes, decodes } from "./saved_decoder.ts";
import { pooledDraws } from "./diffusion/training_inputs.ts";
import { checkUnet, initialiseUnet, unet } from "./diffusion/unet.ts";

/** A step's images. */
export interface DecoderImages {
  /** uint8 [B, H, W, 3], of the encoder's size. */
  pixels: Tensor;
  /** uint8 [B, image, image, 3], of the decoder's. */
  wanted: Tensor;
}

/** A step's images, and what is drawn for them. */
export interface PooledInputs extends DecoderImages {
  /** What the condition is made of. */
  seen: Pooling | Masked;
  /** float32 [B, image, image, 3], standard normal. */
  noise: Tensor;
  /** float32 [B], steps of the diffusion. */
  time: Tensor;
  /** float32 [B, 1, 1, 1], alpha-bar of these. */
  alphaBar: Tensor;
  /** float32 [B], 0 where the condition is dropped, else 1. */
  kept: Tensor;
}

/** What does not change. */
export interface Frozen {
  /** The encoder's parameters. */
  encoder: Parameters;
  /** The predictor's, of a decoder of predictions. */
  predictor?: Parameters;
  /** Of its pooled representations or of its tokens, whichever the decoder takes. */
  standardisation: Standardisation;
}

/** The pooled decoder's loss: DDPM's simple loss (Ho et al. 2020, equation 14) for v, see diffusion.ts. */
export function pooledLoss(
  config: PooledDecoderConfig,
  setting: EncoderSetting & { predictor?: { size: PredictorSize } },
  { standardisation, ...frozen }: Frozen,
  { pixels, wanted, seen, noise, time, alphaBar, kept }: PooledInputs,
): (decoder: Parameters) => Tensor {
  const condition = standardiseBy(pooledCondition(frozen, setting, pixels, seen), standardisation); // [B, D]
  const image = toImages(wanted); // [B, image, image, 3]
  const noisy = addNoise(image, noise, alphaBar), v = velocity(image, noise, alphaBar);
  return (p) => meanSquaredError(unet(p, config.network, noisy, time, condition, kept), v);
}

/** The patch decoder's loss. */
export function patchLoss(
  config: PatchDecoderConfig,
  setting: EncoderSetting,
  { encoder, standardisation }: Frozen,
  { pixels, wanted }: DecoderImages,
): (decoder: Parameters) => Tensor {
  const tokens = standardiseBy(representTokens(encoder, setting, pixels), standardisation); // [B, N, D]
  const image = toPatches(wanted, config.network.patch); // [B, N, 3*p*p]
  return (p) => reconstructionLoss(decodePatches(p, config.network, tokens), image, config.loss);
}

/**
 * Steps of a whole training.
 *
 * @throws RangeError where there is none
 */
export function decoderSteps({ epochs, batch }: DecoderConfig, images: number): number {
  if (images < batch) throw new RangeError(`${images} images are fewer than a batch of ${batch}: lower the batch.`);
  const steps = Math.round(epochs * Math.floor(images / batch));
  if (steps >= 2) return steps;
  throw new RangeError(
    `${epochs} epochs of ${images} images make ${steps} steps of ${batch} images: raise the epochs.`,
  );
}

/**
 * Holds that a decoder fits its encoder.
 *
 * @throws RangeError that says what does not fit
 */
export function checkDecoderFits(
  config: DecoderConfig,
  { size, predictor }: Pick<FrozenEncoder, "size" | "predictor">,
): void {
  const { kind, network } = config, { condition } = network;
  if (decodes(config) === "predictions" && !predictor) {
    throw new RangeError("A decoder of predictions needs a predictor, which the encoder's weights do not hold.");
  }
  if (condition !== size.width) {
    throw new RangeError(`The decoder takes vectors of ${condition} numbers, but the encoder gives ${size.width}.`);
  }
  if (kind === "pooled") return checkUnet(network);
  const { image, patch, width, heads } = network;
  if (image !== size.image || patch !== size.patch) {
    throw new RangeError(
      `A patch decoder has its encoder's image and patch, ${size.image} and ${size.patch}; got ${image} and ${patch}.`,
    );
  }
  if (width % heads !== 0) throw new RangeError(`${heads} heads do not divide a width of ${width}.`);
}

/** The whole image, or its centred square: decoders see no other crops. */
const WHOLE = { scale: [1, 1], aspect: [1, 1] } as { scale: [number, number]; aspect: [number, number] };

/** A worker's images at both sizes, the same crops (where the sizes are one, the same pixels), and what is drawn for them. */
async function* inputsOf(
  config: DecoderConfig,
  { size }: EncoderSetting,
  images: Dataset,
  start: number,
  share: Share,
) {
  const { batch, seed, network } = config, count = batch / share.parts;
  const draws = config.kind === "pooled" ? pooledDraws(config, size.image / size.patch) : () => ({});
  const open = (side: number) => batches(images, { batch, seed, start, share, crop: WHOLE, size: side });
  const seen = open(size.image), wanted = network.image === size.image ? undefined : open(network.image);
  const tensor = (bytes: Pixels, side: number) => pixelTensor(bytes, count, side);
  try {
    for await (const { pixels, epoch, step, part } of seen) {
      const other = wanted ? (await wanted.next()).value!.pixels : pixels;
      const both = { pixels: tensor(pixels, size.image), wanted: tensor(other, network.image) };
      yield { inputs: { ...both, ...draws(count, step, part) }, epoch };
    }
  } finally {
    await wanted?.return();
  }
}

/** The objective of a decoder's training: "decoder" is trained, "average" is its moving average. */
export function decoderObjective(
  config: DecoderConfig,
  encoder: FrozenEncoder,
  standardisation: Standardisation,
  images: Dataset,
): Objective<DecoderImages> {
  const { parameters, ...setting } = encoder, { predictor } = encoder;
  checkDecoderFits(config, setting);
  const { learningRate, weightDecay, average, seed, clip } = config;
  const totalSteps = decoderSteps(config, images.length);
  const warmupSteps = Math.round(learningRate.warmup * totalSteps);
  const rate = warmupCosine({ ...learningRate, start: 0, warmupSteps, totalSteps });
  return {
    name: "decoder_step",
    totalSteps,
    initialise: () => ({
      decoder: config.kind === "pooled"
        ? initialiseUnet(config.network, seed)
        : initialise(decoderShapes(config), seed),
    }),
    averages: { average: "decoder" },
    frozen: {
      encoder: parameters,
      standardisation: { ...standardisation },
      ...decodes(config) === "predictions" ? { predictor: predictor!.parameters } : {},
    },
    batches: (start, share) => inputsOf(config, setting, images, start, share),
    lossOf(given, inputs) {
      const frozen = given as unknown as Frozen;
      const lossOf = config.kind === "pooled"
        ? pooledLoss(config, setting, frozen, inputs as PooledInputs)
        : patchLoss(config, setting, frozen, inputs);
      return ({ decoder }) => ({ loss: lossOf(decoder), reported: {} });
    },
    scheduled: (step) => ({
      learningRate: rate(step + 1),
      weightDecay,
      momentum: Math.min(average, (1 + step) / (10 + step)),
    }),
    clip,
  };
}
