/**
 * Images of several files, with what each file says of their classes, as one list.
 *
 * @module
 */
import type { ImageList } from "../folders/image_files.ts";
import type { Place } from "../readers/readers.ts";

/** What is said of an image's class: its number, its name, or nothing. */
export type RowLabel = number | string | null;

/** The images of a file, or shard. */
export interface Rows {
  /** Its path. */
  file: string;
  /** The names of the classes by number, where the file has them. */
  classes?: readonly string[];
  /** [N] */
  labels: readonly RowLabel[];
  /** Names the i-th row within the file. */
  nameOf(i: number): string;
  /** Where the i-th image's file is on the disk; its length is -1 where there is none. */
  placeOf(i: number): Required<Pick<Place, "path" | "offset" | "length">>;
  /** The i-th image's file. */
  read(i: number): Promise<Uint8Array>;
}

/**
 * The classes of all these files: as the files name them, numbers up to the greatest, or the names in use, sorted.
 *
 * @throws Error naming a file that contradicts another
 */
export function classesOf(parts: readonly Rows[]): string[] {
  const told = parts.find(({ classes }) => classes);
  let greatest = -1;
  const names = new Set<string>();
  for (const { file, classes, labels } of parts) {
    if (told && classes?.join("\0") !== told.classes!.join("\0")) {
      throw new Error(`${file} and ${told.file} do not name the same classes: open them one at a time.`);
    }
    for (const [i, label] of labels.entries()) {
      if (typeof label === "string") names.add(label);
      else if (label !== null) greatest = Math.max(greatest, label);
      if (told && typeof label === "number" && label >= told.classes!.length) {
        throw new Error(`${file}, row ${i}: its class is ${label}, but ${told.classes!.length} classes are named.`);
      }
    }
    if (names.size > 0 && greatest >= 0) throw new Error(`${file}: classes are names here and numbers there.`);
  }
  if (told) return [...told.classes!];
  if (names.size > 0) return [...names].sort();
  return greatest < 0 ? ["unlabelled"] : Array.from({ length: greatest + 1 }, (_, label) => String(label));
}

/**
 * @param name of the data set
 * @param classes those of classesOf(), of these files and perhaps of others
 */
export function listOf(name: string, parts: readonly Rows[], classes: readonly string[]): ImageList {
  const starts: number[] = [];
  let length = 0;
  for (const { labels } of parts) {
    starts.push(length);
    length += labels.length;
  }
  /** The part that row i is in, and its place there. */
  function placeOf(i: number): [Rows, number] {
    let low = 0, high = parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= i) low = middle;
      else high = middle - 1;
    }
    return [parts[low], i - starts[low]];
  }
  const numberOf = new Map(classes.map((label, i) => [label, i]));
  const labels = parts.flatMap(({ labels }) =>
    labels.map((label) => typeof label === "string" ? numberOf.get(label)! : Math.max(-1, label ?? -1))
  );
  const call = <T>(i: number, of: (part: Rows, at: number) => T) => of(...placeOf(i));
  return {
    name,
    classes,
    labels: Int32Array.from(labels),
    paths: Array.from({ length }, (_, i) => call(i, (part, at) => `${part.file}, ${part.nameOf(at)}`)),
    nameOf: (i) => call(i, (part, at) => `${part.file.slice(part.file.lastIndexOf("/") + 1)}, ${part.nameOf(at)}`),
    bytesOf: (i) => call(i, (part, at) => part.placeOf(at).length),
    read: (i) => call(i, (part, at) => part.read(at)),
    placeOf: (i) => call(i, (part, at) => part.placeOf(at)),
  };
}
