/**
 * Image files as a data set: each is read, decoded and cut when it is asked for.
 *
 * @module
 */
import type { Cut } from "../pixels/crop.ts";
import { cutBatches } from "../cut_batches.ts";
import type { CutImage, Dataset } from "../dataset.ts";
import { fileFingerprint, type Fingerprint } from "../fingerprint.ts";
import { channelsOf, cutImage, type ImageReading } from "../pixels/cut_image.ts";
import { reasonOf } from "../pixels/decode.ts";
import type { Place } from "../readers/readers.ts";
import type { Unreadable } from "./folder_tree.ts";

/** A data set of image files, in folders or in an archive. */
export interface ImageFiles extends Dataset {
  /** Each image's path, by index. */
  readonly paths: readonly string[];
  /** How they become pixels. */
  readonly colours: ImageReading;
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
  /** How they become pixels. Default "managed"; a number for images of so many channels, other than three. */
  colours?: ImageReading;
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
  /** Where these are on the disk, so that several threads can read them; without, this one reads them all. */
  placeOf?(index: number): Place;
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

/** The listed images as a Dataset. Nothing is read yet. */
export function imageFiles(
  { name, classes, labels, paths, ignored = [], unreadable = [], nameOf = (i) => paths[i], bytesOf, read, placeOf }:
    ImageList,
  { onBadImage = "stop", colours = "managed" }: ReadOptions = {},
): ImageFiles {
  const bad = new Set<number>(), channels = channelsOf(colours);

  async function cuts(index: number, wanted: (width: number, height: number) => readonly Cut[]): Promise<CutImage> {
    let reason = "all were tried before";
    for (let i = index; bad.size < paths.length; i = (i + 1) % paths.length) {
      if (!bad.has(i)) {
        try {
          return { cuts: await cutImage(await read(i), wanted, colours), label: labels[i], index: i };
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

  let known: Promise<Fingerprint> | undefined;
  return {
    name,
    length: paths.length,
    classes,
    labels,
    paths,
    colours,
    channels,
    ignored,
    fingerprint: () => known ??= fileFingerprint(paths.length, nameOf, bytesOf),
    get skipped() {
      return [...unreadable, ...[...bad].sort((a, b) => a - b).map((i) => paths[i])];
    },
    ...cutBatches({ name, length: paths.length, labels, cuts, channels }, placeOf && { placeOf, colours }),
    cuts,
  };
}
