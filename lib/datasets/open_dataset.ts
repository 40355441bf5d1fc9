/**
 * The data sets by the names that commands take.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { loadCifar10 } from "./cifar/cifar10.ts";
import { loadCifar100 } from "./cifar/cifar100.ts";
import type { Dataset } from "./dataset.ts";
import type { BadImages, ImageFiles } from "./folders/image_files.ts";
import { openImageFolder } from "./folders/image_folder.ts";
import { isImageNet, openImageNet } from "./folders/imagenet.ts";
import type { Progress } from "./sources.ts";

/** How to open a data set. */
export interface OpenOptions extends BadImages {
  /** Where downloads, and what is worked out of the user's files, are kept. Default "data". */
  dir?: string;
  /** Is told how far a download, or the indexing of an archive, has come. */
  onProgress?: (progress: Progress) => void;
}

/**
 * A data set's images to train on, and those to test on where it has some. Both say as their `source` what opens them again.
 *
 * @param spec "cifar10", "cifar100", or a folder: ImageNet's (see openImageNet), one with train/ and test/ or val/ in it,
 *   or one of class folders or images to train on alone
 * @throws Error that says what is missing and what to do
 */
export async function openDataset(
  spec: string,
  options: OpenOptions = {},
): Promise<{ train: Dataset; test?: Dataset }> {
  const { train, test } = await openSplits(spec, options);
  const source = spec === "cifar10" || spec === "cifar100" ? spec : resolve(spec);
  return { train: Object.assign(train, { source }), test: test && Object.assign(test, { source }) };
}

async function openSplits(
  spec: string,
  { dir = "data", onProgress, ...bad }: OpenOptions,
): Promise<{ train: Dataset; test?: Dataset }> {
  if (spec === "cifar10") return await loadCifar10(dir, { onProgress });
  if (spec === "cifar100") return await loadCifar100(dir, { onProgress });
  if (!await isFolder(spec)) {
    throw new Error(`"${spec}" is neither a data set's name (cifar10, cifar100) nor a folder: is the path right?`);
  }
  if (await isImageNet(spec)) {
    const { train, val } = await openImageNet(spec, { cache: join(dir, "imagenet"), onProgress, ...bad });
    if (!train) {
      throw new Error(`${spec} has ImageNet's validation images, but neither train/ nor its archive beside them.`);
    }
    return { train, test: val };
  }
  if (!await isFolder(join(spec, "train"))) return { train: await openImageFolder(spec, bad) };
  return { train: await openImageFolder(join(spec, "train"), bad), test: await openTest(spec, bad) };
}

const isFolder = async (path: string) => (await Deno.stat(path).catch(() => undefined))?.isDirectory ?? false;

/** test/ or else val/; but val/ where it has classes and test/, as often, has none. */
async function openTest(dir: string, bad: BadImages): Promise<ImageFiles | undefined> {
  const present: ImageFiles[] = [];
  for (const name of ["test", "val"]) {
    if (await isFolder(join(dir, name))) present.push(await openImageFolder(join(dir, name), bad));
  }
  return present.find(({ labels }) => !labels.includes(-1)) ?? present[0];
}
