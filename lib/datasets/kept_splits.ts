/**
 * A CIFAR data set on the disk: obtained once and kept as plain bytes, so that every later time it loads in a moment and
 * without a network.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Dataset } from "./dataset.ts";
import { memoryDataset } from "./memory.ts";
import { fetchSource, type Progress, type Source, type Splits } from "./sources.ts";
import { makeFolder, replaceFile } from "../write_file.ts";

/** What a data set is called and where it comes from. */
export interface KeptSet {
  /** For messages and tables, e.g. "CIFAR-10". */
  title: string;
  /** The folder that it is kept in; `name`.json in it is written last and vouches for the others by their sha256. */
  folder: string;
  /** Of that file. */
  name: string;
  /** In the order to try. */
  sources: readonly Source[];
}

/**
 * The data set from its folder, which is made first if it is not there: from an archive or its files that were put there
 * by hand, or else from the first source that answers.
 *
 * @throws Error if no source can be had, or what was kept is damaged; the message says what to do
 */
export async function loadKept(
  set: KeptSet,
  onProgress?: (progress: Progress) => void,
): Promise<{ train: Dataset; test: Dataset }> {
  const index = join(set.folder, `${set.name}.json`);
  let splits = await readKept(set.folder, index);
  if (!splits) {
    splits = await obtain(set, onProgress);
    await keep(set.folder, index, splits);
  }
  const { train, test, classes } = splits;
  const dataset = (name: string, { pixels, labels }: Splits["train"]) =>
    memoryDataset({ name, classes, pixels, width: 32, height: 32, labels: Int32Array.from(labels) });
  return { train: dataset(`${set.title} train`, train), test: dataset(`${set.title} test`, test) };
}

async function obtain(
  { title, folder, sources }: KeptSet,
  onProgress?: (progress: Progress) => void,
): Promise<Splits> {
  await makeFolder(folder);
  const report = (done: number, total: number) => onProgress?.({ label: `Downloading ${title}`, done, total });
  for (const source of sources) {
    const byHand = await Deno.realPath(join(folder, source.archive)).catch(() => undefined);
    if (byHand) return await fetchSource(source, byHand, report);
    const unpacked = await readUnpacked(folder, source) ??
      await readUnpacked(join(folder, source.unpacked?.folder ?? ""), source);
    if (unpacked) return unpacked;
  }
  const reasons: string[] = [];
  for (const source of sources) {
    try {
      return await fetchSource(source, source.spec, report);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `${title} is not in ${folder} and cannot be downloaded (${reasons.join("; ")}): with a network try again, or put ` +
      `${sources.map((source) => source.archive).join(" or ")} into ${folder} by hand.`,
  );
}

/** The source's files where they lie unpacked in `dir`; undefined where not one of them does. */
async function readUnpacked(dir: string, { unpacked, decode }: Source): Promise<Splits | undefined> {
  const files = new Map<string, Uint8Array>();
  for (const name of unpacked?.files ?? []) {
    try {
      files.set(name, await Deno.readFile(join(dir, name)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (files.size === 0) return undefined;
  try {
    return await decode(files);
  } catch (error) {
    throw new Error(`${dir}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function parts({ train, test }: Splits): [string, Uint8Array][] {
  return [
    ["train.images.u8", train.pixels],
    ["train.labels.u8", train.labels],
    ["test.images.u8", test.pixels],
    ["test.labels.u8", test.labels],
  ];
}

async function keep(folder: string, indexPath: string, splits: Splits): Promise<void> {
  const sha256: Record<string, string> = {};
  for (const [name, bytes] of parts(splits)) {
    await replaceFile(join(folder, name), bytes);
    sha256[name] = hash(bytes);
  }
  const index = { images: "[N, 32, 32, 3] bytes", classes: splits.classes, sha256 };
  await replaceFile(indexPath, JSON.stringify(index, null, 2) + "\n");
}

async function readKept(folder: string, indexPath: string): Promise<Splits | undefined> {
  let index: { classes: string[]; sha256: Record<string, string> };
  try {
    index = JSON.parse(await Deno.readTextFile(indexPath));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw damaged(indexPath, indexPath, error instanceof Error ? error.message : String(error));
  }
  async function read(name: string): Promise<Uint8Array> {
    const path = join(folder, name);
    const bytes = await Deno.readFile(path).catch((error) => {
      throw damaged(path, indexPath, error.message);
    });
    if (hash(bytes) !== index.sha256[name]) {
      throw damaged(path, indexPath, "its sha256 is not the one it was written with");
    }
    return bytes;
  }
  return {
    train: { pixels: await read("train.images.u8"), labels: await read("train.labels.u8") },
    test: { pixels: await read("test.images.u8"), labels: await read("test.labels.u8") },
    classes: index.classes,
  };
}

/** That a kept file is damaged, and what to do about it. */
export function damaged(path: string, indexPath: string, why: string): Error {
  return new Error(`${path} cannot be used (${why}): delete ${indexPath} and it is made anew.`);
}

/** sha256, in hexadecimal. */
export function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
