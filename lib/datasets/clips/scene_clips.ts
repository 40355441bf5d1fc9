/**
 * Scenes in motion as a data set of clips, kept on disk once they are rendered; what is true of a clip is worked out from its
 * seed again when it is asked for.
 *
 * @module
 */
import { type MotionOptions, type MovingScene, movingSceneOf } from "../scenes/moving_scene.ts";
import { renderScene } from "../scenes/render.ts";
import type { Scene } from "../scenes/scene.ts";
import type { ClipDataset } from "./clips.ts";
import { keptClips, renderClips } from "./kept_clips.ts";
import { memoryClips } from "./memory_clips.ts";

/** Which clips to draw. */
export interface SceneClipsOptions extends MotionOptions {
  /** How many. */
  clips: number;
  /** Width and height of the frames, in pixels. */
  size: number;
  /** All is drawn from it. Default 0. */
  seed?: number;
  /** Clips of "train" and "test" of one seed are drawn independently. Default "train". */
  split?: "train" | "test";
  /** Told how many clips are done. */
  onProgress?: (clips: number) => void;
}

/** Clips of scenes in motion. */
export interface SceneClips extends ClipDataset {
  /** What is true of a clip: every solid's place, velocity and depth in each frame, and when they meet. */
  truth(index: number): MovingScene;
}

/** Raised when the same options come to give other clips, so that files of before are no longer taken. */
const VERSION = 1;

/** Frames one after another, [T, size, size, 3]. */
export function renderFrames(frames: readonly Scene[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = size * size * 3, pixels = new Uint8Array(frames.length * bytes);
  frames.forEach((frame, t) => pixels.set(renderScene(frame, size), t * bytes));
  return pixels;
}

/** What is true of clip `index` of these options. */
const truthOf = ({ seed = 0, split = "train", ...options }: SceneClipsOptions, index: number): MovingScene =>
  movingSceneOf({ seed, split: split === "train" ? 0 : 1, index }, options);

/**
 * Draws and renders clips of scenes in motion, or takes what it rendered before from `dir`/clips. Clip i depends on (seed,
 * split, i), the other options and the size alone. 16 frames of 64 pixels take one core some 0.1 s, and 197 KB.
 *
 * @param dir the folder of data sets, usually "data"
 * @throws RangeError where so many solids have no room; Error where what was kept is damaged; the message says what to do
 */
export async function loadSceneClips(dir: string, options: SceneClipsOptions): Promise<SceneClips> {
  const { clips, frames, size, seed = 0, split = "train", objects = [2, 4], cameraMoves = false } = options;
  const camera = cameraMoves ? "-camera" : "", bytes = frames * size * size * 3;
  const stem = `${split}-seed${seed}-${objects.join("to")}objects${camera}-${clips}x${frames}x${size}px-v${VERSION}`;
  const pixels = await keptClips(dir, stem, () => {
    const render = (index: number) => renderFrames(truthOf(options, index).frames, size);
    return renderClips(clips, bytes, render, options.onProgress);
  });
  options.onProgress?.(clips);
  const name = `moving scenes ${split} (seed ${seed})`;
  return {
    ...memoryClips({ name, pixels, frames, height: size, width: size }),
    source: "scenes",
    truth: (index) => truthOf(options, index),
  };
}
