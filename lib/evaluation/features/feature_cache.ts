/**
 * Features kept on disk, so that a second probe of the same encoder on the same images takes seconds. Each file's name
 * is the sha256 of all that its features follow from; nothing has to be thrown away by hand when any of it changes, nor
 * when the files become many: those that were not asked for the longest make room for new ones.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { dirname, join } from "node:path";
import type { Dataset } from "../../datasets/dataset.ts";
import { defaultPreprocessing, type Framing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { readSafetensors, writeSafetensors } from "../../weights/formats/safetensors.ts";
import { featureShape } from "./feature_encoder.ts";
import { extractFeatures, type FeatureOptions, type Features, type TokenFeatures } from "./features.ts";
import { inChunks } from "../passes.ts";
import { makeFolder } from "../../write_file.ts";

/** How to extract features, and where to keep them. */
export interface CachedFeatureOptions extends FeatureOptions {
  /**
   * The folder of kept features, which hold 4 GiB at most: the ones not asked for the longest go, and features that alone
   * are more are not kept. Default "data/features".
   */
  dir?: string;
  /** Told, in a sentence, of a kept file that is damaged or that cannot be written. Default console.warn. */
  onNote?: (note: string) => void;
}

/** Raised when the same options come to give other features, so that files of before are no longer taken. */
const VERSION = 1;
/** Images of a set of files whose pixels go into the key besides all files' sizes and times. */
const SAMPLE = 64;
/** Bytes that all kept files have together at most. */
const LIMIT = 2 ** 32;
/** Names of kept files, and of those that are being written, or were when their program was killed. */
const KEPT = /^[0-9a-f]{40}\.safetensors$/, PARTIAL = /^[0-9a-f]{40}\.safetensors\.\d+(\.part)?$/;
/** Milliseconds after which nobody is writing a partial file any more: a day. */
const ABANDONED = 24 * 60 * 60 * 1000;
/** Bytes hashed, images decoded and files asked for at once. */
const HASH_BYTES = 1 << 28, HASH_IMAGES = 256, STATS = 256;

function update(hash: Hash, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
  for (let done = 0; done < byteLength; done += HASH_BYTES) {
    hash.update(new Uint8Array(buffer, byteOffset + done, Math.min(HASH_BYTES, byteLength - done)));
  }
}

function digest(...parts: ArrayBufferView[]): string {
  const hash = createHash("sha256");
  for (const part of parts) update(hash, part);
  return hash.digest("hex");
}

/** sha256 of the parameters' names, shapes and values, in any order. */
async function weightsDigest(encoder: Parameters): Promise<string> {
  const hash = createHash("sha256");
  for (const name of Object.keys(encoder).sort()) {
    hash.update(JSON.stringify([name, encoder[name].shape, encoder[name].dtype]));
    update(hash, await encoder[name].data());
  }
  return hash.digest("hex");
}

/** Size and time of a file; of an archive's member, whose path goes on behind the archive's, those of the archive. */
async function fileState(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info) return `${info.size} ${info.mtime?.getTime()}`;
  const above = dirname(path);
  return above === path ? "missing" : await fileState(above);
}

/**
 * sha256 of what the images are. Of files: their paths, sizes and times, and the pixels of some, which tells apart what
 * these do not; else the pixels of all, which takes seconds where images are in memory.
 */
async function imagesDigest(dataset: Dataset, framing: Framing): Promise<string> {
  const { length, labels, paths } = dataset;
  const hash = createHash("sha256");
  hash.update(`${length} `);
  update(hash, labels);
  for (let start = 0; start < (paths?.length ?? 0); start += STATS) {
    const some = paths!.slice(start, start + STATS);
    hash.update(JSON.stringify(await Promise.all(some.map(async (path) => [path, await fileState(path)]))));
  }
  const count = paths ? Math.min(SAMPLE, length) : length;
  const places = Uint32Array.from({ length: count }, (_, i) => Math.floor(i * length / count));
  for (const some of inChunks(places, HASH_IMAGES)) update(hash, (await dataset.centred(some, framing)).pixels);
  return hash.digest("hex");
}

/**
 * extractFeatures(), or what it gave before for the same weights, architecture, images, labels, preprocessing,
 * colours, layers, pooling and precision. Features among which others stand in for unreadable images are not kept.
 *
 * @throws as extractFeatures() does
 */
export function cachedFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options?: CachedFeatureOptions & { pool?: "mean" },
): Promise<Features>;
/** The same of features that are not pooled. */
export function cachedFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options: CachedFeatureOptions & { pool: "none" },
): Promise<TokenFeatures>;
export async function cachedFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options: CachedFeatureOptions = {},
): Promise<Features | TokenFeatures> {
  const { dir = "data/features", onNote = console.warn, ...rest } = options;
  const { layer = "last", pool = "mean", precision = "float32" } = rest;
  const { image, patch, width, depth, heads, mlpRatio, epsilon = 1e-6 } = size;
  const preprocessing = rest.preprocessing ?? defaultPreprocessing(size.image, size.channels);
  const { resize, crop, interpolation, mean, deviation } = preprocessing;
  const shape = [dataset.length, ...featureShape(size, rest)];
  const key = JSON.stringify({
    version: VERSION,
    weights: await weightsDigest(targetEncoder),
    size: { image, patch, width, depth, heads, mlpRatio, epsilon },
    images: await imagesDigest(dataset, preprocessing),
    preprocessing: { resize, crop, interpolation, mean, deviation },
    colours: dataset.colours,
    layer,
    pool,
    precision,
  });
  const path = join(dir, `${createHash("sha256").update(key).digest("hex").slice(0, 40)}.safetensors`);
  const kept = await readKept(path, key, shape, onNote);
  if (kept) {
    const now = new Date();
    await Deno.utime(path, now, now).catch(() => {}); // Of a folder that may only be read nothing is removed either.
    rest.onProgress?.(dataset.length);
    return kept;
  }
  const features: Features | TokenFeatures = await extractFeatures(targetEncoder, size, dataset, {
    ...rest,
    preprocessing,
  });
  if (!dataset.skipped?.length) {
    await keep(path, key, shape, dataset.name, features, onNote);
    await makeRoom(dir);
  }
  return features;
}

/** A kept file. */
export interface KeptFile {
  /** Where it is. */
  path: string;
  /** Its bytes. */
  size: number;
  /** When it was written or last read, in milliseconds. */
  used: number;
}

/** Those files that have to go so that the others have at most `limit` bytes together: the ones that were used the longest ago. */
export function surplusFiles(files: readonly KeptFile[], limit: number): KeptFile[] {
  const latestFirst = files.toSorted((a, b) => b.used - a.used);
  let bytes = 0;
  return latestFirst.filter(({ size }) => (bytes += size) > limit);
}

/** Files of such names in a folder. */
async function filesOf(dir: string, names: RegExp): Promise<KeptFile[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir)).catch(() => []);
  const paths = entries.filter(({ name, isFile }) => isFile && names.test(name)).map(({ name }) => join(dir, name));
  const infos = await Promise.all(paths.map((path) => Deno.stat(path).catch(() => undefined)));
  return paths.flatMap((path, i) => {
    const info = infos[i];
    return info ? [{ path, size: info.size, used: info.mtime?.getTime() ?? 0 }] : [];
  });
}

/**
 * Removes kept files beyond the limit, and what killed programs left. A file that another program is writing is neither
 * touched nor counted, for it may replace one that is; other files in the folder are somebody's.
 */
async function makeRoom(dir: string): Promise<void> {
  const surplus = surplusFiles(await filesOf(dir, KEPT), LIMIT), before = Date.now() - ABANDONED;
  const abandoned = (await filesOf(dir, PARTIAL)).filter(({ used }) => used < before);
  // Another program may have removed it, or may not let go of it: then the next one does.
  for (const { path } of [...surplus, ...abandoned]) await Deno.remove(path).catch(() => {});
}

async function readKept(
  path: string,
  key: string,
  shape: number[],
  onNote: (note: string) => void,
): Promise<Features | TokenFeatures | undefined> {
  if (!await Deno.stat(path).catch(() => undefined)) return undefined;
  try {
    const { tensors: { features, labels }, metadata } = await readSafetensors(path);
    if (
      metadata.key !== key || features?.dtype !== "F32" || labels?.dtype !== "I32" ||
      features.shape.join() !== shape.join() || labels.data.length !== shape[0] ||
      metadata.sha256 !== digest(features.data, labels.data)
    ) {
      throw new Error("it does not hold what it was written with");
    }
    const parts = {
      values: features.data as Float32Array<ArrayBuffer>,
      width: shape.at(-1)!,
      labels: labels.data,
    };
    return shape.length === 2 ? parts : { ...parts, tokens: shape[1] };
  } catch (error) {
    onNote(`The kept features in ${path} are damaged (${error instanceof Error ? error.message : error}): made anew.`);
    return undefined;
  }
}

/** Written beside and renamed, so that a file under its own name is whole, whoever else writes the same. */
async function keep(
  path: string,
  key: string,
  shape: number[],
  name: string,
  { values, labels }: Features | TokenFeatures,
  onNote: (note: string) => void,
): Promise<void> {
  const beside = `${path}.${Deno.pid}`;
  try {
    if (values.byteLength > LIMIT) throw new RangeError("they are more than the 4 GiB that it holds");
    await makeFolder(dirname(path));
    await writeSafetensors(beside, {
      features: { dtype: "F32", shape, data: values },
      labels: { dtype: "I32", shape: [labels.length], data: labels },
    }, { key, images: name, sha256: digest(values, labels) });
    await Deno.rename(beside, path);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    const { message, cause } = error as Error, reason = cause instanceof Error ? cause.message : message;
    onNote(`The features cannot be kept in ${path} (${reason}): the next evaluation extracts them again.`);
  }
}
