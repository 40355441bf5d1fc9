/**
 * Which files are which split, and whether all are there, by the names that published data sets have.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { some, type Split, splitOf } from "../folders/layout.ts";

/** Files by what they are for; `others` are neither. */
export interface FilesBySplit {
  train: string[];
  /** Those that may be tested on, the first ones first. */
  tests: string[][];
  others: string[];
}

/** "shard-{000000..000009}.tar" as the names it stands for, in WebDataset's way; a name without braces is itself. */
export function expandBraces(pattern: string): string[] {
  const [, before, from, to, after] = /^(.*?)\{(\d+)\.\.(\d+)\}(.*)$/s.exec(pattern) ?? [];
  if (from === undefined) return [pattern];
  if (Number(to) < Number(from)) {
    throw new Error(`${pattern} counts from ${from} down to ${to}: write the lower one first.`);
  }
  const names: string[] = [];
  for (let i = Number(from); i <= Number(to); i++) {
    names.push(...expandBraces(before + String(i).padStart(from.length, "0") + after));
  }
  return names;
}

/** The split that a file's name tells of (train-00000-of-00014, toy-val-000000), or else the folder that it lies in. */
function splitOfFile(path: string): Split | undefined {
  const parts = basename(path).replace(/\.[^.]*$/, "").split(/[-_.]|(?<=[a-z])(?=\d)/i);
  return parts.map(splitOf).find((split) => split !== undefined) ?? splitOf(basename(dirname(path)));
}

/**
 * @param files sorted
 * @throws Error where files are missing by their own count, or are several data sets
 */
export function filesBySplit(dir: string, files: readonly string[]): FilesBySplit {
  refuseGaps(files);
  const known = new Map<Split, string[]>(), others: string[] = [], wholes = new Set<string>();
  for (const file of files) {
    const split = splitOfFile(file), folder = dirname(file);
    wholes.add(splitOf(basename(folder)) === undefined ? folder : dirname(folder));
    if (split === undefined) others.push(file);
    else known.set(split, known.get(split) ?? []).get(split)!.push(file);
  }
  if (wholes.size > 1) {
    throw new Error(`${dir} holds several data sets (${some([...wholes])}): name the folder of one.`);
  }
  if (known.size === 0) return { train: others, tests: [], others: [] };
  const tests = (["test", "val"] as const).map((split) => known.get(split) ?? []).filter((list) => list.length > 0);
  const train = known.get("train");
  if (!train) throw new Error(`${dir} holds ${some(files.map((file) => basename(file)))}, but nothing to train on.`);
  return { train, tests, others };
}

/** Holds that of "x-00001-of-00014" all fourteen are there. */
function refuseGaps(files: readonly string[]): void {
  const present = new Set(files);
  for (const file of files) {
    const [, before, number, total, after] = /^(.*-)(\d+)-of-(\d+)(\.[^./]+)$/.exec(basename(file)) ?? [];
    if (number === undefined) continue;
    const missing = Array.from(
      { length: Number(total) },
      (_, i) => join(dirname(file), `${before}${String(i).padStart(number.length, "0")}-of-${total}${after}`),
    ).filter((name) => !present.has(name));
    if (missing.length > 0) {
      throw new Error(
        `${some(missing)} ${missing.length > 1 ? "are" : "is"} missing: ${file} is one of ${Number(total)}.`,
      );
    }
  }
}
