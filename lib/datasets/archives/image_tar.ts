/**
 * The images of a tar archive, read in place: in one folder (or inner archive) a class, or all without a class.
 *
 * @module
 */
import { isImage, kinds } from "../folders/image_folder.ts";
import type { ImageList } from "../folders/image_files.ts";
import type { Progress } from "../sources.ts";
import { indexTar, readMember } from "./tar_index.ts";

/**
 * Lists an archive's images as a folder's are: classes sorted by name, images sorted within their class; without folders
 * one class, "unlabelled", and labels of -1. Files whose names begin with a dot are no part of it.
 *
 * @param archive the archive's path; a path of an image is that one and the image's name in it
 * @param cache the folder of tar indexes
 * @throws Error naming the archive if it cannot be read, holds no image, or mixes images of a class with others
 */
export async function listImageTar(
  archive: string,
  cache: string,
  onProgress?: (progress: Progress) => void,
): Promise<ImageList> {
  const index = await indexTar(archive, cache, onProgress);
  const classes: string[] = [],
    labels: number[] = [],
    members: number[] = [],
    paths: string[] = [],
    ignored: string[] = [];
  let loose: string | undefined;
  for (const [member, name] of index.names.entries()) {
    if (/(^|\/)\./.test(name)) continue;
    const path = `${archive}/${name}`;
    if (!isImage(name)) {
      ignored.push(path);
      continue;
    }
    const folder = name.slice(0, Math.max(0, name.indexOf("/")));
    if (folder === "") loose ??= name;
    else if (folder !== classes.at(-1)) classes.push(folder); // the index is sorted
    labels.push(folder === "" ? -1 : classes.length - 1);
    members.push(member);
    paths.push(path);
  }
  if (paths.length === 0) throw new Error(`${archive} holds no image (${kinds()}).`);
  if (classes.length > 0 && loose !== undefined) {
    throw new Error(`${archive} holds both folders of classes and images of no class (${loose}).`);
  }
  return {
    name: archive,
    classes: classes.length === 0 ? ["unlabelled"] : classes,
    labels: Int32Array.from(labels),
    paths,
    ignored,
    nameOf: (i) => index.names[members[i]],
    bytesOf: (i) => index.sizes[members[i]],
    read: (i) => readMember(index, members[i]),
  };
}
