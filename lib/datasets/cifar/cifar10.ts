/**
 * CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels in ten classes. Downloaded the
 * first time.
 *
 * @module
 */
import { join } from "node:path";
import { CIFAR10_SOURCES } from "./cifar10_sources.ts";
import type { Dataset } from "../dataset.ts";
import { loadKept } from "../kept_splits.ts";
import type { Progress, Source } from "../sources.ts";

/**
 * CIFAR-10 from `dir`/cifar10, which is made first if it is not there.
 *
 * @param dir the folder of data sets, usually "data"
 * @param options.onProgress is told how far the download has come, in bytes
 * @param options.sources where to download from, in the order to try
 * @throws Error if no source can be had, or what was kept is damaged; the message says what to do
 */
export async function loadCifar10(
  dir: string,
  options: { onProgress?: (progress: Progress) => void; sources?: readonly Source[] } = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const { sources = CIFAR10_SOURCES, onProgress } = options;
  return await loadKept({ title: "CIFAR-10", folder: join(dir, "cifar10"), name: "cifar10", sources }, onProgress);
}
