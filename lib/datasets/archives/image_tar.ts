/**
 * The images of a tar archive, read in place: in one folder (or inner archive) a class, or all without a class.
 *
 * @module
 */
import { isHidden, isImage, kinds, type Unreadable } from "../folders/folder_tree.ts";
import { type ImageList, type ReadOptions, refuseUnreadable } from "../folders/image_files.ts";
import { doubtOf } from "../folders/layout.ts";
import { endingsOf } from "../pixels/cut_image.ts";
import type { Progress } from "../sources.ts";
import { indexTar, readMember } from "./tar_index.ts";

/**
 * Lists an archive's images as a folder's are: classes sorted by name, images sorted within their class; without folders
 * one class, "unlabelled", and labels of -1. Files whose names begin with a dot are no part of it.
 *
 * @param archive the archive's path; a path of an image is that one and the image's name in it
 * @param cache the folder of tar indexes
 * @throws Error naming the archive if it cannot be read, holds no image, a link that has an image's name, mixes images of a
 *   class with others, or where it is in doubt that its folders are classes
 */
export async function listImageTar(
  archive: string,
  cache: string,
  onProgress?: (progress: Progress) => void,
  { onBadImage, colours = "managed" }: ReadOptions = {},
): Promise<ImageList> {
  const index = await indexTar(archive, cache, onProgress), endings = endingsOf(colours);
  const byClass = new Map<string, string[]>(),
    labels: number[] = [],
    members: number[] = [],
    paths: string[] = [],
    ignored: string[] = [],
    unreadable: Unreadable[] = [];
  const isWanted = (name: string) => isImage(name, endings) && !name.split("/").some(isHidden);
  for (const { name, odd } of index.odd) {
    const path = `${archive}/${name}`;
    if (isWanted(name)) unreadable.push({ path, reason: `it is ${odd}` });
    else ignored.push(path);
  }
  refuseUnreadable(unreadable, onBadImage);
  for (const [member, name] of index.names.entries()) {
    const path = `${archive}/${name}`;
    if (!isWanted(name)) {
      ignored.push(path);
      continue;
    }
    const folder = name.slice(0, Math.max(0, name.indexOf("/"))), inner = name.slice(folder.length + 1);
    byClass.set(folder, byClass.get(folder) ?? []).get(folder)!.push(folder === "" ? name : inner);
    labels.push(folder === "" ? -1 : byClass.size - 1); // the index is sorted
    members.push(member);
    paths.push(path);
  }
  if (paths.length === 0) throw new Error(`${archive} holds no image (${kinds(endings)}).`);
  const loose = byClass.get("")?.[0];
  if (byClass.size > 1 && loose !== undefined) {
    throw new Error(`${archive} holds both folders of classes and images of no class (${loose}).`);
  }
  const doubt = loose === undefined ? doubtOf(archive, byClass) : undefined;
  if (doubt !== undefined) throw new Error(`${doubt}: unpack it, or give an archive whose folders are the classes.`);
  return {
    name: archive,
    classes: loose === undefined ? [...byClass.keys()] : ["unlabelled"],
    labels: Int32Array.from(labels),
    paths,
    ignored,
    unreadable: unreadable.map(({ path }) => path),
    nameOf: (i) => index.names[members[i]],
    bytesOf: (i) => index.sizes[members[i]],
    read: (i) => readMember(index, members[i]),
    placeOf: (i) => ({ path: archive, offset: index.offsets[members[i]], length: index.sizes[members[i]] }),
  };
}
