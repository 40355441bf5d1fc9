/**
 * Runs of camera models by name: each preset is a plain object that says everything about a run.
 *
 * @module
 */
import { presetNamed } from "../../preset_named.ts";
import type { CameraConfig } from "./camera_objective.ts";

/** Names of the presets of camera models. */
export type CameraPreset = "camera-scenes";

/** The presets by name. */
export const CAMERA_PRESETS: Readonly<Record<CameraPreset, CameraConfig>> = {
  /**
   * Drawn scenes of 32 pixels as weights/video sees them, 1,000 sequences of 4 pictures: 372 steps of 32,
   * which have not been run; a smaller run of 5 minutes is in weights/EXPERIMENTS.md.
   * `deno task pretrain --preset camera-scenes`
   */
  "camera-scenes": {
    method: "camera-scenes",
    encoder: "weights/video",
    scenes: { clips: 1000, frames: 4, objects: [2, 4] },
    predictor: { width: 96, depth: 4, heads: 4 },
    rollout: 2,
    batch: 32,
    epochs: 12,
    learningRate: { start: 1e-4, peak: 2e-3, final: 1e-6, warmup: 0.1 },
    weightDecay: { start: 0.04, final: 0.04 },
    clip: 3,
    precision: "auto",
    seed: 0,
  },
};

/** What each preset is, in a phrase. */
export const CAMERA_PHRASES: Readonly<Record<CameraPreset, string>> = {
  "camera-scenes": "what a turn of the camera does to drawn scenes, as weights/video sees them (V-JEPA 2-AC's kind)",
};

/**
 * The camera model's preset of that name.
 *
 * @throws RangeError that lists the names where there is none
 */
export const cameraPreset = (name: string): CameraConfig =>
  presetNamed(CAMERA_PRESETS, name, "preset of camera models");
