/**
 * A folder of images as a data set: one folder a class, or no classes and the images directly in it.
 *
 * @module
 */
import { basename, join } from "node:path";
import { IMAGE_ENDINGS } from "../pixels/decode.ts";
import { type BadImages, type ImageFiles, imageFiles, type ImageList } from "./image_files.ts";

/**
 * The images in `dir`, at any depth below their class's folder, sorted within it; classes are sorted by name. A folder
 * without class folders is one class, "unlabelled", and its labels are -1. Files and folders whose names begin with a dot
 * are no part of it. Nothing is decoded yet.
 *
 * @param dir a folder of class folders, or a folder of images
 * @throws Error if the folder cannot be read, holds no image, has a class without one, or mixes images and class folders
 */
export async function openImageFolder(dir: string, options: BadImages = {}): Promise<ImageFiles> {
  return imageFiles(await listImageFolder(dir), options);
}

/** What openImageFolder() makes a data set of. */
export async function listImageFolder(dir: string): Promise<ImageList> {
  const list = await listImages(dir);
  const start = join(dir, "_").length - 1, nameOf = (index: number) => list.paths[index].slice(start);
  const bytesOf = async (index: number) => (await Deno.stat(list.paths[index])).size;
  return { name: dir, ...list, nameOf, bytesOf, read: (index) => Deno.readFile(list.paths[index]) };
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

/** The endings of images' names, for messages. */
export function kinds(): string {
  return IMAGE_ENDINGS.map((ending) => "." + ending).join(", ");
}

/** Whether a file is an image by the ending of its name. */
export function isImage(path: string): boolean {
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

/** All files in a folder and in those below it, as paths. */
export async function readTree(dir: string): Promise<string[]> {
  const { files, folders } = await readFolder(dir);
  return files.concat(...await Promise.all(folders.map(readTree)));
}
