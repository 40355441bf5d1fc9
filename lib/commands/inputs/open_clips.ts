/**
 * Opens the clips that a command of videos is told, with a bar while scenes in motion are rendered the first time.
 *
 * @module
 */
import type { ClipDataset } from "../../datasets/clips/clips.ts";
import { openClipFolder } from "../../datasets/clips/clip_folder.ts";
import { loadMovingMnist } from "../../datasets/clips/moving_mnist.ts";
import { loadSceneClips, type SceneClips } from "../../datasets/clips/scene_clips.ts";
import { progressBar } from "../../figures/progress.ts";

/** Clips of scenes in motion to train on, and to test on; and frames of each, of which a window takes some. */
export const SCENE_CLIPS = { train: 2000, test: 300, frames: 16, seed: 0 } as const;

/** Clips of scenes in motion of `size` pixels, kept in data/clips. */
export async function openSceneClips(size: number, split: "train" | "test"): Promise<SceneClips> {
  const { frames, seed } = SCENE_CLIPS, clips = SCENE_CLIPS[split];
  const bar = progressBar({ label: `Rendering clips to ${split} on`, total: clips, unit: "clips" });
  try {
    return await loadSceneClips("data", { clips, frames, size, seed, split, onProgress: (done) => bar.update(done) });
  } finally {
    bar.stop();
  }
}

/** Clips of moving digits to train on, and to test on, and frames of each; the published test set has 10,000 of 20. */
const DIGIT_CLIPS = { train: 2000, test: 300, frames: 20 } as const;

/** The clips of a folder, or of scenes in motion or moving digits where that is what is asked for. */
export async function openClips(data: string, size: number, split: "train" | "test"): Promise<ClipDataset> {
  if (data === "scenes") return await openSceneClips(size, split);
  if (data !== "moving-mnist") return await openClipFolder(data);
  return await loadMovingMnist(split, { clips: DIGIT_CLIPS[split], frames: DIGIT_CLIPS.frames });
}
