/**
 * Clips of scenes whose truth is known, and sets of possible and impossible ones, for a command that evaluates on them.
 *
 * @module
 */
import { loadSceneClips } from "../../datasets/clips/scene_clips.ts";
import { type Law, LAWS } from "../../datasets/scenes/violations.ts";
import type { ClipEvaluationData, KnownClips } from "../../evaluation/video/evaluate_clips.ts";
import { type MatchedSet, renderSets } from "../../evaluation/video/surprise.ts";
import { progressBar } from "../../figures/progress.ts";
import type { VideoArchitecture } from "../../video/presets.ts";

/** Not that of pretraining, so that no probe is fitted to clips that the encoder has seen. */
const SEED = 1;

/** How many clips to fit to, to measure on, and sets of each law. */
export interface KnownClipCounts {
  train: number;
  test: number;
  sets: number;
}

/** All clips of a split, from data/clips where they were rendered before. */
async function knownClips(
  { frames, image: size }: VideoArchitecture,
  split: "train" | "test",
  clips: number,
): Promise<KnownClips> {
  const bar = progressBar({ label: `Rendering clips to ${split} on`, total: clips, unit: "clips" });
  const options = { clips, frames, size, seed: SEED, split, onProgress: (done: number) => bar.update(done) };
  const opened = await loadSceneClips("data", options).finally(() => bar.stop());
  const bytes = frames * size * size * 3, pixels = new Uint8Array(clips * bytes);
  const places = Array.from({ length: frames }, (_, t) => t), indices = Array.from({ length: clips }, (_, i) => i);
  for (const index of indices) pixels.set((await opened.read(index, places)).pixels, index * bytes);
  return { pixels, truths: indices.map(opened.truth) };
}

/** What evaluateClips() takes, rendered in the sizes of an encoder. */
export async function openKnownClips(
  architecture: VideoArchitecture,
  counts: KnownClipCounts,
): Promise<ClipEvaluationData> {
  const train = await knownClips(architecture, "train", counts.train);
  const test = await knownClips(architecture, "test", counts.test);
  const bar = progressBar({ label: "Rendering sets", total: LAWS.length * counts.sets, unit: "sets" });
  try {
    const sets = LAWS.map((law, done): [Law, MatchedSet[]] => {
      bar.update(done * counts.sets);
      return [law, renderSets(law, architecture, counts.sets, SEED)];
    });
    return { train, test, sets: Object.fromEntries(sets) as Record<Law, MatchedSet[]> };
  } finally {
    bar.stop();
  }
}
