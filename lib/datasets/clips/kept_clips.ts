/**
 * Clips that are kept on disk once they are rendered: pixels in one file, and their sha256 in another, which is written last
 * and vouches for them.
 *
 * @module
 */
import { join } from "node:path";
import { makeFolder, replaceFile } from "../../write_file.ts";
import { damaged, hash } from "../kept_splits.ts";

async function kept(path: string, indexPath: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const index = await Deno.readTextFile(indexPath).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw damaged(indexPath, indexPath, error.message);
  });
  if (index === undefined) return undefined;
  const pixels = await Deno.readFile(path).catch((error) => {
    throw damaged(path, indexPath, error.message);
  });
  if (hash(pixels) === index.trim()) return pixels;
  throw damaged(path, indexPath, "its sha256 is not the one it was written with");
}

/**
 * The pixels that were kept in `dir`/clips by this name, or those that are rendered now and kept.
 *
 * @param dir the folder of data sets, usually "data"
 * @throws Error where what was kept is damaged; the message says what to do
 */
export async function keptClips(
  dir: string,
  name: string,
  render: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = join(dir, "clips"), path = join(folder, `${name}.u8`), indexPath = join(folder, `${name}.sha256`);
  const found = await kept(path, indexPath);
  if (found) return found;
  const pixels = await render();
  await makeFolder(folder);
  await replaceFile(path, pixels);
  await replaceFile(indexPath, `${hash(pixels)}\n`);
  return pixels;
}

/** Renders clips one after another, [clips, ...], and lets others have their turn in between. */
export async function renderClips(
  clips: number,
  bytes: number,
  render: (index: number) => Uint8Array,
  onProgress?: (clips: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = new Uint8Array(clips * bytes);
  for (let index = 0; index < clips; index++) {
    pixels.set(render(index), index * bytes);
    onProgress?.(index + 1);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return pixels;
}
