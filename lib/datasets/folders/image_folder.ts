/**
 * A folder of images as a data set: one folder a class, or no classes and the images directly in it.
 *
 * @module
 */
import { basename, join, relative } from "node:path";
import { kinds, readBelow, readFolder, type Tree } from "./folder_tree.ts";
import { type ImageFiles, imageFiles, type ImageList, type ReadOptions, refuseUnreadable } from "./image_files.ts";
import { endingsOf } from "../pixels/cut_image.ts";
import { doubtOf, sayLayout } from "./layout.ts";

/** How to open a folder of images. */
export interface FolderOptions extends ReadOptions {
  /**
   * "classes" takes each folder in it for a class without doubting it, "flat" all images at any depth without classes.
   * Default: classes, or images alone, where that is beyond doubt.
   */
  layout?: "classes" | "flat";
}

/**
 * The images in `dir`, at any depth below their class's folder, sorted within it; classes are sorted by name. A folder
 * without class folders is one class, "unlabelled", and its labels are -1. Files and folders whose names begin with a dot
 * are no part of it. Nothing is decoded yet.
 *
 * @param dir a folder of class folders, or a folder of images
 * @throws Error if the folder cannot be read, holds no image or what has an image's name and is none, has a class without
 *   one, mixes images and class folders, or where it is in doubt that its folders are classes
 */
export async function openImageFolder(dir: string, options: FolderOptions = {}): Promise<ImageFiles> {
  return imageFiles(await listImageFolder(dir, options), options);
}

/** How the files at some paths in a folder are known by name and size, and read. */
function readingFrom(
  dir: string,
  paths: readonly string[],
): Pick<ImageList, "nameOf" | "bytesOf" | "read" | "placeOf"> {
  const start = join(dir, "_").length - 1;
  return {
    nameOf: (index) => paths[index].slice(start),
    bytesOf: async (index) => (await Deno.stat(paths[index])).size,
    read: (index) => Deno.readFile(paths[index]),
    placeOf: (index) => ({ path: paths[index] }),
  };
}

/**
 * What openImageFolder() makes a data set of.
 *
 * @param whole what says of a larger folder, which this one is a part of, that its parts' folders are classes
 */
export async function listImageFolder(
  dir: string,
  { layout, onBadImage, colours = "managed" }: FolderOptions = {},
  whole: "splits" | "classes" = "classes",
): Promise<ImageList> {
  const endings = endingsOf(colours), top = await readFolder(dir, [], endings), { folders, chain } = top;
  const trees = await Promise.all(folders.map((folder) => readBelow(folder, chain, endings)));
  const all: Tree[] = [top, ...trees];
  const unreadable = all.flatMap((tree) => tree.unreadable), ignored = all.flatMap((tree) => tree.ignored);
  refuseUnreadable(unreadable, onBadImage);
  const rest = { name: dir, ignored, unreadable: unreadable.map(({ path }) => path) };

  if (folders.length === 0 || layout === "flat") {
    const paths = all.flatMap(({ images }) => images);
    if (paths.length === 0) {
      throw new Error(`${dir} holds no image: expected class folders, or ${kinds(endings)} files.`);
    }
    const labels = new Int32Array(paths.length).fill(-1);
    return { ...rest, classes: ["unlabelled"], paths, labels, ...readingFrom(dir, paths) };
  }
  if (top.images.length > 0) {
    throw new Error(
      `${dir} holds both class folders and ${top.images.length} images of no class (${
        top.images[0]
      }): move those into ` +
        'a class, or set layout to "flat" for all images without classes.',
    );
  }
  const empty = trees.findIndex(({ images }) => images.length === 0);
  if (empty >= 0) {
    throw new Error(`The class folder ${folders[empty]} holds no image (${kinds(endings)}): fill it or remove it.`);
  }
  if (layout !== "classes") {
    const own = trees.map(({ images }, i): [string, string[]] => [
      basename(folders[i]),
      images.map((path) => relative(folders[i], path).replaceAll("\\", "/")),
    ]);
    const doubt = doubtOf(dir, new Map(own));
    if (doubt !== undefined) {
      const advice = sayLayout(whole, `the folders in ${dir} are classes all the same`);
      throw new Error(`${doubt}: name the folder that holds the classes, or ${advice}.`);
    }
  }
  const paths = trees.flatMap(({ images }) => images);
  const labels = Int32Array.from(trees.flatMap(({ images }, label) => images.map(() => label)));
  const classes = folders.map((folder) => basename(folder));
  return { ...rest, classes, paths, labels, ...readingFrom(dir, paths) };
}
