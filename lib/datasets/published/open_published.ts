/**
 * Data sets as they are published, in parquet files or WebDataset's shards: a file, a pattern of names, or a folder.
 *
 * @module
 */
import { basename } from "node:path";
import { readFolder } from "../folders/folder_tree.ts";
import { imageFiles, type ReadOptions } from "../folders/image_files.ts";
import type { Dataset } from "../dataset.ts";
import { endingsOf, type ImageReading } from "../pixels/cut_image.ts";
import type { Progress } from "../sources.ts";
import { expandBraces, filesBySplit } from "./file_names.ts";
import { parquetRows } from "./parquet.ts";
import { classesOf, listOf, type Rows } from "./rows.ts";
import { shardRows } from "./shards.ts";

/** Folders in a folder that are looked into for files: those of a data set are few, those of classes many. */
const FEW = 20;

const isPublished = (path: string) => /\.(parquet|tar)$/.test(path);

/**
 * The files that `spec` names, where it names parquet files or shards: itself, what a pattern stands for ("a-{000..123}.tar"),
 * or those in a folder and up to two below it.
 *
 * @param colours how files become pixels: a folder of such images is none of published files
 * @throws Error where a file of a pattern is missing
 */
export async function publishedFiles(spec: string, colours: ImageReading = "managed"): Promise<string[] | undefined> {
  if (!isPublished(spec)) {
    return (await Deno.stat(spec).catch(() => undefined))?.isDirectory
      ? await within(spec, endingsOf(colours))
      : undefined;
  }
  const files = expandBraces(spec);
  for (const file of files) {
    const info = await Deno.stat(file).catch(() => undefined);
    if (!info) {
      throw new Error(files.length === 1 ? `${file} is not there: is the path right?` : `${spec}: ${file} is missing.`);
    }
    if (info.isDirectory) return undefined;
  }
  return files;
}

async function within(dir: string, endings: readonly string[], depth = 0): Promise<string[] | undefined> {
  const { images, ignored, folders } = await readFolder(dir, [], endings);
  const own = ignored.filter((path) => isPublished(path) && !basename(path).startsWith("."));
  const parquet = own.filter((path) => path.endsWith(".parquet"));
  if (images.length > 0) return undefined;
  if (own.length > 0) return parquet.length > 0 ? parquet : own;
  if (depth === 2 || folders.length > FEW) return undefined;
  const found: string[] = [];
  for (const folder of folders) found.push(...await within(folder, endings, depth + 1) ?? []);
  return found.length > 0 ? found.sort() : undefined;
}

/**
 * Opens them; the images to train on and, where names tell of splits, to test on.
 *
 * @param cache the folder of what is worked out of them
 * @throws Error naming the file, and the row or sample, that cannot be read
 */
export async function openPublished(
  spec: string,
  files: readonly string[],
  { cache, onProgress, ...reading }: ReadOptions & { cache: string; onProgress?: (progress: Progress) => void },
): Promise<{ train: Dataset; test?: Dataset }> {
  const { train, tests, others } = filesBySplit(spec, files);
  const readAll = async (paths: readonly string[]) => {
    const parts: Rows[] = [];
    for (const path of paths) {
      parts.push(
        path.endsWith(".tar")
          ? await shardRows(path, cache, onProgress, reading.colours)
          : await parquetRows(path, cache, onProgress),
      );
    }
    return parts;
  };
  const own = await readAll(train), all: Rows[][] = [];
  for (const paths of tests) all.push(await readAll(paths));
  // Of a hub's test split the labels are often held back.
  const test =
    all.find((parts) => parts.every(({ labels }) => labels.every((label) => label !== null && label !== -1))) ??
      all[0];
  const classes = classesOf([...own, ...test ?? []]);
  const unused = tests.filter((_, i) => all[i] !== test).flat();
  const named = (split: string) => files.length === 1 ? spec : `${spec} ${split}`;
  return {
    train: imageFiles({ ...listOf(named("train"), own, classes), ignored: [...others, ...unused] }, reading),
    test: test && imageFiles(listOf(named("test"), test, classes), reading),
  };
}
