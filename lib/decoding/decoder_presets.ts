/**
 * Decoders' trainings by name, each a plain object that says everything about one, for an encoder's sizes.
 *
 * @module
 */
import type { EncoderSize } from "../jepa/architectures.ts";
import type { PrecisionChoice } from "../tensorflow/autocast.ts";
import type { NoiseSchedule } from "./diffusion/noise_schedule.ts";
import type { PatchDecoderSize } from "./patch_decoder.ts";
import type { UnetSize } from "./diffusion/unet.ts";

/** What decides the result of any decoder's training, besides encoder and images. */
export interface DecoderTraining {
  /** Images a step. */
  batch: number;
  /** Images whose gradients are computed at once, on one device; those of a step are added up. Default the whole batch. */
  microBatch?: number;
  /** Passes over the images; a fraction is fine. */
  epochs: number;
  /** Linear from 0 to `peak` over the first `warmup` share of the steps, then a cosine to `final`. */
  learningRate: { peak: number; final: number; warmup: number };
  /** On weights, not on biases. */
  weightDecay: number;
  /** Momentum of the moving average of the weights, which is what is kept; it begins lower. */
  average: number;
  /** Largest norm of all gradients together; larger ones are scaled down. */
  clip: number;
  /** What matrix products compute in; "auto" is decided where a training begins, and its config.json has what was. */
  precision: PrecisionChoice;
  /** Everything random follows from it. */
  seed: number;
}

/** A diffusion that is conditioned on one vector (RCDM, Bordes et al. 2022, arXiv 2112.09164; the paper's figures 6 to 8). */
export interface PooledDecoderConfig extends DecoderTraining {
  /** Which decoder this is. */
  kind: "pooled";
  /** Sizes of the network. */
  network: UnetSize;
  /** The diffusion's noise, and its steps in training. */
  diffusion: { schedule: NoiseSchedule; steps: number };
  /**
   * What the vector is made of: the target encoder's tokens, averaged, or as for the paper's figure 6 the predictor's, of a
   * target block that it has not seen. Default "representations".
   */
  of?: "representations" | "predictions";
  /** Share of the images, in 0 .. 1, whose condition is dropped, for classifier-free guidance. */
  unconditional: number;
  /**
   * Share of the images, in 0 .. 1, whose condition is the average over a random target block instead of the whole; 0 of
   * predictions, which are all of blocks.
   */
  blocks: number;
}

/** A network that maps each patch's token back to pixels. */
export interface PatchDecoderConfig extends DecoderTraining {
  /** Which decoder this is. */
  kind: "patches";
  /** Sizes of the network. */
  network: PatchDecoderSize;
  /** The mean of absolute ("l1") or squared ("l2") errors; the latter gives the higher PSNR. */
  loss: "l1" | "l2";
}

/** Either of them. */
export type DecoderConfig = PooledDecoderConfig | PatchDecoderConfig;

/** The width of a decoder's matrix products, by which its precision is decided. */
export function productWidth({ network }: DecoderConfig): number {
  return "channels" in network ? Math.max(...network.channels) : network.width;
}

const TRAINING = {
  batch: 64,
  learningRate: { peak: 1e-3, final: 1e-6, warmup: 0.05 },
  weightDecay: 0.01,
  average: 0.999,
  clip: 1,
  precision: "auto",
  seed: 0,
} as const satisfies Partial<DecoderTraining>;

const DIFFUSION = {
  ...TRAINING,
  kind: "pooled",
  diffusion: { schedule: "cosine", steps: 1000 },
  unconditional: 0.1,
  blocks: 0.2,
} as const satisfies Partial<PooledDecoderConfig>;

/** The presets by name, as functions of the encoder that they decode. */
export const DECODER_PRESETS = {
  /**
   * 32 pixels. Five epochs of CIFAR-10 take an hour on two cores with bfloat16 instructions (3,905 steps of 64 images in 1 h
   * 5 min on a busy AMD EPYC with AVX-512 BF16).
   */
  "cifar10": ({ width }: EncoderSize): PooledDecoderConfig => ({
    ...DIFFUSION,
    network: { image: 32, channels: [64, 128, 256], heads: 4, condition: width },
    epochs: 5,
  }),

  /** 64 pixels, for a GPU; untried. */
  "64px": ({ width }: EncoderSize): PooledDecoderConfig => ({
    ...DIFFUSION,
    network: { image: 64, channels: [128, 256, 384, 512], heads: 8, condition: width },
    batch: 256,
    epochs: 100,
    learningRate: { peak: 2e-4, final: 2e-4, warmup: 0.02 },
    weightDecay: 0,
    average: 0.9999,
    precision: "bfloat16",
  }),

  /** 128 pixels, RCDM's, with half of its channels and blocks, for a GPU; untried. */
  "128px": ({ width }: EncoderSize): PooledDecoderConfig => ({
    ...DIFFUSION,
    network: { image: 128, channels: [128, 128, 256, 384, 512], heads: 8, condition: width },
    batch: 128,
    epochs: 100,
    learningRate: { peak: 1e-4, final: 1e-4, warmup: 0.02 },
    weightDecay: 0,
    average: 0.9999,
    precision: "bfloat16",
  }),

  /**
   * RCDM's settings (its code's for 128 pixels, guided-diffusion's): 256 channels times 1, 1, 2, 3 and 4, two residual blocks a
   * level, attention at 32, 16 and 8, a linear schedule of 1,000 steps, lr 1e-4, batch 256. Not theirs: v is predicted and
   * not the noise, sizes change without convolutions, and no sigma is learned, for DDIM without noise, by which samples are
   * drawn here, has no use for one. For GPUs; untried.
   */
  "rcdm": ({ width }: EncoderSize): PooledDecoderConfig => ({
    ...DIFFUSION,
    network: {
      ...{ image: 128, channels: [256, 256, 512, 768, 1024], heads: 4, condition: width },
      ...{ blocks: 2, attention: [32, 16, 8] },
    },
    diffusion: { schedule: "linear", steps: 1000 },
    batch: 256,
    epochs: 100,
    learningRate: { peak: 1e-4, final: 1e-4, warmup: 0 },
    weightDecay: 0,
    average: 0.9999,
    clip: Infinity,
    precision: "bfloat16",
  }),

  /** The patch decoder for an encoder of 32 pixels. */
  "patches": ({ image, patch, width }: EncoderSize): PatchDecoderConfig => ({
    ...TRAINING,
    kind: "patches",
    network: { image, patch, width: 128, depth: 4, heads: 4, condition: width },
    loss: "l2",
    epochs: 4,
  }),

  /** Under a minute on two cores, for tests, and so in float32 on any machine: too short to learn anything. */
  "smoke": ({ width }: EncoderSize): PooledDecoderConfig => ({
    ...DIFFUSION,
    network: { image: 32, channels: [32, 32, 32], heads: 2, condition: width },
    epochs: 0.02,
    precision: "float32",
  }),
} satisfies Record<string, (encoder: EncoderSize) => DecoderConfig>;

/** What each is, in a phrase. */
export const DECODER_PHRASES: Readonly<Record<keyof typeof DECODER_PRESETS, string>> = {
  "cifar10": "a diffusion of 32 pixels, an hour on two cores",
  "64px": "a diffusion of 64 pixels, for a GPU",
  "128px": "a diffusion of 128 pixels, half as wide and deep as RCDM's, for a GPU",
  "rcdm": "a diffusion by RCDM's settings, of 128 pixels, for GPUs",
  "patches": "a network that maps each patch's token back to pixels",
  "smoke": "for tests: too short to learn anything",
};

/**
 * The preset of that name for an encoder.
 *
 * @throws RangeError that lists the names where there is none.
 */
export function decoderPreset(name: string, encoder: EncoderSize): DecoderConfig {
  if (!Object.hasOwn(DECODER_PRESETS, name)) {
    throw new RangeError(`No decoder is called "${name}": there are ${Object.keys(DECODER_PRESETS).join(", ")}.`);
  }
  return DECODER_PRESETS[name as keyof typeof DECODER_PRESETS](encoder);
}
