/**
 * What the methods beside I-JEPA have in common: the part of a configuration that means the same in each.
 *
 * @module
 */
import type { Architecture, EncoderSize } from "../jepa/architectures.ts";
import { preset, type RunConfig as JepaConfig } from "../jepa/pretraining/presets.ts";

/** The part that every method's configuration has. */
export interface CommonConfig extends
  Pick<
    JepaConfig,
    | "standardise"
    | "patchInitialisation"
    | "crop"
    | "batch"
    | "microBatch"
    | "epochs"
    | "learningRate"
    | "weightDecay"
    | "clip"
    | "precision"
    | "seed"
  > {
  /** Sizes of the encoder, which is I-JEPA's: without class token. */
  architecture: EncoderSize;
  /** Whether half of the crops are mirrored, left to right. */
  flip: boolean;
}

/** An encoder's sizes without those of I-JEPA's predictor. */
export function encoderOf({ predictor: _, ...encoder }: EncoderSize & Partial<Architecture>): EncoderSize {
  return encoder;
}

/** What short runs on CIFAR-10 have in common: the encoder of I-JEPA's preset "cifar10", crops, small batches, clipping. */
export const SHORT = {
  architecture: encoderOf(preset("cifar10").architecture),
  patchInitialisation: "xavier",
  crop: { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] },
  flip: true,
  batch: 128,
  epochs: 1,
  weightDecay: { start: 0.05, final: 0.05 },
  clip: 3,
  precision: "auto",
  seed: 0,
} as const satisfies Partial<CommonConfig>;
