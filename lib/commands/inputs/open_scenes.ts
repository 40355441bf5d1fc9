/**
 * Opens the built-in scenes for a command, with a bar while they are drawn the first time.
 *
 * @module
 */
import { loadScenes } from "../../datasets/scenes/load_scenes.ts";
import type { ScenesDataset } from "../../datasets/scenes/scenes.ts";
import { progressBar } from "../../figures/progress.ts";

/** Scenes of `size` pixels to train or fit probes on, and others to test on; kept in data/scenes. */
export async function openScenes(
  { train, test, size, seed }: { train: number; test: number; size: number; seed: number },
): Promise<{ train: ScenesDataset; test: ScenesDataset }> {
  const bar = progressBar({ label: "Drawing scenes", total: train + test, unit: "scenes" });
  const open = (images: number, split: "train" | "test", before: number) =>
    loadScenes("data", { images, size, seed, split, onProgress: (done) => bar.update(before + done) });
  try {
    return { train: await open(train, "train", 0), test: await open(test, "test", train) };
  } finally {
    bar.stop();
  }
}
