/**
 * checkConfig(): holds that a run's configuration, of whatever method, is one.
 *
 * @module
 */
import { maskSampler, maskShape } from "../jepa/mask_samplers/by_name.ts";
import { randomMasks } from "../jepa/mask_samplers/ablations.ts";
import {
  checkEncoder,
  checkWidth,
  COMMON_PARTS,
  cropShape,
  decoderShape,
  ENCODER_PARTS,
  encoderShape,
  momentumShape,
  PREDICTOR_PARTS,
  runShape,
} from "../jepa/pretraining/run_shape.ts";
import { checkShape, count, flag, naming, number, oneOf, optional, record, type Shape, share } from "../shapes.ts";
import { partsOf } from "../training/steps.ts";
import type { CommonConfig } from "./config.ts";
import { convolutionalDecoderShapes, type ConvolutionalDecoderSize } from "./parts/convolutional_decoder.ts";
import { viewsOf } from "./crops.ts";
import type { Data2vecConfig } from "./objectives/data2vec.ts";
import type { DinoConfig } from "./objectives/dino.ts";
import { TRANSFORMATION } from "./parts/image_views.ts";
import type { IwmConfig } from "./objectives/image_world_model.ts";
import { inverseBlockMasks } from "./parts/inverse_block_masks.ts";
import type { LejepaConfig } from "./objectives/lejepa.ts";
import type { MaeConfig } from "./objectives/mae.ts";
import type { MethodConfig } from "./methods.ts";
import type { ProjectorSize } from "./parts/projector.ts";
import { hiddenSquares, type SimmimConfig } from "./objectives/simmim.ts";
import type { VicregConfig } from "./objectives/vicreg.ts";

const PARTS = { architecture: encoderShape, ...COMMON_PARTS, flip: flag };

const positive = number({ above: 0 }), fromZero = number({ least: 0 }), inside = number({ above: 0, below: 1 });
const belowOne = number({ least: 0, below: 1 });

const gridOf = ({ architecture: { image, patch } }: CommonConfig) => image / patch;

const projector = record<ProjectorSize>({ hidden: count, outputs: count });

/** Each method's configuration. */
const SHAPES: Record<NonNullable<MethodConfig["method"]>, Shape> = {
  ijepa: runShape,
  mae: record<MaeConfig>({
    method: oneOf("mae"),
    ...PARTS,
    maskRatio: inside,
    decoder: decoderShape,
  }, (config) => {
    partsOf(config);
    randomMasks({ grid: [gridOf(config), gridOf(config)], targetScale: config.maskRatio });
  }),
  simmim: record<SimmimConfig>({
    method: oneOf("simmim"),
    ...PARTS,
    maskRatio: inside,
    square: count,
  }, (config) => {
    partsOf(config);
    hiddenSquares({ ...config, grid: gridOf(config) });
  }),
  data2vec: record<Data2vecConfig>({
    method: oneOf("data2vec"),
    ...PARTS,
    masksPerImage: count,
    hidden: inside,
    layers: count,
    decoder: record<ConvolutionalDecoderSize>({ width: count, depth: count, groups: count }),
    momentum: momentumShape,
  }, (config) => {
    const { architecture: { width, depth }, layers, hidden, decoder } = config;
    partsOf(config);
    if (layers > depth) throw new RangeError(`layers must be at most architecture.depth, ${depth}; got ${layers}.`);
    inverseBlockMasks({ grid: [gridOf(config), gridOf(config)], hidden });
    convolutionalDecoderShapes(width, decoder);
  }),
  lejepa: record<LejepaConfig>({
    method: oneOf("lejepa"),
    ...PARTS,
    views: count,
    local: optional(record<NonNullable<LejepaConfig["local"]>>({ views: count, size: count, crop: cropShape })),
    projector,
    lambda: share,
    directions: count,
  }, checkCrops),
  vicreg: record<VicregConfig>({
    method: oneOf("vicreg"),
    ...PARTS,
    views: oneOf(2),
    projector,
    weights: record<VicregConfig["weights"]>({ invariance: fromZero, variance: fromZero, covariance: fromZero }),
  }, checkCrops),
  dino: record<DinoConfig>({
    method: oneOf("dino"),
    ...PARTS,
    views: oneOf(2),
    local: optional(record<NonNullable<DinoConfig["local"]>>({ views: count, size: count, crop: cropShape })),
    head: record<DinoConfig["head"]>({ hidden: count, bottleneck: count, prototypes: count }),
    temperatures: record<DinoConfig["temperatures"]>({
      student: positive,
      teacher: record<DinoConfig["temperatures"]["teacher"]>({ start: positive, final: positive, warmup: share }),
    }),
    momentum: momentumShape,
  }, checkCrops),
  iwm: record<IwmConfig>({
    method: oneOf("iwm"),
    ...PARTS,
    architecture: record<Omit<IwmConfig["architecture"], "frames" | "tubelet" | "rotary">>({
      ...ENCODER_PARTS,
      predictor: record<IwmConfig["architecture"]["predictor"]>({
        ...PREDICTOR_PARTS,
        conditions: oneOf(TRANSFORMATION),
      }, checkWidth),
    }, checkEncoder),
    masks: maskShape,
    jitter: record<IwmConfig["jitter"]>({ brightness: belowOne, contrast: belowOne, saturation: belowOne }),
    regulariser: record<IwmConfig["regulariser"]>({ variance: fromZero, covariance: fromZero }),
    momentum: momentumShape,
  }, (config) => {
    partsOf(config);
    if (config.masks.sampler === "multiBlockAsPublished") {
      throw new RangeError(
        "An image world model takes masks of one length: masks.sampler is not multiBlockAsPublished.",
      );
    }
    maskSampler(config.masks, [gridOf(config), gridOf(config)]);
  }),
};

function checkCrops(config: LejepaConfig | VicregConfig | DinoConfig): void {
  partsOf(config);
  viewsOf(config);
}

/**
 * Holds that a configuration is one: that it has all the parts of its method's and no others, each of the right kind and
 * within its range, and that they fit each other.
 *
 * @param from the file that it is from, for the sentence
 * @throws RangeError in one sentence: of a name that is not known the nearest that is and those that there are; of a value
 *   where it stands, what it must be, and what it is
 */
export function checkConfig(config: unknown, from?: string): asserts config is MethodConfig {
  naming(from, () => {
    const { method = "ijepa" } = { ...config as Partial<MethodConfig> };
    oneOf(...Object.keys(SHAPES)).check(method, "method");
    checkShape(config, SHAPES[method]);
  });
}
