/**
 * What the configuration of a run may hold, of I-JEPA's, and of that part which every method has.
 *
 * @module
 */
import { count, divides, flag, number, oneOf, optional, range, record, type Shape, share } from "../../shapes.ts";
import type { CropRange } from "../../datasets/dataset.ts";
import { statisticsShape } from "../../datasets/channel_statistics.ts";
import { partsOf } from "../../training/steps.ts";
import type { EncoderSize, PredictorSize } from "../architectures.ts";
import { maskSampler, maskShape } from "../mask_samplers/by_name.ts";
import type { RunConfig } from "./presets.ts";

const positive = number({ above: 0 }), fromZero = number({ least: 0 });

/** Width and heads of a transformer with sine-cosine positions fit each other. */
export function checkWidth(size: PredictorSize, path: string): void {
  divides(size, path, "heads", "width");
  if (size.width % 4 === 0) return;
  throw new RangeError(`${path}.width must be a multiple of 4, for sine-cosine positions; got ${size.width}.`);
}

/** Of an encoder's sizes, of images. */
export const ENCODER_PARTS = {
  image: count,
  patch: count,
  channels: optional(count),
  width: count,
  depth: count,
  heads: count,
  mlpRatio: positive,
  epsilon: optional(number({ above: 0, below: 1 })),
};

/** Holds that an encoder's sizes fit each other. */
export function checkEncoder(size: EncoderSize, path: string): void {
  divides(size, path, "patch", "image");
  checkWidth(size, path);
}

/** The sizes of an encoder of images. */
type ImageEncoderSize = Omit<EncoderSize, "frames" | "tubelet" | "rotary">;

/** An encoder's sizes. */
export const encoderShape: Shape = record<ImageEncoderSize>(ENCODER_PARTS, checkEncoder);

/** Of a predictor's sizes. */
export const PREDICTOR_PARTS = { width: count, depth: count, heads: count };

/** A decoder's, of as plain a network as a predictor is. */
export const decoderShape: Shape = record<Omit<PredictorSize, "maskTokens" | "sharedContext" | "conditions">>(
  PREDICTOR_PARTS,
  checkWidth,
);

/** A predictor's, of images. */
const predictorShape: Shape = record<Omit<PredictorSize, "maskTokens" | "conditions">>(
  { ...PREDICTOR_PARTS, sharedContext: optional(flag) },
  checkWidth,
);

/** From where crops are drawn. */
export const cropShape: Shape = record<CropRange>({
  scale: range(1),
  aspect: range(),
  interpolation: optional(oneOf("bicubic", "bilinear")),
});

/** From `start` to `final`, of a momentum. */
export const momentumShape: Shape = record<RunConfig["momentum"]>({ start: share, final: share });

/** What every method's run has and means the same by. */
export const COMMON_PARTS = {
  standardise: optional(statisticsShape),
  patchInitialisation: oneOf("normal", "xavier"),
  crop: cropShape,
  batch: count,
  microBatch: optional(count),
  epochs: positive,
  learningRate: record<RunConfig["learningRate"]>({
    start: fromZero,
    peak: positive,
    final: fromZero,
    warmup: number({ least: 0, below: 1 }),
  }),
  weightDecay: record<RunConfig["weightDecay"]>({
    start: fromZero,
    final: fromZero,
    shape: optional(oneOf("cosine", "linear")),
  }),
  clip: number({ above: 0, infinite: true }),
  precision: oneOf("auto", "float32", "bfloat16"),
  seed: number({ least: 0, whole: true }),
};

/** A run of I-JEPA's. */
export const runShape: Shape = record<RunConfig>({
  method: optional(oneOf("ijepa")),
  architecture: record<ImageEncoderSize & Pick<RunConfig["architecture"], "predictor">>({
    ...ENCODER_PARTS,
    predictor: predictorShape,
  }, checkEncoder),
  ...COMMON_PARTS,
  masks: maskShape,
  targets: optional(oneOf("representations", "pixels", "maskedInput")),
  residualRescale: optional(flag),
  regulariser: record<RunConfig["regulariser"]>({ variance: fromZero, covariance: fromZero, invariance: fromZero }),
  momentum: momentumShape,
  recompute: optional(flag), // runs from before have none
}, (config) => {
  partsOf(config);
  const side = config.architecture.image / config.architecture.patch;
  maskSampler(config.masks, [side, side]);
});
