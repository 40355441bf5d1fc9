/**
 * A run is a folder: config.json, data.json with the name of its images, log.jsonl with a line for each step, and the
 * newest checkpoints. This file reads and writes all but the last.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { checkpointStep } from "../weights/checkpoint_names.ts";

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** The images of a run, by what tells them from others. */
interface Images {
  name: string;
  length: number;
}

/** JSON has no infinity, which stands for "no clipping". */
const toJson = (config: object) =>
  JSON.stringify(config, (_, value) => value === Infinity ? "Infinity" : value, 2) + "\n";
const fromJson = (text: string) => JSON.parse(text, (_, value) => value === "Infinity" ? Infinity : value);

/** Writes text beside and renames it, so that the file is always whole. */
async function replaceFile(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.part`, text);
  await Deno.rename(`${path}.part`, path);
}

/**
 * The configuration that a run was started with.
 *
 * @throws Error where the folder holds no run.
 */
export async function readConfig<Config extends object>(dir: string): Promise<Config> {
  try {
    return fromJson(await Deno.readTextFile(`${dir}/config.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${dir} holds no run: it has no config.json.`);
    throw new Error(`${dir}/config.json cannot be read: ${(error as Error).message}`);
  }
}

/**
 * Begins a run in a new folder.
 *
 * @throws Error where the folder holds a run already.
 */
export async function createRun(dir: string, config: object, images: Images): Promise<void> {
  if (await exists(`${dir}/config.json`)) {
    throw new Error(`${dir} holds a run already: go on with it (--resume), or name another folder (--out).`);
  }
  await Deno.mkdir(dir, { recursive: true });
  await Deno.writeTextFile(`${dir}/log.jsonl`, "");
  const { name, length } = images;
  await replaceFile(`${dir}/data.json`, JSON.stringify({ name, length }) + "\n");
  await replaceFile(`${dir}/config.json`, toJson(config));
}

/**
 * Checks that a run that is to go on was started with this configuration, on these images, and that it can: one that
 * ships has weights, which going on from the beginning would replace, but no checkpoint.
 *
 * @throws Error that names what differs, or what is missing.
 */
export async function checkRun(dir: string, config: object, images: Images): Promise<void> {
  const kept = await readConfig<Record<string, unknown>>(dir);
  const weights = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name)
    .filter((name) => name.endsWith(".safetensors"));
  if (weights.length > 0 && !weights.some((name) => checkpointStep(name) !== undefined)) {
    const found = weights.join(", ");
    throw new Error(
      `${dir} holds ${found}, but no checkpoint to go on from: begin a new run in another folder (--out).`,
    );
  }
  const data: Images = JSON.parse(await Deno.readTextFile(`${dir}/data.json`));
  if (data.name !== images.name || data.length !== images.length) {
    throw new Error(
      `The run in ${dir} was started on ${data.name} (${data.length} images), not on ${images.name} (${images.length} ` +
        "images): name the same data (--data).",
    );
  }
  const given: Record<string, unknown> = fromJson(toJson(config));
  const different = Object.keys(given).filter((key) => !isDeepStrictEqual(kept[key], given[key]));
  if (different.length) {
    throw new Error(
      `The run in ${dir} was started with another ${different.join(", ")} (see its config.json): resume it with the ` +
        "options it was started with, or begin a new run in another folder.",
    );
  }
}

/**
 * The log up to a step. Lines after it, of steps that a stopped run did beyond its last checkpoint, are removed from the
 * file, as is a last line that was cut off.
 */
export async function truncateLog<Entry extends { step: number }>(
  dir: string,
  step: number,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const line of (await Deno.readTextFile(`${dir}/log.jsonl`)).split("\n")) {
    let entry: Entry | undefined;
    try {
      entry = JSON.parse(line);
    } catch {
      break; // A kill in the middle of a write; nothing after it counts.
    }
    if (entry!.step > step) break;
    entries.push(entry!);
  }
  if (entries.length !== step) {
    throw new Error(
      `${dir}/log.jsonl has ${entries.length} of the ${step} steps of its checkpoint: the file is damaged.`,
    );
  }
  await replaceFile(`${dir}/log.jsonl`, entries.map((entry) => JSON.stringify(entry) + "\n").join(""));
  return entries;
}
