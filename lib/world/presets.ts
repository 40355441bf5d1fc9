/**
 * Runs of world models by name: each preset is a plain object that says everything about a run.
 *
 * @module
 */
import type { WorldConfig } from "./objective.ts";

/** Names of the presets of world models. */
export type WorldPreset = "two-rooms-fixed" | "two-rooms" | "two-rooms-eb-jepa";

/**
 * One wall for all walks: 700 steps of 128 walks of 9 pictures, in 8 min beside other work on two cores of an Intel Xeon with
 * AMX (0.04 s of a core a step). weights/two-rooms-fixed is a run of it in bfloat16: at 58 % of 50 goals in the end, where a
 * straight line is at 20 %. `deno task pretrain --preset two-rooms-fixed`
 */
const FIXED: WorldConfig = {
  method: "two-rooms",
  rooms: { picture: 33, layout: "fixed", frames: 9, crossing: 0.15, sharing: 1 },
  networks: { hidden: [256, 256], width: 64, predictor: 256, inverse: 256 },
  horizon: 8,
  regulariser: { variance: 16, covariance: 2, smoothness: 24, lag: 1, inverseDynamics: 1 },
  batch: 128,
  episodes: 89_600,
  epochs: 1,
  learningRate: { start: 1e-4, peak: 3e-3, final: 1e-5, warmup: 0.05 },
  weightDecay: { start: 1e-5, final: 1e-5 },
  clip: 2,
  precision: "auto",
  seed: 0,
};

/** What each preset is, in a phrase. */
export const WORLD_PHRASES: Readonly<Record<WorldPreset, string>> = {
  "two-rooms-fixed":
    "a world model of two rooms with one wall for all walks, in minutes: what weights/two-rooms-fixed ships",
  "two-rooms": "a world model of two rooms with a wall that stands anew in each, in minutes on two cores",
  "two-rooms-eb-jepa": "the same as eb_jepa has it, in hours",
};

/** The presets by name. */
export const WORLD_PRESETS: Readonly<Record<WorldPreset, WorldConfig>> = {
  "two-rooms-fixed": FIXED,

  /**
   * Walls of each eight walks' own, four times as long: 2,800 steps, which have not been run; 400 of them planned no better than
   * a straight line (weights/EXPERIMENTS.md). `deno task pretrain --preset two-rooms`
   */
  "two-rooms": { ...FIXED, rooms: { ...FIXED.rooms, layout: "random", sharing: 8 }, epochs: 4 },

  /**
   * eb_jepa's own (examples/ac_video_jepa/cfgs/train.yaml): 3,120 steps of 384 episodes of 17 frames, 66 MFLOP a frame
   * forward, 4e15 FLOP in all, 5 to 6 h on two cores by estimate; not run here. It reports 97 % of the goals reached.
   */
  "two-rooms-eb-jepa": {
    method: "two-rooms",
    rooms: { picture: 65, layout: "random", frames: 17, crossing: 0.35, sharing: 1 },
    networks: { stacks: { channels: [16, 32, 32], blocks: 2 }, width: 512, inverse: 256 },
    horizon: 8,
    regulariser: { variance: 16, covariance: 8, smoothness: 12, lag: 1, inverseDynamics: 1 },
    batch: 384,
    episodes: 100_000,
    epochs: 12,
    learningRate: { start: 0, peak: 1e-3, final: 1e-5, warmup: 0.1 },
    weightDecay: { start: 1e-5, final: 1e-5 },
    clip: 2,
    precision: "bfloat16",
    seed: 0,
  },
};

/**
 * The world model's preset of that name.
 *
 * @throws RangeError that lists the names where there is none
 */
export function worldPreset(name: string): WorldConfig {
  if (Object.hasOwn(WORLD_PRESETS, name)) return WORLD_PRESETS[name as WorldPreset];
  throw new RangeError(
    `No preset of world models is called "${name}": there are ${Object.keys(WORLD_PRESETS).join(", ")}.`,
  );
}
