/**
 * Opens the clips that a command of videos is told, with a bar while scenes in motion are rendered the first time.
 *
 * @module
 */
import type { ClipDataset } from "../../datasets/clips/clips.ts";
import { openClipFolder } from "../../datasets/clips/clip_folder.ts";
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

/** The clips of a folder, or of scenes in motion where that is what is asked for. */
export async function openClips(data: string, size: number, split: "train" | "test"): Promise<ClipDataset> {
  return data === "scenes" ? await openSceneClips(size, split) : await openClipFolder(data);
}
