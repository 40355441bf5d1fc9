/**
 * What is known of a data set's raw pixels and never changes, so that no run has to measure it again: of CIFAR-10, whose
 * 3,072 numbers an image take longer than an encoder's features. known_baselines_test.ts holds it to the images.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import type { EvaluationResult } from "./evaluate.ts";

/** Accuracies on CIFAR-10's 10,000 test images at 32 pixels, in percent, with seed 0. */
export const CIFAR10_PIXELS = {
  ...{ train: "CIFAR-10 train", trainImages: 50_000, test: "CIFAR-10 test", testImages: 10_000 },
  ...{ side: 32, seed: 0 },
  accuracies: { "knn": 45.93, "linear-fast": 41.52 },
  /** What the linear probe chose by held-out images. */
  weightDecay: 0.1,
} as const;

/** kNN's and the fast linear probe's numbers of raw pixels, where they are known of these images; else undefined. */
export function knownPixelResults(
  { train, test }: { train: Dataset; test: Dataset },
  side: number,
  seed: number,
): EvaluationResult[] | undefined {
  const own = CIFAR10_PIXELS;
  if (train.name !== own.train || train.length !== own.trainImages || side !== own.side) return undefined;
  if (test.name !== own.test || test.length !== own.testImages || seed !== own.seed) return undefined;
  return (["knn", "linear-fast"] as const).map((protocol) => ({
    ...{ protocol, measure: "accuracy", subject: "raw pixels", seed, seconds: 0 },
    ...{ score: own.accuracies[protocol], details: { known: "measured before" } },
  }));
}
