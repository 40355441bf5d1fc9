/**
 * Runs of V-JEPA by name: each preset is a plain object that says everything about a run.
 *
 * @module
 */
import { presetNamed } from "../preset_named.ts";
import type { CropRange } from "../datasets/dataset.ts";
import { type Architecture, architecture, type PredictorSize } from "../jepa/architectures.ts";
import type { RunConfig } from "../jepa/pretraining/presets.ts";
import type { Regulariser } from "../jepa/regulariser.ts";
import { PUBLISHED_MASKS, type Truncation, type VideoMask } from "./masks.ts";

/** Sizes of the networks of a run, and of its clips. */
export type VideoArchitecture = Omit<Architecture, "predictor"> & Required<Pick<Architecture, "frames" | "tubelet">> & {
  predictor: Omit<PredictorSize, "sharedContext" | "conditions"> & Required<Pick<PredictorSize, "maskTokens">>;
};

/** Everything that decides a run's result, besides the clips. */
export interface VjepaConfig extends
  Pick<
    RunConfig,
    | "patchInitialisation"
    | "residualRescale"
    | "batch"
    | "microBatch"
    | "epochs"
    | "learningRate"
    | "weightDecay"
    | "momentum"
    | "clip"
    | "precision"
    | "recompute"
    | "seed"
  > {
  /** Its name. */
  method: "vjepa";
  /** Sizes of the networks, and of clips: `frames` of `image` x `image` pixels in tubelets. */
  architecture: VideoArchitecture;
  /** Every how many-th frame of a video a clip takes. */
  every: number;
  /** The kinds of masks; each clip gets one of each a step, and all share the targets. */
  masks: readonly VideoMask[];
  /** How masks of different lengths become those of a batch. */
  truncation: Truncation;
  /** Weights of the terms that keep short runs from collapsing; zeros are the published objective. */
  regulariser: Pick<Regulariser, "variance" | "covariance">;
  /** Random resized crops, one for all frames of a clip. */
  crop: CropRange;
  /** Schedules end after so many times the run's steps, so that it stops before their end. Default 1. */
  scheduleScale?: number;
}

const SCENES: VideoArchitecture = {
  image: 32,
  patch: 4,
  frames: 8,
  tubelet: 2,
  width: 128,
  depth: 4,
  heads: 4,
  mlpRatio: 4,
  predictor: { width: 96, depth: 3, heads: 4, maskTokens: 1 },
};

/** Names of V-JEPA's presets. */
export type VjepaPreset = "vjepa-scenes" | "vjepa-l16";

/** The presets by name. */
export const VJEPA_PRESETS: Readonly<Record<VjepaPreset, VjepaConfig>> = {
  /**
   * Scenes in motion, drawn here: clips of 8 frames of 32 pixels in patches of 4, 256 tokens, so that a solid takes up
   * several. The only mask hides the second half of the clip: the predictor learns what comes next, which is what
   * surprise asks it for. The regulariser is on, as in the presets of images. 1,125 steps. `deno task pretrain-video`
   */
  "vjepa-scenes": {
    method: "vjepa",
    architecture: SCENES,
    every: 1,
    patchInitialisation: "xavier",
    masks: [{ blocks: 0, scale: [1, 1], contextTime: 0.5 }],
    truncation: "random",
    regulariser: { variance: 1, covariance: 0.04 },
    crop: { scale: [0.8, 1], aspect: [1, 1] },
    batch: 16,
    epochs: 9,
    learningRate: { start: 2e-4, peak: 2e-3, final: 1e-6, warmup: 0.1 },
    weightDecay: { start: 0.04, final: 0.04 },
    momentum: { start: 0.99, final: 1 },
    clip: 3,
    precision: "auto",
    recompute: false,
    seed: 0,
  },

  /**
   * The authors' ViT-L/16 on VideoMix2M (Bardes et al. 2024, table 1; facebookresearch/jepa,
   * configs/pretrain/vitl16.yaml): 90,000 steps of 24 clips on each of 128 GPUs; that is 138 passes over 2 million
   * videos.
   */
  "vjepa-l16": {
    method: "vjepa",
    architecture: {
      ...architecture("L/16"),
      frames: 16,
      tubelet: 2,
      predictor: { width: 384, depth: 12, heads: 16, maskTokens: 2 },
    },
    every: 4,
    patchInitialisation: "normal",
    masks: PUBLISHED_MASKS,
    truncation: "raster",
    regulariser: { variance: 0, covariance: 0 },
    crop: { scale: [0.3, 1], aspect: [0.75, 1.35], interpolation: "bilinear" },
    batch: 3072,
    microBatch: 24,
    epochs: 138,
    learningRate: { start: 2e-4, peak: 6.25e-4, final: 1e-6, warmup: 40 / 375 },
    weightDecay: { start: 0.04, final: 0.4 },
    momentum: { start: 0.998, final: 1 },
    scheduleScale: 1.25,
    clip: 10,
    precision: "bfloat16",
    recompute: true,
    seed: 0,
  },
};

/** What each is, in a phrase. */
export const VJEPA_PHRASES: Readonly<Record<VjepaPreset, string>> = {
  "vjepa-scenes": "drawn scenes in motion, clips of 8 frames of 32 pixels",
  "vjepa-l16": "the authors' ViT-L/16, on GPUs",
};

/**
 * V-JEPA's preset of that name.
 *
 * @throws RangeError that lists the names where there is none
 */
export const videoPreset = (name: string): VjepaConfig => presetNamed(VJEPA_PRESETS, name, "preset of clips");
