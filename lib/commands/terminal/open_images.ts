/**
 * Opens the data set that a command is told, with a bar for what has to be downloaded or indexed first.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import type { Dataset } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open_dataset.ts";
import { type ProgressBar, progressBar } from "../../figures/progress.ts";
import { readRunSource } from "../../training/run_folder.ts";

/**
 * What the run in a folder was started on, for openImages(), or "scenes".
 *
 * @throws Error where the run does not know, or its images have gone
 */
export async function dataOfRun(dir: string): Promise<string> {
  const source = await readRunSource(dir);
  if (source === undefined) {
    throw new Error(`${dir}/data.json does not say where the run's images are: say it with --data.`);
  }
  if (!isAbsolute(source) || await Deno.stat(source).catch(() => undefined)) return source;
  throw new Error(
    `The images of the run in ${dir} were in ${source}, which is gone: say with --data where they are now.`,
  );
}

/**
 * The images to train on, and those to test on where there are some.
 *
 * @param data what openDataset() takes
 * @param skipBad whether others stand in for images that cannot be read
 * @throws Error as openDataset() does
 */
export async function openImages(data: string, skipBad: boolean): Promise<{ train: Dataset; test?: Dataset }> {
  let bar: ProgressBar | undefined, shown: string | undefined;
  try {
    return await openDataset(data, {
      onBadImage: skipBad ? "skip" : "stop",
      onProgress: ({ label, done, total }) => {
        if (label !== shown) {
          bar?.stop();
          bar = progressBar({ label: shown = label, total, unit: "bytes" });
        }
        bar!.update(done);
      },
    });
  } finally {
    bar?.stop();
  }
}

/** Says which images could not be read, where others stood in. */
export function reportSkipped(train: Dataset, test?: Dataset): void {
  for (const { name, skipped = [] } of test ? [train, test] : [train]) {
    if (skipped.length) {
      console.log(`${name}: ${skipped.length} image(s) could not be read, others stood in: ${skipped.join(", ")}`);
    }
  }
}
