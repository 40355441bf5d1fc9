/**
 * Image files in any folders, without classes, in an order of their own: what is encoded rather than trained on.
 *
 * @module
 */
import { isAbsolute, join, relative } from "node:path";
import { readError } from "../../os_error.ts";
import type { Batch } from "../dataset.ts";
import { channelsOf, cutImage, emptyPixels, endingsOf, type ImageReading, type Pixels } from "../pixels/cut_image.ts";
import { reasonOf } from "../pixels/decode.ts";
import { kinds, readTree, type Unreadable } from "./folder_tree.ts";
import { forEachInFlight } from "../in_flight.ts";
import { type ReadOptions, refuseUnreadable } from "./image_files.ts";
import { centredCut, checkFraming, type Framing } from "../pixels/preprocessing.ts";

/** An image file. */
export interface ListedImage {
  /** What it is called in what is written of it. */
  name: string;
  /** Where it is. */
  path: string;
}

/** Images, and the names of those among them that could be read. */
export interface NamedBatch extends Pick<Batch, "pixels"> {
  /** [B], at most as many as were asked for at once. */
  names: string[];
  /** Images that this batch was made of, unreadable ones among them. */
  tried: number;
}

/**
 * All images in a folder and those below it, by the endings of their names, sorted by their paths from `dir`, which are
 * their names. Files and folders whose names begin with a dot are left out.
 *
 * @param options.onBadImage "stop" (the default) throws where a folder does not open or what has an image's name is no
 *   file; "skip" tells it in `unreadable`
 * @returns `ignored` are the paths of what else there is
 * @throws Error if a folder cannot be read, or there is no image
 */
export async function findImages(
  dir: string,
  { onBadImage, colours = "managed" }: ReadOptions = {},
): Promise<{ images: ListedImage[]; ignored: string[]; unreadable: Unreadable[] }> {
  const { images: paths, ignored, unreadable } = await readTree(dir, [], endingsOf(colours));
  refuseUnreadable(unreadable, onBadImage);
  const images = paths.map((path) => ({ name: relative(dir, path).replaceAll("\\", "/"), path }));
  if (images.length === 0) {
    throw new Error(`${dir} holds no image (${kinds(endingsOf(colours))}), nor do the folders in it.`);
  }
  return { images: images.sort((a, b) => a.name < b.name ? -1 : 1), ignored, unreadable };
}

/**
 * The images that a list names, one path a line, in its order; empty lines are passed over.
 *
 * @param dir the folder that the paths begin from; default the one that the program was started in
 * @throws Error naming the line of which there is no file
 */
export async function readImageList(list: string, dir = "."): Promise<ListedImage[]> {
  const text = await Deno.readTextFile(list).catch((error) => {
    throw readError(`The list of images ${list}`, error);
  });
  const lines = text.split(/\r?\n/);
  const places = [...lines.keys()].filter((i) => lines[i] !== "");
  if (places.length === 0) throw new Error(`${list} names no image: it should have a path on each line.`);
  const images = places.map((i) => ({ name: lines[i], path: isAbsolute(lines[i]) ? lines[i] : join(dir, lines[i]) }));
  await forEachInFlight(images.length, async (i) => {
    const info = await Deno.stat(images[i].path).catch(() => undefined);
    if (!info?.isFile) {
      throw new Error(`${list}, line ${places[i] + 1}: ${images[i].path} is ${info ? "no file" : "not there"}.`);
    }
  });
  return images;
}

/**
 * The images in batches, decoded and framed when they are asked for.
 *
 * @param options.onBadImage is told of an image that cannot be read, and why; it throws, or the image is left out
 */
export async function* namedBatches(
  images: readonly ListedImage[],
  options: {
    batch: number;
    framing: Framing;
    colours?: ImageReading;
    onBadImage: (image: ListedImage, reason: string) => void;
  },
): AsyncGenerator<NamedBatch, void, void> {
  const { batch, framing, colours = "managed", onBadImage } = options;
  checkFraming(framing);
  const channels = channelsOf(colours), length = framing.crop ** 2 * channels;
  for (let start = 0; start < images.length; start += batch) {
    const some = images.slice(start, start + batch);
    const squares: (Pixels | undefined)[] = [], faults: (string | undefined)[] = [];
    await forEachInFlight(some.length, async (i) => {
      try {
        const cutsOf = (width: number, height: number) => [centredCut(width, height, framing)];
        [squares[i]] = await cutImage(await Deno.readFile(some[i].path), cutsOf, colours);
      } catch (error) {
        faults[i] = reasonOf(error);
      }
    });
    some.forEach((image, i) => faults[i] !== undefined && onBadImage(image, faults[i]));
    const good = some.filter((_, i) => squares[i]);
    const pixels = emptyPixels(good.length * length, channels);
    squares.filter((square) => square !== undefined).forEach((square, i) => pixels.set(square, i * length));
    yield { pixels, names: good.map(({ name }) => name), tried: some.length };
  }
}
