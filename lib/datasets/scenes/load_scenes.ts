/**
 * Scenes that are kept on disk once they are drawn and rendered, so that every later time they load in a moment.
 *
 * @module
 */
import { join } from "node:path";
import { damaged, hash } from "../kept_splits.ts";
import type { Scene } from "./scene.ts";
import { checkedOptions, datasetOf, renderedScenes, type ScenesDataset, type ScenesOptions } from "./scenes.ts";
import { makeFolder, replaceFile } from "../../write_file.ts";

/** Raised when the same options come to give other scenes or pictures, so that files of before are no longer taken. */
const VERSION = 1;

/** The file beside the pixels that is written last and vouches for them. */
interface Index {
  /** Of the pixels. */
  sha256: string;
  scenes: readonly Scene[];
}

/**
 * scenes(), or what it gave before for the same options, from `dir`/scenes: two files for each set of options, together
 * 14 KB an image at 64 pixels.
 *
 * @param dir the folder of data sets, usually "data"
 * @throws RangeError as scenes() does; Error where what was kept is damaged; the message says what to do
 */
export async function loadScenes(dir: string, options: ScenesOptions): Promise<ScenesDataset> {
  const { images, size, seed, split, objects } = checkedOptions(options), folder = join(dir, "scenes");
  const stem = join(folder, `${split}-seed${seed}-${objects.join("to")}objects-${images}x${size}px-v${VERSION}`);
  const pixelsPath = `${stem}.u8`, indexPath = `${stem}.json`;
  const index = await readIndex(indexPath);
  if (index) {
    const pixels = await Deno.readFile(pixelsPath).catch((error) => {
      throw damaged(pixelsPath, indexPath, error.message);
    });
    if (hash(pixels) !== index.sha256) {
      throw damaged(pixelsPath, indexPath, "its sha256 is not the one it was written with");
    }
    options.onProgress?.(images);
    return datasetOf(options, { scenes: index.scenes, pixels });
  }
  const rendered = await renderedScenes(options);
  await makeFolder(folder);
  await replaceFile(pixelsPath, rendered.pixels);
  const made: Index = { sha256: hash(rendered.pixels), scenes: rendered.scenes };
  await replaceFile(indexPath, JSON.stringify(made));
  return datasetOf(options, rendered);
}

async function readIndex(path: string): Promise<Index | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw damaged(path, path, error instanceof Error ? error.message : String(error));
  }
}
