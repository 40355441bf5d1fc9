/**
 * Image files as a data set: each is read, decoded and cut when it is asked for.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import { checkRange, checkSize, type Cut, randomResizedCrop, squareOf } from "../pixels/crop.ts";
import type { Batch, CropView, Dataset } from "../dataset.ts";
import { fileFingerprint, type Fingerprint } from "../fingerprint.ts";
import { decodeCuts, type ImageColours, reasonOf } from "../pixels/decode.ts";
import { centredCut, framingOf } from "../pixels/preprocessing.ts";
import type { Unreadable } from "./folder_tree.ts";

/** A data set of image files, in folders or in an archive. */
export interface ImageFiles extends Dataset {
  /** Each image's path, by index. */
  readonly paths: readonly string[];
  /** How their colours become pixels. */
  readonly colours: ImageColours;
  /**
   * What was found unreadable so far, only with onBadImage "skip": images that another one stood in for, after folders and
   * what has an image's name without being a file, which were left out.
   */
  readonly skipped: readonly string[];
  /** What lies beside them and is not in the set, as it is no image by the ending of its name, or hidden. */
  readonly ignored: readonly string[];
}

/** What to do about images that cannot be read. */
export interface BadImages {
  /**
   * "stop" (the default) throws an error that names the image; "skip" takes the next readable one in its place, with that
   * one's label, and notes the path in `skipped`.
   */
  onBadImage?: "stop" | "skip";
}

/** How image files are read. */
export interface ReadOptions extends BadImages {
  /** How their colours become pixels. Default "managed". */
  colours?: ImageColours;
}

/** What `imageFiles` is made of. */
export interface ImageList {
  /** For messages and tables. */
  name: string;
  /** Names of the classes, by label. */
  classes: readonly string[];
  /** [N], -1 where unknown. */
  labels: Int32Array;
  /** [N], for messages and lists. */
  paths: readonly string[];
  /** What lies beside them and is no image. Default none. */
  ignored?: readonly string[];
  /** What could not be read already, and is not among the paths. Default none. */
  unreadable?: readonly string[];
  /** The name of the image file at an index from its folder or archive on, by which it is known elsewhere. Default its path. */
  nameOf?(index: number): string;
  /** Its size in bytes, for the same; without, names alone tell the images from others. */
  bytesOf?(index: number): number | Promise<number>;
  /** The bytes of the image file at an index. */
  read(index: number): Promise<Uint8Array>;
}

/** That an image cannot be read. */
function unreadableError(path: string, what: string, cause?: unknown): Error {
  return new Error(`${path} cannot be read${what}: repair or remove it, or set onBadImage to "skip".`, { cause });
}

/**
 * Holds that there is nothing among what was found that cannot be read, unless that is to be skipped.
 *
 * @throws Error that names the first
 */
export function refuseUnreadable(
  unreadable: readonly Unreadable[],
  onBadImage: BadImages["onBadImage"] = "stop",
): void {
  if (onBadImage === "skip" || unreadable.length === 0) return;
  const [{ path, reason }] = unreadable, more = unreadable.length - 1;
  throw unreadableError(path, ` (${reason}${more > 0 ? `; ${more} more cannot either` : ""})`);
}

/** Images that are read and decoded at the same time. */
const IN_FLIGHT = Math.max(8, navigator.hardwareConcurrency);

/** The listed images as a Dataset. Nothing is read yet. */
export function imageFiles(
  { name, classes, labels, paths, ignored = [], unreadable = [], nameOf = (i) => paths[i], bytesOf, read }: ImageList,
  { onBadImage = "stop", colours = "managed" }: ReadOptions = {},
): ImageFiles {
  const bad = new Set<number>();

  /** The cuts of the image at `index`, or of the next readable one, and its label. */
  async function cutsOf(index: number, wanted: (width: number, height: number) => readonly Cut[]) {
    let reason = "all were tried before";
    for (let i = index; bad.size < paths.length; i = (i + 1) % paths.length) {
      if (!bad.has(i)) {
        try {
          return { cuts: await decodeCuts(await read(i), wanted, colours), label: labels[i] };
        } catch (error) {
          reason = reasonOf(error);
          if (onBadImage === "stop") {
            throw unreadableError(paths[i], ` as an image (${reason})`, error);
          }
          bad.add(i);
        }
      }
    }
    throw new Error(`Not one of the ${paths.length} images of ${name} can be read (${reason}).`);
  }

  /** A batch of each of some squares of the images, given their sizes; each image is decoded once. */
  async function squares(
    indices: Uint32Array,
    sizes: readonly number[],
    wanted: (index: number, width: number, height: number) => readonly Cut[],
  ): Promise<Batch[]> {
    const labels = new Int32Array(indices.length), bytes = sizes.map((size) => size * size * 3);
    const pixels = bytes.map((square) => new Uint8Array(indices.length * square));
    await forEachInFlight(indices.length, async (i) => {
      const index = indices[i];
      if (index >= paths.length) {
        throw new RangeError(`${name} has ${paths.length} images; there is no image ${index}.`);
      }
      const { cuts, label } = await cutsOf(index, (w, h) => wanted(index, w, h));
      cuts.forEach((cut, view) => pixels[view].set(cut, i * bytes[view]));
      labels[i] = label;
    });
    return pixels.map((each) => ({ pixels: each, labels }));
  }

  async function views(indices: Uint32Array, crops: readonly CropView[]): Promise<Batch[]> {
    for (const { size, crop } of crops) {
      checkSize(size); // here, or it would be taken for a fault of the image, as the range would
      checkRange(crop);
    }
    return await squares(
      indices,
      crops.map(({ size }) => size),
      (i, w, h) =>
        crops.map(({ size, crop, key: { seed, epoch } }) =>
          squareOf(randomResizedCrop(w, h, crop, randomStream(seed, epoch, i)), size)
        ),
    );
  }

  let known: Promise<Fingerprint> | undefined;
  return {
    name,
    length: paths.length,
    classes,
    labels,
    paths,
    colours,
    ignored,
    fingerprint: () => known ??= fileFingerprint(paths.length, nameOf, bytesOf),
    get skipped() {
      return [...unreadable, ...[...bad].sort((a, b) => a - b).map((i) => paths[i])];
    },
    async crops(indices, size, crop, key) {
      return (await views(indices, [{ size, crop, key }]))[0];
    },
    views,
    async centred(indices, asked) {
      const framing = framingOf(asked);
      return (await squares(indices, [framing.crop], (_, w, h) => [centredCut(w, h, framing)]))[0];
    },
  };
}

/** Runs `task` for 0 .. n - 1, several at a time; after an error starts no more, waits for those under way, throws it. */
export async function forEachInFlight(n: number, task: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const errors: { i: number; error: unknown }[] = [];
  const worker = async () => {
    while (next < n && errors.length === 0) {
      const i = next++;
      await task(i).catch((error) => void errors.push({ i, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(n, IN_FLIGHT) }, worker));
  if (errors.length > 0) throw errors.sort((a, b) => a.i - b.i)[0].error;
}
