/**
 * Image files decoded once and kept as pixels, of which crops are then taken: for sets that are read many times.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeFolder, replaceFile, writing } from "../../write_file.ts";
import { cutBatches } from "../cut_batches.ts";
import type { Dataset } from "../dataset.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { forEachInFlight } from "../in_flight.ts";
import type { Cut } from "../pixels/crop.ts";
import { colourPixels } from "../pixels/cut_image.ts";
import { centredCut } from "../pixels/preprocessing.ts";
import { cutPacked } from "./cut_packed.ts";
import {
  appendImages,
  imagesIn,
  labelOf,
  type PackedImage,
  placeOf,
  readPacked,
  readTable,
  sourceOf,
} from "./packed_files.ts";

/** How images are kept. */
export interface PackOptions {
  /** The folder of all packed sets; this one has a folder of its own in it. */
  dir: string;
  /** Images with a longer shorter side are shrunk to this one, in pixels. */
  side: number;
  /** Is told how many images are there. */
  onProgress?: (done: number, total: number) => void;
}

/** Images written at a time, of which as many are lost where the making is cut off. */
const CHUNK = 64;
/** Of the files' layout. */
const FORMAT = 1;

/**
 * A data set of the same images whose pixels are kept in a folder: made the first time, which goes on where it was cut off,
 * and there from then on. What tells images from others (fingerprintOf()), their side and colours choose the folder; an image's
 * checksum is looked at whenever it is read.
 *
 * Images whose shorter side is longer than `side` are kept shrunk to it, bicubic, the longer side rounded down. The others'
 * crops have the bytes of those from files, and so have centred() squares for which the shorter side is resized to `side`,
 * bicubic. Other crops show the same region for the same seed, to the nearest pixel of the shrunk image: of pictures of
 * 500 x 375 pixels with strong details kept at 256, crops to 224 differ by 4 of 255 in the mean, and 40 at most. A side of
 * the crops' size / sqrt(their least scale) loses least. 1,000 photos at 256 take 260 MB.
 *
 * @param dataset of image files; another one has its pixels in memory, and is returned as it is
 * @throws RangeError where `side` is no whole number of pixels; Error naming an image that cannot be read, or the file that
 *   cannot be written, as where the disk is full: what was made stays and is gone on with
 */
export async function packDataset(dataset: Dataset, { dir, side, onProgress }: PackOptions): Promise<Dataset> {
  const { cuts } = dataset;
  if (!cuts) return dataset;
  if (!Number.isSafeInteger(side) || side < 1) throw new RangeError(`Images are kept by whole pixels; got ${side}.`);
  const fingerprint = await fingerprintOf(dataset);
  const about = { format: FORMAT, ...fingerprint, colours: dataset.colours, side };
  const folder = join(dir, createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 16));
  let table = await readTable(folder);
  if (imagesIn(table) < dataset.length) {
    await makeFolder(folder);
    const lockPath = join(folder, "lock");
    using lock = await writing(lockPath, () => Deno.open(lockPath, { create: true, write: true }));
    await lock.lock(true); // another process may be making it
    await replaceFile(join(folder, "about.json"), JSON.stringify({ name: dataset.name, ...about }, null, 2) + "\n");
    table = await readTable(folder);
    await appendImages(folder, table, packedFrom(cuts, imagesIn(table), dataset.length, side, onProgress));
    table = await readTable(folder);
  }

  const { paths, length, colours = "managed" } = dataset;
  const labels = Int32Array.from({ length }, (_, i) => labelOf(table, i));
  const replaced = Array.from({ length }, (_, i) => i).filter((i) => sourceOf(table, i) !== i);
  const at = (index: number) => placeOf(folder, table, index);
  const cutsOfPacked: NonNullable<Dataset["cuts"]> = async (index, wanted) => {
    const place = at(index), made = cutPacked(await readPacked(place), place.packed, wanted);
    if (!made) throw new Error(`${place.path} is damaged at image ${index}: delete ${folder} and it is made anew.`);
    return { cuts: made, label: labels[index], index: sourceOf(table, index) };
  };
  return {
    ...dataset,
    ...cutBatches({ name: dataset.name, length, labels, cuts: cutsOfPacked }, { placeOf: at, colours }),
    cuts: cutsOfPacked,
    get skipped() {
      return [...new Set([...dataset.skipped ?? [], ...replaced.map((i) => paths?.[i] ?? `image ${i}`)])];
    },
    fingerprint: () => Promise.resolve({ ...fingerprint, packed: side }),
  };
}

/** Images from `start` on, whole and shrunk, some at a time. */
async function* packedFrom(
  cuts: NonNullable<Dataset["cuts"]>,
  start: number,
  length: number,
  side: number,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<PackedImage[]> {
  for (let first = start; first < length; first += CHUNK) {
    const some: PackedImage[] = new Array(Math.min(CHUNK, length - first));
    await forEachInFlight(some.length, async (i) => {
      some[i] = await shrunk(cuts, first + i, side);
    });
    yield some;
    onProgress?.(first + some.length, length);
  }
}

async function shrunk(cuts: NonNullable<Dataset["cuts"]>, index: number, side: number): Promise<PackedImage> {
  let size = { width: 0, height: 0 }, whole: Cut | undefined;
  const { cuts: [pixels], label, index: source } = await cuts(index, (width, height) => {
    size = { width, height };
    const resize = Math.min(side, width, height);
    const cut = centredCut(width, height, { resize, crop: resize, interpolation: "bicubic" });
    return [whole = { ...cut, window: { x: 0, y: 0, width: cut.width, height: cut.height } }];
  });
  return {
    pixels: colourPixels(pixels),
    ...size,
    packedWidth: whole!.width,
    packedHeight: whole!.height,
    label,
    source,
  };
}
