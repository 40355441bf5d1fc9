/**
 * Images in WebDataset's shards: tar archives in which files whose names differ in the ending alone are one sample.
 *
 * @module
 */
import { indexTar, readMember } from "../archives/tar_index.ts";
import { isImage, kinds } from "../folders/folder_tree.ts";
import { keptIndex } from "../kept_index.ts";
import { endingsOf, type ImageReading } from "../pixels/cut_image.ts";
import type { Progress } from "../sources.ts";
import type { RowLabel, Rows } from "./rows.ts";

/** What is kept of a shard beside its index of files. */
interface Kept {
  labels: RowLabel[];
  /** [N], the place of each sample's image in the index of files. */
  members: number[];
}

/** What of a .json is the class. */
const JSON_NAMES = ["label", "cls"];

/**
 * The samples of a shard, by key. Where each lies is found out once and kept, so that samples are taken in any order:
 * shuffling is over all shards, where WebDataset's own is within a buffer.
 *
 * @param colours how files become pixels, and so which of a sample's files is its image
 * @throws Error naming the shard and the sample that has no image or several, or no class where others have one
 */
export async function shardRows(
  file: string,
  cache: string,
  onProgress?: (progress: Progress) => void,
  colours: ImageReading = "managed",
): Promise<Rows> {
  const endings = endingsOf(colours), own = `${cache}/${typeof colours === "number" ? "bands" : "samples"}`;
  const index = await indexTar(file, cache, onProgress);
  const isWhole = ({ labels, members }: Partial<Kept>) => Array.isArray(labels) && labels.length === members?.length;
  const { labels, members } = await keptIndex<Kept>(file, own, isWhole, async () => {
    const kept: Kept = { labels: [], members: [] };
    for (const [key, files] of samplesOf(index.names)) {
      const images = [...files].filter(([ending]) => isImage(`x.${ending}`, endings));
      if (images.length !== 1) {
        const found = images.length === 0 ? "no image" : images.map(([ending]) => `.${ending}`).join(" and ");
        throw new Error(`the sample ${key} has ${found}, where one image (${kinds(endings)}) was expected`);
      }
      kept.members.push(images[0][1]);
      const read = async (ending: string) => new TextDecoder().decode(await readMember(index, files.get(ending)!));
      kept.labels.push(
        files.has("cls") ? classOf(await read("cls")) : files.has("json") ? jsonClass(await read("json"), key) : null,
      );
    }
    return kept;
  });
  const odd = index.odd.find(({ name }) => isImage(name, endings));
  if (odd) throw new Error(`${file}: ${odd.name} is ${odd.odd}, which cannot be read.`);
  if (members.length === 0) throw new Error(`${file} holds no sample.`);
  const some = labels.findIndex((label) => label !== null), none = labels.indexOf(null);
  if (some >= 0 && none >= 0) {
    throw new Error(`${file}: ${index.names[members[none]]} has no class, but ${index.names[members[some]]} has one.`);
  }
  return {
    file,
    labels,
    nameOf: (i) => index.names[members[i]],
    placeOf: (i) => ({ path: file, offset: index.offsets[members[i]], length: index.sizes[members[i]] }),
    read: (i) => readMember(index, members[i]),
  };
}

/** Places by ending, by key: a file's folders and its name up to the first dot. */
function samplesOf(names: readonly string[]): Map<string, Map<string, number>> {
  const samples = new Map<string, Map<string, number>>();
  for (const [i, name] of names.entries()) {
    const [, key, ending] = /^((?:.*\/)?[^./]+)\.([^/]+)$/.exec(name) ?? [];
    if (key === undefined) continue; // as WebDataset passes over what has no ending
    samples.set(key, samples.get(key) ?? new Map()).get(key)!.set(ending.toLowerCase(), i);
  }
  return samples;
}

/** A .cls: a number as WebDataset writes it, or a name. */
function classOf(text: string): RowLabel {
  const trimmed = text.trim();
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}

function jsonClass(text: string, key: string): RowLabel {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`the sample ${key} has a .json that is none (${(error as Error).message})`, { cause: error });
  }
  const found = JSON_NAMES.map((name) => value?.[name]).find((label) => label !== undefined && label !== null);
  return typeof found === "number" || typeof found === "string" ? found : null;
}
