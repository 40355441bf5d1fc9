/**
 * --cache: the pixels of image files, kept on the disk.
 *
 * @module
 */
import type { CropRange, Dataset } from "../../datasets/dataset.ts";
import { packDataset } from "../../datasets/packed/pack_dataset.ts";
import type { Framing } from "../../datasets/pixels/preprocessing.ts";
import { type ProgressBar, progressBar } from "../../figures/progress.ts";
import { numberOf } from "../terminal/flags.ts";

/** For parseArgs(). */
export const CACHE_FLAGS = { "cache": { type: "string", values: "folder" }, "cache-side": { type: "string" } } as const;

/** Their values. */
export type CacheFlags = { [name in keyof typeof CACHE_FLAGS]?: string };

/** What --help says of them. */
export const CACHE_HELP = {
  "--cache DIR":
    `keeps the images' pixels there, decoded and shrunk, and reads them from there ever after: several times as
    fast, but crops of shrunk images have less detail (4 of 255 in the mean at a side of 256)`,
  "--cache-side N":
    `their shorter side in pixels, where it is longer (default what the command needs: for random crops their
    size / sqrt(least scale), else the images' size)`,
};

/** The shorter side that images have to have for random crops to lose little by being kept at it. */
export function sideForCrops(size: number, { scale: [least] }: CropRange): number {
  return Math.ceil(size / Math.sqrt(least));
}

/** The shorter side that images have to have to be framed. */
export const sideForFraming = ({ resize }: Framing): number => Math.max(...[resize].flat());

/** Where and how images are kept. */
export interface Kept {
  dir: string;
  side: number;
}

/**
 * What the flags ask for.
 *
 * @param side the images' shorter side unless they say another
 * @returns undefined where images are to be read from their files
 * @throws Error that says what a flag takes
 */
export function keptBy({ cache, "cache-side": given }: CacheFlags, side: number): Kept | undefined {
  const own = numberOf("cache-side", given, { integer: true, least: 1 });
  if (cache !== undefined) return { dir: cache, side: own ?? side };
  if (own !== undefined) throw new Error("--cache-side says how --cache DIR keeps images: add that.");
  return undefined;
}

/** The images as they are kept, which says where; with a bar while they are made. */
export async function keepImages(dataset: Dataset, kept: Kept): Promise<Dataset> {
  if (!dataset.cuts) {
    console.log(`${dataset.name}: its pixels are in memory already, and --cache is not needed.`);
    return dataset;
  }
  let bar: ProgressBar | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progressBar({ label: `Keeping ${dataset.name}`, total, unit: "images" });
    bar.update(done);
  };
  const packed = await packDataset(dataset, { ...kept, onProgress }).finally(() => bar?.stop());
  console.log(
    `${dataset.name}: read from ${kept.dir}, images with a longer shorter side shrunk to ${kept.side} pixels.`,
  );
  return packed;
}
