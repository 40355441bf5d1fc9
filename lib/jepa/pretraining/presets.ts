/**
 * Runs by name: each preset is a plain object that says everything about a run, and its comment says what it costs and
 * what it reaches. A run's folder keeps its configuration as config.json.
 *
 * @module
 */
import { presetNamed } from "../../preset_named.ts";
import type { CropRange } from "../../datasets/dataset.ts";
import type { ChannelStatistics } from "../../datasets/channel_statistics.ts";
import { type Architecture, architecture, type TargetKind } from "../architectures.ts";
import type { MaskConfig } from "../mask_samplers/by_name.ts";
import type { Regulariser } from "../regulariser.ts";
import type { PatchInitialisation } from "../../nn/initialisation.ts";
import type { PrecisionChoice } from "../../tensorflow/autocast.ts";

/** Everything that decides a run's result, besides the images. */
export interface RunConfig {
  /** I-JEPA, where nothing is said; lib/methods has others. */
  method?: "ijepa";
  /** Sizes of the networks and of the images. */
  architecture: Architecture;
  /**
   * The mean and deviation by which images are standardised, for each channel. Default ImageNet's of colours; of other
   * channels they are measured where a run begins, and its config.json has what they are.
   */
  standardise?: ChannelStatistics;
  /** How the patch embedding starts. */
  patchInitialisation: PatchInitialisation;
  /**
   * Whether the weights that end a residual branch start smaller the deeper they are: see initialise(). Default true, as by
   * the authors' model class; their runs, and so the published presets, start without.
   */
  residualRescale?: boolean;
  /** The mask sampler and its options. */
  masks: MaskConfig;
  /** What is predicted of the target blocks. Default "representations". */
  targets?: TargetKind;
  /** Weights of the terms that keep short runs from collapsing; zeros are the published objective. */
  regulariser: Regulariser;
  /** Random resized crops, the only augmentation. */
  crop: CropRange;
  /** Images a step. */
  batch: number;
  /**
   * Images whose gradients are computed at once, on one device; those of a step are added up. It divides the batch, and
   * is part of what decides the result, for masks and regulariser are each micro-batch's own. Default the whole batch.
   */
  microBatch?: number;
  /** Passes over the images; a fraction is fine. */
  epochs: number;
  /** Linear from `start` to `peak` over the first `warmup` share of the steps, then a cosine to `final`. */
  learningRate: { start: number; peak: number; final: number; warmup: number };
  /**
   * From `start` to `final`, on matrices only: along half a cosine, the default, as in the authors' code, or along a line, as
   * the paper says (appendix A.1).
   */
  weightDecay: { start: number; final: number; shape?: "cosine" | "linear" };
  /** Momentum of the target encoder's moving average: linear from `start` to `final`. */
  momentum: { start: number; final: number };
  /** Largest norm of all gradients together; larger ones are scaled down. */
  clip: number;
  /** What matrix products compute in; "auto" is decided where a run begins, and its config.json has what was. */
  precision: PrecisionChoice;
  /**
   * Whether the backward pass computes each block again instead of keeping what the forward pass computed in it: less
   * memory, more time, the same result. `deno task estimate` says what fits without.
   */
  recompute: boolean;
  /** Everything random follows from it. */
  seed: number;
}

/** Of the paper's recipe what small runs keep: schedules, masks and the bare objective. */
const RECIPE = {
  patchInitialisation: "normal",
  masks: { sampler: "multiBlockAsPublished" },
  regulariser: { variance: 0, covariance: 0, invariance: 0 },
  crop: { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] },
  weightDecay: { start: 0.04, final: 0.4 },
  momentum: { start: 0.996, final: 1 },
  clip: Infinity,
  precision: "auto",
  recompute: false,
  seed: 0,
} as const satisfies Partial<RunConfig>;

/** The paper's recipe (appendix A.1 and the authors' configurations), with crops and initial values as their runs had them. */
const PUBLISHED = {
  ...RECIPE,
  residualRescale: false,
  crop: { ...RECIPE.crop, interpolation: "bilinear" },
} as const satisfies Partial<RunConfig>;

const TINY: Architecture = {
  image: 32,
  patch: 4,
  width: 128,
  depth: 4,
  heads: 4,
  mlpRatio: 4,
  predictor: { width: 64, depth: 2, heads: 4 },
};

const SMALL: Architecture = { ...TINY, width: 192, depth: 6, heads: 6, predictor: { width: 96, depth: 2, heads: 4 } };

/** The recipe that learns in minutes to hours: the regulariser, lengths that stay the same, many small steps at a high rate. */
const SHORT = {
  ...RECIPE,
  patchInitialisation: "xavier",
  masks: { sampler: "multiBlock", contextLength: 20 },
  regulariser: { variance: 1, covariance: 0.04, invariance: 0 },
  batch: 128,
  learningRate: { start: 2e-4, peak: 2e-3, final: 1e-6, warmup: 0.1 },
  momentum: { start: 0.99, final: 1 },
  weightDecay: { start: 0.04, final: 0.04 },
  clip: 3,
} as const satisfies Partial<RunConfig>;

/** Names of the presets. */
export type JepaPreset =
  | "cifar10"
  | "cifar10-long"
  | "scenes"
  | "cifar10-bare"
  | "cifar10-ablations"
  | "cifar10-published"
  | "smoke"
  | "imagenet-b16"
  | "imagenet-l16"
  | "imagenet-h14"
  | "imagenet-h16-448"
  | "imagenet22k-h14"
  | "imagenet22k-g16";

/** The presets by name. */
export const PRESETS: Readonly<Record<JepaPreset, RunConfig>> = {
  /**
   * What `deno task pretrain` runs: a small encoder on CIFAR-10, minutes on two cores. The published objective alone stays at
   * its trivial solution for so few steps, so the variance and covariance terms are on, and the learning rate is high.
   * 390 steps in 1 min 30 s on an Intel Xeon with AMX: linear-fast 45.7, kNN 40.0, where random weights have 43.1 and 29.6.
   */
  "cifar10": {
    ...SHORT,
    architecture: TINY,
    epochs: 1,
  },

  /**
   * What weights/cifar10 ships: 2.7 million parameters, 7,810 steps, 1 h 42 min on two cores with AVX-512 BF16 that were
   * shared with other work. linear-fast 56.4, kNN 45.0, where random weights have 47.5 and 29.6.
   * `deno task pretrain --preset cifar10-long`
   */
  "cifar10-long": {
    ...SHORT,
    architecture: SMALL,
    regulariser: { ...SHORT.regulariser, invariance: 1 },
    epochs: 10,
  },

  /** What weights/scenes ships: scenes of 64 pixels, 468 steps, 4 min. `deno task pretrain --preset scenes` */
  "scenes": {
    ...SHORT,
    architecture: { ...SMALL, image: 64, patch: 8 },
    epochs: 6,
  },

  /**
   * The bare published objective, its schedules and moving average, at the size of `cifar10-long`, with masks of one length
   * that prefer no side: it does learn. In 2,200 of its 11,700 steps, which is as far as it was run, kNN rose from 25 to 34 %
   * and a linear probe from 30 to 45 %, as the monitor measures them; where it ends has not been seen.
   * `deno task pretrain --preset cifar10-bare`: some two hours on two idle cores with AVX-512 BF16.
   */
  "cifar10-bare": {
    ...RECIPE,
    architecture: SMALL,
    patchInitialisation: "xavier",
    masks: { sampler: "multiBlock", contextLength: 20 },
    batch: 128,
    epochs: 30,
    learningRate: { start: 2e-4, peak: 1e-3, final: 1e-6, warmup: 0.1 },
  },

  /**
   * What `deno task reproduce` changes a part of at small scale (Tables 6 to 14): the bare objective on the encoder of
   * `cifar10`, long enough to leave its trivial solution. 1,560 steps in 11 min on one core of an Intel Xeon with AMX.
   */
  "cifar10-ablations": {
    ...RECIPE,
    architecture: TINY,
    patchInitialisation: "xavier",
    masks: { sampler: "multiBlock", contextLength: 20 },
    batch: 128,
    epochs: 4,
    learningRate: { start: 2e-4, peak: 1e-3, final: 1e-6, warmup: 0.1 },
    precision: "bfloat16",
  },

  /** The published recipe at CIFAR-10's size, to compare with: it needs far longer before it beats random weights. */
  "cifar10-published": {
    ...PUBLISHED,
    architecture: TINY,
    masks: { sampler: "multiBlockAsPublished", minKeep: 4 },
    batch: 128,
    epochs: 4,
    learningRate: { start: 2e-4, peak: 1e-3, final: 1e-6, warmup: 0.1 },
  },

  /** Under a minute on two cores, for tests, and so in float32 on any machine: too short to learn anything. */
  "smoke": {
    ...SHORT,
    architecture: { ...TINY, width: 32, depth: 2, heads: 2, predictor: { width: 16, depth: 1, heads: 2 } },
    epochs: 0.06,
    precision: "float32",
  },

  /** The paper's ViT-B/16 (72.9 % linear, Table 1): 600 epochs of ImageNet on GPUs. */
  "imagenet-b16": {
    ...PUBLISHED,
    architecture: architecture("B/16"),
    batch: 2048,
    microBatch: 128,
    epochs: 600,
    learningRate: { start: 1e-4, peak: 1e-3, final: 1e-6, warmup: 15 / 600 },
    precision: "bfloat16",
  },

  /** The paper's ViT-L/16 (77.5 % linear, Table 1): 600 epochs of ImageNet on GPUs. */
  "imagenet-l16": {
    ...PUBLISHED,
    architecture: architecture("L/16"),
    batch: 2048,
    microBatch: 128,
    epochs: 600,
    learningRate: { start: 1e-4, peak: 1e-3, final: 1e-6, warmup: 15 / 600 },
    precision: "bfloat16",
  },

  /** The authors' ViT-H/14 (79.3 % linear, Table 1): 300 epochs, under 1,200 A100 hours. */
  "imagenet-h14": {
    ...PUBLISHED,
    architecture: architecture("H/14"),
    batch: 2048,
    microBatch: 128,
    epochs: 300,
    learningRate: { start: 2e-4, peak: 1e-3, final: 1e-6, warmup: 40 / 300 },
    precision: "bfloat16",
    recompute: true, // 128 images a device do not fit into 80 GB without
  },

  /** The authors' ViT-H/16 on images of 448 pixels (81.1 % linear, Table 1): 300 epochs, 16 images a GPU. */
  "imagenet-h16-448": {
    ...PUBLISHED,
    architecture: architecture("H/16", { image: 448 }),
    batch: 2048,
    microBatch: 16,
    epochs: 300,
    learningRate: { start: 2e-4, peak: 1e-3, final: 1e-6, warmup: 40 / 300 },
    precision: "bfloat16",
  },

  /** The authors' ViT-H/14 on ImageNet-22k (Table 5): 66 epochs, 32 images a GPU. */
  "imagenet22k-h14": {
    ...PUBLISHED,
    architecture: architecture("H/14"),
    batch: 2048,
    microBatch: 32,
    epochs: 66,
    learningRate: { start: 1e-4, peak: 1e-3, final: 1e-6, warmup: 3 / 66 },
    precision: "bfloat16",
  },

  /** The authors' ViT-G/16 on ImageNet-22k (Table 5): 44 epochs, 16 images a GPU. */
  "imagenet22k-g16": {
    ...PUBLISHED,
    architecture: architecture("G/16"),
    batch: 2048,
    microBatch: 16,
    epochs: 44,
    learningRate: { start: 1e-4, peak: 1e-3, final: 1e-6, warmup: 3 / 44 },
    precision: "bfloat16",
  },
};

/**
 * The preset of that name.
 *
 * @throws RangeError that lists the names where there is none.
 */
export const preset = (name: string): RunConfig => presetNamed(PRESETS, name, "preset");
