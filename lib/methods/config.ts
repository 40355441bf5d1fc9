/**
 * What the methods beside I-JEPA have in common: the part of a configuration that means the same in each, and how many
 * steps it makes.
 *
 * @module
 */
import type { Architecture, EncoderSize } from "../jepa/architectures.ts";
import { preset, type RunConfig as JepaConfig } from "../jepa/pretraining/presets.ts";
import { partsOf } from "../training/runs/run.ts";

/** The part that every method's configuration has. */
export interface CommonConfig extends
  Pick<
    JepaConfig,
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
  precision: "float32",
  seed: 0,
} as const satisfies Partial<CommonConfig>;

/**
 * Steps of a whole run, each of `batch` images.
 *
 * @throws RangeError where there is none, or a micro-batch has nothing to compare
 */
export function stepsOf(config: CommonConfig, images: number): number {
  const { epochs, batch } = config, own = batch / partsOf(config);
  if (!(own >= 2)) throw new RangeError(`A step needs at least 2 images, to compare them; got a batch of ${own}.`);
  if (images < batch) throw new RangeError(`${images} images are fewer than a batch of ${batch}: lower the batch.`);
  const steps = Math.round(epochs * Math.floor(images / batch));
  if (steps >= 1) return steps;
  throw new RangeError(`${epochs} epochs of ${images} images make no step of ${batch} images: raise the epochs.`);
}
