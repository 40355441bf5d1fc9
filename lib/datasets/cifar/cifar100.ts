/**
 * CIFAR-100 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels in a hundred classes, the "fine"
 * ones; of no use here are the 20 "coarse" ones. No package registry is known to have it, so it comes from its authors
 * alone, or from the user's hand.
 *
 * @module
 */
import { join } from "node:path";
import { decodeRecords, fileOf } from "./cifar_records.ts";
import type { Dataset } from "../dataset.ts";
import { loadKept } from "../kept_splits.ts";
import type { Progress, Source, Splits } from "../sources.ts";

/** The authors' binary archive. */
export const CIFAR100_SOURCES: readonly Source[] = [
  {
    spec: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    archive: "cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    // The md5 that the authors publish, 03b5dce01913d631647c71ecec9e9cb8.
    integrity: "md5-A7Xc4BkT1jFkfHHs7J6cuA==",
    unpacked: { folder: "cifar-100-binary", files: ["train.bin", "test.bin", "fine_label_names.txt"] },
    decode: decodeCifar100,
  },
];

/**
 * CIFAR-100 from `dir`/cifar100, which is made first if it is not there: from cifar-100-binary.tar.gz in it, from that
 * archive's train.bin, test.bin and fine_label_names.txt in it, or else downloaded.
 *
 * @param dir the folder of data sets, usually "data"
 * @param options.onProgress is told how far the download has come, in bytes
 * @param options.sources where to download from, in the order to try
 * @throws Error if no source can be had, or what was kept is damaged; the message says which file to put where
 */
export async function loadCifar100(
  dir: string,
  options: { onProgress?: (progress: Progress) => void; sources?: readonly Source[] } = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const { sources = CIFAR100_SOURCES, onProgress } = options;
  return await loadKept({ title: "CIFAR-100", folder: join(dir, "cifar100"), name: "cifar100", sources }, onProgress);
}

/** train.bin and test.bin, of records with a byte for the coarse and one for the fine label; and the fine ones' names. */
// deno-lint-ignore require-await -- async, as every source's
export async function decodeCifar100(files: Map<string, Uint8Array>): Promise<Splits> {
  const names = "fine_label_names.txt";
  const classes = new TextDecoder().decode(fileOf(files, names)).split("\n").map((line) => line.trim()).filter(Boolean);
  if (new Set(classes).size !== 100) throw new Error(`${names} holds ${new Set(classes).size} names, not 100`);
  const split = (name: string) => decodeRecords(files, [name], 2, classes.length);
  return { train: split("train.bin"), test: split("test.bin"), classes };
}
