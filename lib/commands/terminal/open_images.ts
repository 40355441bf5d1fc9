/**
 * Opens the data set that a command is told, with a bar for what has to be downloaded or indexed first.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open_dataset.ts";
import type { ImageColours } from "../../datasets/pixels/decode.ts";
import { type ProgressBar, progressBar } from "../../figures/progress.ts";

/**
 * The images to train on, and those to test on where there are some.
 *
 * @param data what openDataset() takes
 * @param skipBad whether others stand in for images that cannot be read
 * @param colours how colours in files become pixels
 * @throws Error as openDataset() does
 */
export async function openImages(
  data: string,
  skipBad: boolean,
  colours: ImageColours = "managed",
): Promise<{ train: Dataset; test?: Dataset }> {
  let bar: ProgressBar | undefined, shown: string | undefined;
  try {
    return await openDataset(data, {
      onBadImage: skipBad ? "skip" : "stop",
      colours,
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
