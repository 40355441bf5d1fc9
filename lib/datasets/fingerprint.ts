/**
 * What tells a data set's images from others, wherever they lie and whatever their folder is called: a run is bound to it,
 * and so are processes that train together.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import type { Dataset } from "./dataset.ts";

/** Images, as far as two data sets are compared. Hashes are sha256 in hexadecimal, in the order of the images. */
export interface Fingerprint {
  /** Number of images. */
  images: number;
  /** Hash of the images' names from their folder, or in their archive, on; of images that are files. */
  names?: string;
  /** Hash of the files' sizes in bytes. */
  sizes?: string;
  /** Hash of all pixels; of images that are in memory. */
  pixels?: string;
  /** Hash of the images' places in a whole, which the others are then of; of a part of a data set. */
  places?: string;
  /** The shorter side in pixels to which images that were larger are kept shrunk; of images that packDataset() keeps. */
  packed?: number;
}

/** Files asked for their sizes at once: ImageNet's 1,281,167 take 15 s where the disk answers at once. */
const STATS = 256;
/** Bytes hashed at once. */
const HASH_BYTES = 1 << 28;

function update(hash: Hash, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
  for (let done = 0; done < byteLength; done += HASH_BYTES) {
    hash.update(new Uint8Array(buffer, byteOffset + done, Math.min(HASH_BYTES, byteLength - done)));
  }
}

/** A data set's fingerprint; of one that has none, its number of images. */
export async function fingerprintOf({ length, fingerprint }: Pick<Dataset, "length" | "fingerprint">): Promise<
  Fingerprint
> {
  return await fingerprint?.() ?? { images: length };
}

/**
 * Of files, without reading them.
 *
 * @param nameOf the i-th file's name, no matter where its folder is
 * @param bytesOf its size; left out where nobody knows
 */
export async function fileFingerprint(
  images: number,
  nameOf: (i: number) => string,
  bytesOf?: (i: number) => number | Promise<number>,
): Promise<Fingerprint> {
  const names = createHash("sha256"), sizes = createHash("sha256");
  for (let i = 0; i < images; i += STATS) {
    const some = Array.from({ length: Math.min(STATS, images - i) }, (_, k) => i + k);
    names.update(some.map((i) => `${nameOf(i)}\0`).join(""));
    if (bytesOf) sizes.update((await Promise.all(some.map(bytesOf))).map((bytes) => `${bytes}\0`).join(""));
  }
  return { images, names: names.digest("hex"), ...(bytesOf && { sizes: sizes.digest("hex") }) };
}

/** Of images in memory. */
export function pixelFingerprint(images: number, pixels: Uint8Array): Fingerprint {
  const hash = createHash("sha256");
  update(hash, pixels);
  return { images, pixels: hash.digest("hex") };
}

/** Of some images of a whole, in their order. */
export function partFingerprint(whole: Fingerprint, places: Uint32Array): Fingerprint {
  const hash = createHash("sha256");
  if (whole.places) hash.update(whole.places);
  update(hash, places);
  return { ...whole, images: places.length, places: hash.digest("hex") };
}

/** What differs between the images of a run and others, as the end of a sentence; undefined where they are the same. */
export function differenceOf(run: Fingerprint, other: Fingerprint): string | undefined {
  if (run.images !== other.images) return `there are ${other.images}, where the run has ${run.images}`;
  if (run.places !== other.places) return "they are another part of a data set";
  if (run.names !== other.names) return "as many, but other names in their folder";
  if (run.sizes !== other.sizes) return "the same names, but not the same sizes in bytes";
  if (run.packed !== other.packed) {
    return `the same ones, but ${packedText(other)}, where the run's are ${packedText(run)}`;
  }
  return run.pixels === other.pixels ? undefined : "as many, but other pixels";
}

const packedText = ({ packed }: Fingerprint) =>
  packed === undefined ? "read from their files" : `kept with a shorter side of ${packed} pixels (--cache)`;
