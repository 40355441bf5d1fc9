/**
 * A part of a data set: the images that a list names, or some of each class drawn by a seed.
 *
 * @module
 */
import { basename } from "node:path";
import { readError } from "../os_error.ts";
import { randomStream, shuffled } from "../random.ts";
import type { Dataset } from "./dataset.ts";
import { fingerprintOf, partFingerprint } from "./fingerprint.ts";

/** Key of the draws' random streams; -1 is that of the masks, and those of the images' crops have the epoch there. */
const SUBSET_STREAM = -2;

/**
 * Draws as many images of each class; of more images a class, the same seed draws these and others.
 *
 * @param labels [N], each class by its number; what is drawn follows from them and the seed alone
 * @param perClass images of each class
 * @returns the drawn images' indices, rising: [classes * perClass]
 * @throws RangeError where an image has no label, or a class has fewer images
 */
export function drawPerClass(labels: Int32Array, perClass: number, seed: number): Uint32Array<ArrayBuffer> {
  if (!Number.isSafeInteger(perClass) || perClass < 1) {
    throw new RangeError(`A subset takes a whole number of images a class from 1 on; got ${perClass}.`);
  }
  const members = membersOf(labels);
  return draw(members, members.map(() => perClass), seed);
}

/**
 * Draws a share of all images, as evenly over the classes as they allow: 1 % of ImageNet's 1,281,167 are 12,812, which is
 * 12 or 13 of each class (SimCLR's list has 12,811). Which classes give one image more is drawn too; a class that has
 * fewer than its part gives all, and the others make up for it.
 *
 * @param labels [N], each class by its number
 * @param fraction the share, in (0, 1]
 * @returns the drawn images' indices, rising: [round(N * fraction)]
 * @throws RangeError where an image has no label, or the share is fewer images than there are classes
 */
export function drawFraction(labels: Int32Array, fraction: number, seed: number): Uint32Array<ArrayBuffer> {
  if (!(fraction > 0 && fraction <= 1)) throw new RangeError(`A subset's share must be in (0, 1]; got ${fraction}.`);
  const members = membersOf(labels), total = Math.round(fraction * labels.length);
  if (total < members.length) {
    throw new RangeError(
      `${
        100 * fraction
      } % of ${labels.length} images are ${total}, fewer than the ${members.length} classes: take more.`,
    );
  }
  const counts = members.map(() => 0), order = shuffled(members.length, randomStream(seed, SUBSET_STREAM));
  for (let left = total; left > 0;) {
    for (const label of order) {
      if (left > 0 && counts[label] < members[label].length) {
        counts[label]++;
        left--;
      }
    }
  }
  return draw(members, counts, seed);
}

/** The indices of each label's images: [classes][images of the class]. */
function membersOf(labels: Int32Array): number[][] {
  const members: number[][] = [];
  for (const [index, label] of labels.entries()) {
    if (label < 0) throw new RangeError(`Image ${index} has no label, so a subset of each class cannot be drawn.`);
    while (members.length <= label) members.push([]);
    members[label].push(index);
  }
  if (members.length === 0) throw new RangeError("There are no images to draw a subset from.");
  return members;
}

function draw(members: number[][], counts: number[], seed: number): Uint32Array<ArrayBuffer> {
  const drawn = members.flatMap((indices, label) => {
    if (indices.length < counts[label]) {
      throw new RangeError(
        `Class ${label} has ${indices.length} images, fewer than the ${counts[label]} that are to be drawn of it.`,
      );
    }
    const order = shuffled(indices.length, randomStream(seed, SUBSET_STREAM, label));
    return Array.from(order.subarray(0, counts[label]), (place) => indices[place]);
  });
  return Uint32Array.from(drawn).sort();
}

/**
 * Reads a list of file names, one a line, as SimCLR's 1percent.txt and 10percent.txt have them (n01440764_10043.JPEG),
 * and finds them among `paths` by the last part of each.
 *
 * @param listPath the list; empty lines are passed over, and folders before a name are no part of it
 * @param paths of the data set's images, by index
 * @returns the named images' indices, rising
 * @throws Error that counts and names what the list has twice, what the images lack, or what two of them are called
 */
export async function readSubset(listPath: string, paths: readonly string[]): Promise<Uint32Array<ArrayBuffer>> {
  const text = await Deno.readTextFile(listPath).catch((error) => {
    throw readError(`The list of images ${listPath}`, error);
  });
  const names = text.split("\n").map((line) => basename(line.trim())).filter((name) => name !== "");
  if (names.length === 0) throw new Error(`${listPath} names no image: it should have a file name on each line.`);
  const wanted = new Map(names.map((name) => [name, [] as number[]]));
  for (const [index, path] of paths.entries()) wanted.get(basename(path))?.push(index);

  const listed = new Set<string>();
  const twice = names.filter((name) => listed.has(name) || !listed.add(name));
  const among = (what: string, found: string[]) => {
    if (found.length === 0) return;
    const first = found.slice(0, 3).join(", ") + (found.length > 3 ? ", ..." : "");
    throw new Error(`${listPath}: of its ${names.length} names ${found.length} ${what} (${first}).`);
  };
  among("come more than once", twice);
  among(`are not among the ${paths.length} images`, names.filter((name) => wanted.get(name)!.length === 0));
  among("are names of more than one image", names.filter((name) => wanted.get(name)!.length > 1));
  return Uint32Array.from([...wanted.values()].flat()).sort();
}

/**
 * The images at `indices` as a data set of its own, in that order, with all classes of the whole. An image's crops are
 * those that it has in the whole.
 *
 * @throws RangeError where an index is not one of the whole, or comes twice
 */
export function subsetOf(dataset: Dataset, indices: Uint32Array): Dataset {
  const stray = indices.find((index) => index >= dataset.length);
  if (stray !== undefined) {
    throw new RangeError(`${dataset.name} has ${dataset.length} images; there is no image ${stray} for a subset.`);
  }
  if (new Set(indices).size < indices.length) throw new RangeError("A subset's indices must not come twice.");
  const own = indices.slice();
  const name = `${own.length} of ${dataset.name}`;
  const inWhole = (places: Uint32Array) =>
    places.map((place) => {
      if (place >= own.length) throw new RangeError(`${name} has ${own.length} images; there is no image ${place}.`);
      return own[place];
    });
  return {
    name,
    length: own.length,
    classes: dataset.classes,
    labels: Int32Array.from(own, (index) => dataset.labels[index]),
    colours: dataset.colours,
    paths: dataset.paths && Array.from(own, (index) => dataset.paths![index]),
    get skipped() {
      return dataset.skipped;
    },
    fingerprint: async () => partFingerprint(await fingerprintOf(dataset), own),
    async crops(places, size, crop, key) {
      return await dataset.crops(inWhole(places), size, crop, key);
    },
    views: dataset.views && (async (places, views) => await dataset.views!(inWhole(places), views)),
    async centred(places, framing) {
      return await dataset.centred(inWhole(places), framing);
    },
  };
}
