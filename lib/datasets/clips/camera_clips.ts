/**
 * Short sequences of pictures of still scenes whose camera is turned by known actions, kept on disk once they are rendered.
 *
 * @module
 */
import { type CameraWalk, cameraWalkOf, type CameraWalkOptions, cameraWayOf } from "../scenes/camera_walk.ts";
import { keptClips, renderClips } from "./kept_clips.ts";
import { renderFrames } from "./scene_clips.ts";

/** Which sequences to draw. */
export interface CameraClipsOptions extends CameraWalkOptions {
  /** How many, C. */
  clips: number;
  /** Width and height of the pictures, in pixels. */
  size: number;
  /** All is drawn from it. Default 0. */
  seed?: number;
  /** Sequences of "train" and "test" of one seed are drawn independently. Default "train". */
  split?: "train" | "test";
  /** Told how many sequences are done. */
  onProgress?: (clips: number) => void;
}

/** Sequences of pictures and the actions between them. */
export interface CameraClips {
  /** uint8 [C, T, size, size, 3] */
  pixels: Uint8Array<ArrayBuffer>;
  /** [C, T-1, 2]: azimuth and elevation, in degrees. */
  actions: Float32Array<ArrayBuffer>;
  /** The scene and the poses of a sequence. */
  truth(index: number): CameraWalk;
}

/** Raised when the same options come to give other sequences, so that files of before are no longer taken. */
const VERSION = 1;

/**
 * Draws and renders sequences, or takes what it rendered before from `dir`/clips. Sequence i depends on (seed, split, i), the
 * other options and the size alone.
 *
 * @param dir the folder of data sets, usually "data"
 * @throws RangeError where so many solids have no room; Error where what was kept is damaged; the message says what to do
 */
export async function loadCameraClips(dir: string, options: CameraClipsOptions): Promise<CameraClips> {
  const { clips, frames, size, seed = 0, split = "train", objects = [2, 4], onProgress } = options;
  const key = (index: number) => ({ seed, split: split === "train" ? 0 : 1, index });
  const truth = (index: number) => cameraWalkOf(key(index), { frames, objects });
  const name = `turned-${split}-seed${seed}-${objects.join("to")}objects-${clips}x${frames}x${size}px-v${VERSION}`;
  const render = (index: number) => renderFrames(truth(index).frames, size);
  const pixels = await keptClips(dir, name, () => renderClips(clips, frames * size * size * 3, render, onProgress));
  onProgress?.(clips);
  const actions = Array.from({ length: clips }, (_, index) => cameraWayOf(key(index), frames).actions.flat()).flat();
  return { pixels, actions: Float32Array.from(actions), truth };
}
