/**
 * The data sets by the names that commands take.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { loadCifar10 } from "./cifar/cifar10.ts";
import { loadCifar100 } from "./cifar/cifar100.ts";
import type { Dataset } from "./dataset.ts";
import { holdsImage, readFolder } from "./folders/folder_tree.ts";
import { imageFiles, type ImageList, type ReadOptions } from "./folders/image_files.ts";
import { listImageFolder, openImageFolder } from "./folders/image_folder.ts";
import { isImageNet, openImageNet } from "./folders/imagenet.ts";
import { type Layout, splitsAmong } from "./folders/layout.ts";
import { endingsOf } from "./pixels/cut_image.ts";
import { fetchPublished } from "./published/hub_files.ts";
import { openPublished, publishedFiles } from "./published/open_published.ts";
import type { Progress } from "./sources.ts";

/** How to open a data set. */
export interface OpenOptions extends ReadOptions {
  /** Where downloads, and what is worked out of the user's files, are kept. Default "data". */
  dir?: string;
  /** How a folder is laid out, where that is in doubt. */
  layout?: Layout;
  /** Is told how far a download, or the indexing of an archive, has come. */
  onProgress?: (progress: Progress) => void;
}

/**
 * A data set's images to train on, and those to test on where it has some. Both say as their `source` what opens them again.
 *
 * @param spec "cifar10", "cifar100", or a folder: ImageNet's (see openImageNet), one with train/ and test/ or val/ in it
 *   (or Train/, training/, valid/, train2017/, ...), or one of class folders or images to train on alone; or published
 *   files: Hugging Face's parquet or WebDataset's .tar shards, one, a folder of them, or a pattern, "a-{000..123}.tar"; or
 *   "hf:owner/name", "hf:owner/name/folder@revision": such files of a data set on the Hugging Face hub
 * @throws Error that says what is missing and what to do; where it is in doubt what a folder is, how to say it
 */
export async function openDataset(
  spec: string,
  options: OpenOptions = {},
): Promise<{ train: Dataset; test?: Dataset }> {
  const { train, test } = await openSplits(spec, options);
  const source = ["cifar10", "cifar100"].includes(spec) || spec.startsWith("hf:") ? spec : resolve(spec);
  return { train: Object.assign(train, { source }), test: test && Object.assign(test, { source }) };
}

async function openSplits(
  spec: string,
  { dir = "data", layout, onProgress, ...reading }: OpenOptions,
): Promise<{ train: Dataset; test?: Dataset }> {
  if (spec === "cifar10") return await loadCifar10(dir, { onProgress });
  if (spec === "cifar100") return await loadCifar100(dir, { onProgress });
  if (spec.startsWith("hf:")) {
    const files = await fetchPublished(spec, onProgress);
    return await openPublished(spec, files, { cache: join(dir, "published"), onProgress, ...reading });
  }
  if (!await isFolder(spec)) {
    const files = await publishedFiles(spec);
    if (files) return await openPublished(spec, files, { cache: join(dir, "published"), onProgress, ...reading });
    throw new Error(
      `"${spec}" is neither a data set's name (cifar10, cifar100), nor a folder, nor a .parquet or .tar file: is the path ` +
        "right?",
    );
  }
  if (layout === undefined && await isImageNet(spec)) {
    const { train, val } = await openImageNet(spec, { cache: join(dir, "imagenet"), onProgress, ...reading });
    if (!train) {
      throw new Error(`${spec} has ImageNet's validation images, but neither train/ nor its archive beside them.`);
    }
    return { train, test: val };
  }
  const files = layout === undefined ? await publishedFiles(spec, reading.colours) : undefined;
  if (files) return await openPublished(spec, files, { cache: join(dir, "published"), onProgress, ...reading });
  if (layout === "classes" || layout === "flat") return { train: await openImageFolder(spec, { layout, ...reading }) };
  const endings = endingsOf(reading.colours ?? "managed");
  const top = await readFolder(spec, [], endings), names = top.folders.map((path) => basename(path));
  const hasImages = (name: string) => holdsImage(join(spec, name), top.chain, endings);
  const splits = await splitsAmong(spec, names, hasImages, layout === "splits");
  if (!splits) return { train: await openImageFolder(spec, reading) };
  const inside = { layout: layout && "classes" as const, ...reading };
  const open = (name: string) => listImageFolder(join(spec, name), inside, "splits");
  const train = await open(splits.train), test = await openTest(splits.tests, open);
  const unused = [...splits.others, ...splits.tests].map((name) => join(spec, name)).filter((path) =>
    path !== test?.name
  );
  const beside = [...unused, ...top.images, ...top.unreadable.map(({ path }) => path), ...top.ignored];
  return {
    train: imageFiles({ ...train, ignored: [...train.ignored ?? [], ...beside] }, reading),
    test: test && imageFiles(test, reading),
  };
}

const isFolder = async (path: string) => (await Deno.stat(path).catch(() => undefined))?.isDirectory ?? false;

/** The first of test/ and val/; but one that has classes where the first, as test/ often, has none. */
async function openTest(
  names: readonly string[],
  open: (name: string) => Promise<ImageList>,
): Promise<ImageList | undefined> {
  const present: ImageList[] = [];
  for (const name of names) present.push(await open(name));
  return present.find(({ labels }) => !labels.includes(-1)) ?? present[0];
}
