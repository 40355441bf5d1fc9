/**
 * Opens the data set that a command is told, with a bar for what has to be downloaded or indexed first, and a line that
 * says what a folder was taken for.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import type { Dataset } from "../../datasets/dataset.ts";
import { type Layout, LAYOUTS, some } from "../../datasets/folders/layout.ts";
import { openDataset } from "../../datasets/open_dataset.ts";
import { publishedFiles } from "../../datasets/published/open_published.ts";
import type { ImageReading } from "../../datasets/pixels/cut_image.ts";
import { differingClasses } from "../../evaluation/requirements.ts";
import { readRunSource } from "../../training/runs/run_folder.ts";
import { barsInTurn } from "../terminal/bars.ts";
import { oneOf } from "../terminal/flags.ts";
import { CACHE_FLAGS, type CacheFlags, keepImages, keptBy } from "./keep_images.ts";

/** The flags of a command that opens images, for parseArgs(). */
export const IMAGE_FLAGS = {
  "layout": { type: "string", values: LAYOUTS },
  "skip-bad-images": { type: "boolean", default: false },
  ...CACHE_FLAGS,
} as const;

/** What --help says of layouts. */
export const LAYOUT_HELP =
  "splits (train/ and test/ or val/), classes (each folder in it is one) or flat (images at any depth, without classes)";

/** What --help says of --skip-bad-images, where a data set is opened. */
export const SKIP_HELP = "puts others in the place of images that cannot be read, and says which, instead of stopping";

/** What --help says of published files as a data set. */
export const PUBLISHED_HELP =
  "parquet, or .tar shards of WebDataset, one, a folder, or 'a-{000..123}.tar'; or hf:owner/name, such files on the " +
  "Hugging Face hub";

/** Their values. */
export interface ImageFlags extends CacheFlags {
  layout?: string;
  "skip-bad-images": boolean;
}

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
  const isThere = async () => await Deno.stat(source).catch(() => undefined) ?? await publishedFiles(source);
  if (!isAbsolute(source) || await isThere().catch(() => undefined)) return source;
  throw new Error(
    `The images of the run in ${dir} were in ${source}, which is gone: say with --data where they are now.`,
  );
}

/** What --layout takes, or the sentence that says it. */
function layoutOf(text: string | undefined): Layout | undefined {
  return text === undefined ? undefined : oneOf("layout", text, LAYOUTS);
}

/**
 * The images to train on, and those to test on where there are some.
 *
 * @param data what openDataset() takes
 * @param side the shorter side that images need, at which --cache keeps them unless --cache-side says another
 * @param colours how files become pixels
 * @throws Error as openDataset() does
 */
export async function openImages(
  data: string,
  flags: ImageFlags,
  side: number,
  colours: ImageReading = "managed",
): Promise<{ train: Dataset; test?: Dataset }> {
  const layout = layoutOf(flags.layout), kept = keptBy(flags, side);
  if (kept && typeof colours === "number") {
    throw new Error("--cache keeps colours, and images of bands are read without.");
  }
  const { onProgress, stop } = barsInTurn(), onBadImage = flags["skip-bad-images"] ? "skip" : "stop";
  const { train, test } = await openDataset(data, { layout, colours, onBadImage, onProgress }).finally(stop);
  if (train.paths) console.log(describe(train, test));
  if (!kept) return { train, test };
  return { train: await keepImages(train, kept), test: test && await keepImages(test, kept) };
}

function classesOf({ labels, classes }: Dataset): string {
  if (labels.includes(-1)) return "without classes";
  return classes.length === 1 ? `1 class (${classes[0]})` : `${classes.length} classes (${some(classes)})`;
}

/** What folders were taken for, in a line. */
export function describe(train: Dataset, test?: Dataset): string {
  const part = (dataset: Dataset, use: string) =>
    `${dataset.name} to ${use}: ${dataset.length} images, ${classesOf(dataset)}`;
  const parts = [part(train, "train on")];
  if (test) {
    const only = differingClasses(train, test);
    const differing = only.length === 0 ? "" : `, not the same ones (${some(only)} in one alone)`;
    parts.push(part(test, "test on") + differing);
  }
  const ignored = [...train.ignored ?? [], ...test?.ignored ?? []];
  if (ignored.length > 0) parts.push(`left out: ${ignored.length} other file(s) or folder(s), such as ${ignored[0]}`);
  return parts.join("; ") + ".";
}

/** Says what of some data sets could not be read and was skipped. */
export function reportSkipped(...datasets: Pick<Dataset, "name" | "skipped">[]): void {
  for (const { name, skipped = [] } of datasets) {
    if (skipped.length) {
      console.log(`${name}: ${skipped.length} image(s) could not be read and were skipped: ${skipped.join(", ")}`);
    }
  }
}
