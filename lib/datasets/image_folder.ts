/**
 * A folder of images as a data set: one folder a class, or no classes and the images directly in it.
 *
 * @module
 */
import { basename, join } from "node:path";
import { randomStream } from "../random.ts";
import { checkRange, checkSize, type Cut, randomResizedCrop, squareOf } from "./crop.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { decodeCut, IMAGE_ENDINGS } from "./decode.ts";
import { centredCut, framingOf } from "./preprocessing.ts";

/** A data set of image files. */
export interface ImageFolder extends Dataset {
  /** Each image's path, by index, sorted within its class. */
  readonly paths: readonly string[];
  /** Files that are no images by the endings of their names, and hence are not in the set. */
  readonly ignored: readonly string[];
  /** Images found unreadable so far, sorted, which another one stood in for: only with onBadImage "skip". */
  readonly skipped: readonly string[];
}

/** Images that are read and decoded at the same time. */
const IN_FLIGHT = Math.max(8, navigator.hardwareConcurrency);

/**
 * The images in `dir`, at any depth below their class's folder; classes are sorted by name. A folder without class
 * folders is one class, "unlabelled", and its labels are -1. Files and folders whose names begin with a dot are no part
 * of it. Nothing is decoded yet.
 *
 * @param dir a folder of class folders, or a folder of images
 * @param options.onBadImage what to do about an image that cannot be read: "stop" (the default) throws an error that
 *   names it; "skip" takes the next readable one in its place, with that one's label, and notes the path in `skipped`
 * @throws Error if the folder cannot be read, holds no image, has a class without one, or mixes images and class folders
 */
export async function openImageFolder(
  dir: string,
  { onBadImage = "stop" }: { onBadImage?: "stop" | "skip" } = {},
): Promise<ImageFolder> {
  const { classes, paths, labels, ignored } = await listImages(dir);
  const bad = new Set<number>();

  /** The image at `index`, or the next readable one: its pixels and its label. */
  async function square(
    index: number,
    cutOf: (width: number, height: number) => Cut,
    shrinking: "exact" | "fast",
  ) {
    let reason = "all were tried before";
    for (let i = index; bad.size < paths.length; i = (i + 1) % paths.length) {
      if (!bad.has(i)) {
        try {
          return { pixels: await decodeCut(await Deno.readFile(paths[i]), cutOf, shrinking), label: labels[i] };
        } catch (error) {
          // sharp's reasons run over several lines, and repeat themselves.
          reason = [...new Set((error instanceof Error ? error.message : String(error)).split("\n"))].join(", ");
          if (onBadImage === "stop") {
            throw new Error(
              `${paths[i]} cannot be read as an image (${reason}): repair or remove it, or set onBadImage to "skip".`,
              { cause: error },
            );
          }
          bad.add(i);
        }
      }
    }
    throw new Error(`Not one of the ${paths.length} images in ${dir} can be read (${reason}).`);
  }

  async function cut(
    indices: Uint32Array,
    size: number,
    cutOf: (index: number, width: number, height: number) => Cut,
    shrinking: "exact" | "fast",
  ): Promise<Batch> {
    const bytes = size * size * 3;
    const out: Batch = { pixels: new Uint8Array(indices.length * bytes), labels: new Int32Array(indices.length) };
    await forEachInFlight(indices.length, async (i) => {
      const index = indices[i];
      if (index >= paths.length) throw new RangeError(`${dir} has ${paths.length} images; there is no image ${index}.`);
      const { pixels, label } = await square(index, (w, h) => cutOf(index, w, h), shrinking);
      out.pixels.set(pixels, i * bytes);
      out.labels[i] = label;
    });
    return out;
  }

  return {
    name: dir,
    length: paths.length,
    classes,
    labels,
    paths,
    ignored,
    get skipped() {
      return [...bad].sort((a, b) => a - b).map((i) => paths[i]);
    },
    async crops(indices, size, crop, { seed, epoch }) {
      checkSize(size); // here, or it would be taken for a fault of the image, as the range would
      checkRange(crop);
      const boxOf = (i: number, w: number, h: number) => randomResizedCrop(w, h, crop, randomStream(seed, epoch, i));
      return await cut(indices, size, (i, w, h) => squareOf(boxOf(i, w, h), size), "fast");
    },
    async centred(indices, asked) {
      const framing = framingOf(asked);
      return await cut(indices, framing.crop, (_, w, h) => centredCut(w, h, framing), "exact");
    },
  };
}

/** Runs `task` for 0 .. n - 1, several at a time; after an error starts no more, waits for those under way, throws it. */
async function forEachInFlight(n: number, task: (i: number) => Promise<void>): Promise<void> {
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

async function listImages(dir: string) {
  const top = await readFolder(dir);
  const loose = top.files.filter(isImage);
  const ignored = top.files.filter((path) => !isImage(path));
  if (top.folders.length > 0 && loose.length > 0) {
    throw new Error(
      `${dir} holds both class folders and ${loose.length} images of no class (${loose[0]}): move those into a class.`,
    );
  }
  if (top.folders.length === 0) {
    if (loose.length === 0) throw new Error(`${dir} holds no image: expected class folders, or ${kinds()} files.`);
    return { classes: ["unlabelled"], paths: loose, labels: new Int32Array(loose.length).fill(-1), ignored };
  }
  const paths: string[] = [], labels: number[] = [];
  for (const [label, folder] of top.folders.entries()) {
    const files = await readTree(folder);
    const images = files.filter(isImage);
    if (images.length === 0) {
      throw new Error(`The class folder ${folder} holds no image (${kinds()}): fill it or remove it.`);
    }
    for (const path of images) {
      paths.push(path);
      labels.push(label);
    }
    ignored.push(...files.filter((path) => !isImage(path)));
  }
  const classes = top.folders.map((folder) => basename(folder));
  return { classes, paths, labels: Int32Array.from(labels), ignored };
}

function kinds(): string {
  return IMAGE_ENDINGS.map((ending) => "." + ending).join(", ");
}

function isImage(path: string): boolean {
  return IMAGE_ENDINGS.includes(path.slice(path.lastIndexOf(".") + 1).toLowerCase());
}

/** A folder's files and folders as paths, sorted; links are followed. */
async function readFolder(dir: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [], folders: string[] = [];
  try {
    for await (const { name, isSymlink, isDirectory } of Deno.readDir(dir)) {
      if (name.startsWith(".")) continue;
      const path = join(dir, name);
      const folder = isSymlink ? (await Deno.stat(path)).isDirectory : isDirectory;
      (folder ? folders : files).push(path);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The image folder ${dir} cannot be read (${reason}): is the path right?`, { cause: error });
  }
  return { files: files.sort(), folders: folders.sort() };
}

async function readTree(dir: string): Promise<string[]> {
  const { files, folders } = await readFolder(dir);
  return files.concat(...await Promise.all(folders.map(readTree)));
}
