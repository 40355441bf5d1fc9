/**
 * The images of a tar archive, read in place: in one folder (or inner archive) a class, or all without a class.
 *
 * @module
 */
import { join } from "node:path";
import { isImage, kinds } from "./image_folder.ts";
import type { ImageList } from "./image_files.ts";
import type { Progress } from "./sources.ts";
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
  const members = index.names.map((name, member) => {
    return { name, member, folder: name.slice(0, Math.max(0, name.indexOf("/"))) };
  }).filter(({ name }) => !name.split("/").some((part) => part.startsWith(".")));
  const files = members.filter(({ name }) => isImage(name));
  if (files.length === 0) throw new Error(`${archive} holds no image (${kinds()}).`);
  // By class first: sorted by the whole name, "a-b/..." would come before "a/...".
  files.sort((a, b) => a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : a.member - b.member);
  const folders = [...new Set(files.map(({ folder }) => folder))];
  if (folders.length > 1 && folders[0] === "") {
    throw new Error(`${archive} holds both folders of classes and images of no class (${files[0].name}).`);
  }
  const labelOf = new Map(folders.map((folder, label) => [folder, folder === "" ? -1 : label]));
  return {
    name: archive,
    classes: folders[0] === "" ? ["unlabelled"] : folders,
    labels: Int32Array.from(files, ({ folder }) => labelOf.get(folder)!),
    paths: files.map(({ name }) => join(archive, name)),
    ignored: members.filter(({ name }) => !isImage(name)).map(({ name }) => join(archive, name)),
    read: (i) => readMember(index, files[i].member),
  };
}
