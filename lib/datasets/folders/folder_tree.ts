/**
 * What lies in a folder and in those below it: images by the endings of their names, what cannot be read, and the rest.
 * Nothing is opened, so that a FIFO called x.jpg holds nobody up.
 *
 * @module
 */
import { join } from "node:path";
import { osReason, readError } from "../../os_error.ts";
import { IMAGE_ENDINGS } from "../pixels/decode.ts";

/** What is there by its name, an image or a folder, and cannot be read. */
export interface Unreadable {
  /** Where it is. */
  path: string;
  /** Why, as the end of "cannot be read, as". */
  reason: string;
}

/** What lies in a folder. */
export interface Tree {
  /** Files that are images by the endings of their names. */
  images: string[];
  /** Images by their names that are no files, and folders that do not open. */
  unreadable: Unreadable[];
  /** All else: other files, hidden ones, what systems leave behind, links to nothing. A hidden folder is one of them. */
  ignored: string[];
}

/** Folders that systems make beside a user's files: macOS, Synology, Linux and Windows. */
const SYSTEM_FOLDERS = ["__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"];

/** The endings of images' names, for messages. */
export function kinds(endings = IMAGE_ENDINGS): string {
  return endings.map((ending) => "." + ending).join(", ");
}

/** Whether a file is an image by the ending of its name. */
export function isImage(path: string, endings = IMAGE_ENDINGS): boolean {
  return endings.includes(path.slice(path.lastIndexOf(".") + 1).toLowerCase());
}

/** Whether a name is one that a user does not see, or a system's own. */
export function isHidden(name: string): boolean {
  return name.startsWith(".") || SYSTEM_FOLDERS.includes(name);
}

/** Why an entry is neither file nor folder, and whether it might have been a folder of images. */
interface Odd {
  reason: string;
  folder: boolean;
}

/** What an entry is; a link to a folder is followed unless it is one of those above, by their real paths. */
async function kindOf(
  path: string,
  { name, isFile, isDirectory, isSymlink }: Deno.DirEntry,
  above: readonly string[],
): Promise<"file" | "folder" | Odd> {
  const odd = (reason: string, folder = false): Odd => ({ reason, folder });
  // Deno shows such a name with this sign for what is no UTF-8, and finds no file by it.
  if (name.includes("\uFFFD") && !await Deno.lstat(path).catch(() => undefined)) {
    return odd("its name is not UTF-8: rename it", isDirectory);
  }
  if (isFile) return "file";
  if (isDirectory) return "folder";
  const special = odd("it is no file, but a FIFO, a socket or a device");
  if (!isSymlink) return special;
  try {
    const info = await Deno.stat(path);
    if (info.isFile) return "file";
    if (!info.isDirectory) return special;
    return above.includes(await Deno.realPath(path)) ? odd("it is a link to a folder that it lies in") : "folder";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return odd("it is a link to nothing");
    return odd(osReason(error), !(error instanceof Deno.errors.FilesystemLoop));
  }
}

/**
 * What lies in a folder, and its folders, which are not gone into; sorted, links followed.
 *
 * @param above real paths of the folders that were gone through to this one, to which links are not followed again
 * @param endings of images' names
 * @throws Error with the folder's path where it does not open
 */
export async function readFolder(
  dir: string,
  above: readonly string[] = [],
  endings = IMAGE_ENDINGS,
): Promise<Tree & { folders: string[]; chain: string[] }> {
  const images: string[] = [], folders: string[] = [], ignored: string[] = [], unreadable: Unreadable[] = [];
  const chain = [...above];
  try {
    chain.push(await Deno.realPath(dir));
    for await (const entry of Deno.readDir(dir)) {
      const path = join(dir, entry.name);
      const kind = isHidden(entry.name) ? "hidden" : await kindOf(path, entry, chain);
      if (kind === "folder") folders.push(path);
      else if (kind === "file" && isImage(path, endings)) images.push(path);
      else if (typeof kind === "object" && (kind.folder || isImage(path, endings))) {
        unreadable.push({ path, reason: kind.reason });
      } else ignored.push(path);
    }
  } catch (error) {
    throw readError(`The image folder ${dir}`, error);
  }
  return { images: images.sort(), folders: folders.sort(), ignored: ignored.sort(), unreadable, chain };
}

/**
 * All that lies in a folder and in those below it: a folder's own files before those of its folders.
 *
 * @throws Error with the folder's path where it does not open; one below it that does not is among what is unreadable
 */
export async function readTree(dir: string, above: readonly string[] = [], endings = IMAGE_ENDINGS): Promise<Tree> {
  const { images, ignored, unreadable, folders, chain } = await readFolder(dir, above, endings);
  const below = await Promise.all(folders.map((folder) => readBelow(folder, chain, endings)));
  return {
    images: images.concat(...below.map((tree) => tree.images)),
    unreadable: unreadable.concat(...below.map((tree) => tree.unreadable)),
    ignored: ignored.concat(...below.map((tree) => tree.ignored)),
  };
}

/** readTree() of a folder in another, which is unreadable as an image is. */
export async function readBelow(
  folder: string,
  above: readonly string[],
  endings = IMAGE_ENDINGS,
): Promise<Tree> {
  try {
    return await readTree(folder, above, endings);
  } catch (error) {
    const reason = osReason((error as Error).cause ?? error);
    return { images: [], ignored: [], unreadable: [{ path: folder, reason }] };
  }
}

/** Whether there is an image in a folder or below it, by the names, where these can be read. */
export async function holdsImage(
  folder: string,
  above: readonly string[] = [],
  endings = IMAGE_ENDINGS,
): Promise<boolean> {
  const read = await readFolder(folder, above, endings).catch(() => undefined);
  if (!read || read.images.length > 0) return read !== undefined;
  for (const inner of read.folders) if (await holdsImage(inner, read.chain, endings)) return true;
  return false;
}
