/**
 * Runs of world models by name: each preset is a plain object that says everything about a run.
 *
 * @module
 */
import type { WorldConfig } from "./objective.ts";

/** Names of the presets of world models. */
export type WorldPreset = "two-rooms" | "two-rooms-eb-jepa";

/** The presets by name. */
export const WORLD_PRESETS: Readonly<Record<WorldPreset, WorldConfig>> = {
  /**
   * Small: 2,000 steps of 128 walks of 9 pictures, 0.04 s of a core of an Intel Xeon with AMX each. States tell the place (R2
   * 0.99) after 300 of them; no run of it has planned better than a straight line yet: weights/EXPERIMENTS.md has what was
   * found. `deno task pretrain --preset two-rooms`
   */
  "two-rooms": {
    method: "two-rooms",
    rooms: { picture: 33, layout: "random", frames: 9, crossing: 0.15, sharing: 8 },
    networks: { hidden: [256, 256], width: 64, predictor: 256, inverse: 256 },
    horizon: 8,
    regulariser: { variance: 16, covariance: 2, smoothness: 24, inverseDynamics: 1 },
    batch: 128,
    episodes: 128_000,
    epochs: 2,
    learningRate: { start: 1e-4, peak: 3e-3, final: 1e-5, warmup: 0.05 },
    weightDecay: { start: 1e-5, final: 1e-5 },
    clip: 2,
    precision: "auto",
    seed: 0,
  },

  /**
   * eb_jepa's own (examples/ac_video_jepa/cfgs/train.yaml): 3,120 steps of 384 episodes of 17 frames, 66 MFLOP a frame
   * forward, 4e15 FLOP in all, 5 to 6 h on two cores by estimate; not run here. It reports 97 % of the goals reached.
   */
  "two-rooms-eb-jepa": {
    method: "two-rooms",
    rooms: { picture: 65, layout: "random", frames: 17, crossing: 0.35, sharing: 1 },
    networks: { stacks: { channels: [16, 32, 32], blocks: 2 }, width: 512, inverse: 256 },
    horizon: 8,
    regulariser: { variance: 16, covariance: 8, smoothness: 12, inverseDynamics: 1 },
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
