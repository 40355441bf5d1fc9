/**
 * A run's folder as it is, while it goes on or afterwards.
 *
 * @module
 */
import { fromJson } from "../../json.ts";
import { readConfig } from "./run_folder.ts";

/** What a folder tells of its run. */
export interface ReadRun {
  /** The folder. */
  dir: string;
  /** config.json. */
  config: object;
  /** data.json: what it is trained on. */
  data?: object;
  /** environment.json: on what machine, and by what versions. */
  environment?: object;
  /** evaluation.json, or a decoder's measures.json. */
  evaluation?: { results?: unknown };
  /** log.jsonl, a line for each step. */
  log: (Record<string, unknown> & { step: number; loss: number | null })[];
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return fromJson<T>(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Reads it. A last line of the log that is not whole is being written, and left out.
 *
 * @throws Error where the folder holds no run, or naming the file, and the line of the log, that cannot be read
 */
export async function readRun(dir: string): Promise<ReadRun> {
  const config = await readConfig<object>(dir), path = `${dir}/log.jsonl`;
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const log = text.split("\n").slice(0, -1).map((line, i) => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new Error(`${path}, line ${i + 1} cannot be read (${(error as Error).message}).`, { cause: error });
    }
  });
  return {
    ...{ dir, config, log },
    data: await readJson(`${dir}/data.json`),
    environment: await readJson(`${dir}/environment.json`),
    evaluation: await readJson(`${dir}/evaluation.json`) ?? await readJson(`${dir}/measures.json`),
  };
}

/** Numbers of an object by their paths, "architecture.predictor.width"; and texts and truths beside them. */
export function flattened(value: object, before = ""): Map<string, string | number | boolean | null> {
  const flat = new Map<string, string | number | boolean | null>();
  for (const [name, part] of Object.entries(value)) {
    if (part !== null && typeof part === "object") {
      for (const [k, v] of flattened(part, `${before}${name}.`)) flat.set(k, v);
    } else if (part !== undefined) flat.set(before + name, part);
  }
  return flat;
}

/**
 * A log as comma-separated values (RFC 4180): a row a step, a column for each number, in the order in which they first appear;
 * empty where a step has none, or one that was not finite.
 */
export function logCsv(log: ReadRun["log"]): string {
  // Checkpoints are no values of a step, and their names would be.
  const rows = log.map(({ checkpoints: _, ...entry }) => flattened(entry));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const cell = (value: unknown) => {
    const text = `${value ?? ""}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map((row) => names.map((name) => row.get(name)))].map((row) =>
    row.map(cell).join(",") + "\r\n"
  )
    .join("");
}
