/**
 * A run is a folder: config.json, data.json with what its images are and where if it has any, log.jsonl with a line for each step, and
 * the newest checkpoints. This file reads and writes all but the last.
 *
 * @module
 */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { TrainingData } from "../../datasets/dataset.ts";
import { differenceOf, type Fingerprint, fingerprintOf } from "../../datasets/fingerprint.ts";
import { fromJson, toJson } from "../../json.ts";
import { checkpointStep } from "../../weights/checkpoint_names.ts";
import { replaceFile, writeFile } from "../../write_file.ts";
import { lockRun } from "./run_lock.ts";

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** data.json: the images of a run, by what tells them from others. Runs from before have their name and length alone. */
interface RunData {
  name: string;
  length: number;
  /** What opens them again: a name, or the folder where they were last. */
  source?: string;
  fingerprint?: Fingerprint;
}

/**
 * The configuration that a run was started with; for checkConfig(), as it was written.
 *
 * @throws Error where the folder holds no run, or its config.json is damaged
 */
export async function readConfig<Config extends object>(dir: string): Promise<Config> {
  const path = `${dir}/config.json`;
  const config = await readJson(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) throw new Error(`${dir} holds no run: it has no config.json.`);
    throw error;
  });
  if (typeof config === "object" && config !== null && !Array.isArray(config)) return config as Config;
  throw new Error(`${path} is damaged: it holds no configuration, but ${toJson(config).slice(0, 60)}.`);
}

/**
 * What a JSON file of the kit holds, infinity included.
 *
 * @throws Error that names it where it cannot be read or is no JSON; Deno.errors.NotFound where it is not there
 */
export async function readJson(path: string): Promise<unknown> {
  try {
    return fromJson(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    throw new Error(`${path} cannot be read: ${(error as Error).message.replaceAll(/\s+/g, " ")}`);
  }
}

/**
 * What a run was started on, for openDataset(): a name or a folder; undefined where data.json, of a run from before, does
 * not know.
 *
 * @throws Error where it cannot be read
 */
export async function readRunSource(dir: string): Promise<string | undefined> {
  const { name, source } = await readData(dir);
  const named = { "CIFAR-10 train": "cifar10", "CIFAR-100 train": "cifar100", "scenes train (seed 0)": "scenes" };
  return source ?? named[name as keyof typeof named];
}

async function readData(dir: string): Promise<RunData> {
  try {
    return JSON.parse(await Deno.readTextFile(`${dir}/data.json`));
  } catch (error) {
    const what = `${dir}/data.json, which says what images the run is on, cannot be read`;
    throw new Error(
      `${what} (${(error as Error).message}): put it back, or begin a new run in another folder (--out).`,
    );
  }
}

async function writeData(dir: string, data: RunData): Promise<void> {
  await replaceFile(`${dir}/data.json`, JSON.stringify(data) + "\n");
}

/**
 * Begins a run in a new folder, or opens the one that is to go on, and makes the caller its only writer until it disposes of
 * what is returned. A run that is to go on was started with this configuration, on these images, wherever they lie now; and
 * it can: one that ships has weights, which going on from the beginning would replace, but no checkpoint.
 *
 * @param onNote as for lockRun()
 * @throws Error where a new run's folder holds one already; that names what differs, or what is missing, of one that is to
 *   go on; where another process writes it
 */
export async function openRunFolder(
  dir: string,
  config: object,
  images: TrainingData | undefined,
  resume: boolean,
  onNote?: (note: string) => void,
): Promise<Disposable> {
  if (resume) await readConfig(dir); // so that no folder is made where there is none
  const lock = await lockRun(dir, onNote);
  try {
    await (resume ? checkRun : createRun)(dir, config, images);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/**
 * Holds that a folder is free for a new run.
 *
 * @param goOn how to go on with a run that is there
 */
export async function checkFree(dir: string, goOn = "--resume"): Promise<void> {
  if (!await exists(`${dir}/config.json`)) return;
  throw new Error(`${dir} holds a run already: go on with it (${goOn}), or name another folder (--out).`);
}

async function createRun(dir: string, config: object, images?: TrainingData): Promise<void> {
  await checkFree(dir);
  await writeFile(`${dir}/log.jsonl`, "");
  if (images) {
    const { name, length, source } = images;
    await writeData(dir, { name, length, source, fingerprint: await fingerprintOf(images) });
  }
  await replaceFile(`${dir}/config.json`, toJson(config, 2) + "\n");
}

/**
 * Holds that a run goes on with the configuration that it was started with. A precision that is left open is the run's.
 *
 * @param kept as readConfig() has it
 * @throws Error that names what differs
 */
export function checkSameConfig(dir: string, kept: object, config: object): void {
  const started = kept as Record<string, unknown>, given: Record<string, unknown> = fromJson(toJson(config));
  if (given.precision === "auto") given.precision = started.precision;
  const different = Object.keys({ ...started, ...given }).filter((key) => !isDeepStrictEqual(started[key], given[key]));
  if (different.length === 0) return;
  throw new Error(
    `The run in ${dir} was started with another ${different.join(", ")} (see its config.json): resume it with the ` +
      "options it was started with, or begin a new run in another folder (--out).",
  );
}

async function checkRun(dir: string, config: object, images?: TrainingData): Promise<void> {
  const kept = await readConfig<Record<string, unknown>>(dir);
  const weights = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name)
    .filter((name) => name.endsWith(".safetensors"));
  if (weights.length > 0 && !weights.some((name) => checkpointStep(name) !== undefined)) {
    const found = weights.join(", ");
    throw new Error(
      `${dir} holds ${found}, but no checkpoint to go on from: begin a new run in another folder (--out).`,
    );
  }
  checkSameConfig(dir, kept, config);
  if (images) await checkImages(dir, images);
}

/** Holds that images are a run's; the run then knows where they are now. */
async function checkImages(dir: string, images: TrainingData): Promise<void> {
  const run = await readData(dir), fingerprint = await fingerprintOf(images);
  const difference = run.fingerprint ? differenceOf(run.fingerprint, fingerprint) : differenceOfNames(run, images);
  if (difference) {
    throw new Error(
      `The run in ${dir} was started on ${run.source ?? run.name}, and the images of ${
        images.source ?? images.name
      } are ` +
        `others: ${difference}. Name the data that it was started on (--data).`,
    );
  }
  const { name, length, source = run.source } = images;
  await writeData(dir, { name, length, source, fingerprint });
}

/** What differs by all that a run from before knows of its images. */
function differenceOfNames(run: RunData, { name, length }: TrainingData): string | undefined {
  if (run.length !== length) return differenceOf({ images: run.length }, { images: length });
  return run.name === name || resolve(run.name) === resolve(name) ? undefined : `they were called ${run.name}`;
}

/**
 * The log up to the step of the checkpoint, of each step the line that was written last; the file has these alone
 * afterwards. Lines after it are of steps that a stopped run did beyond its checkpoint. Where lines are missing, as after a
 * power cut or where two processes wrote, the run goes on with a gap in its log.
 *
 * @param onNote is told of a gap, in a sentence; default console.warn
 */
export async function truncateLog<Entry extends { step: number }>(
  dir: string,
  step: number,
  onNote: (note: string) => void = console.warn,
): Promise<Entry[]> {
  const path = `${dir}/log.jsonl`, ofStep = new Map<number, Entry>();
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  for (const line of text.split("\n")) {
    try {
      const entry: Entry = JSON.parse(line);
      if (entry.step >= 1 && entry.step <= step) ofStep.set(entry.step, entry);
    } catch {
      // A kill in the middle of a write, or two writers.
    }
  }
  const entries = [...ofStep.values()].sort((a, b) => a.step - b.step);
  if (entries.length < step) {
    onNote(
      `${path} lacks ${
        step - entries.length
      } of the ${step} steps of its checkpoint: the run goes on as it would have, and ` +
        "its log and loss curve leave them out.",
    );
  }
  await replaceFile(path, entries.map((entry) => JSON.stringify(entry) + "\n").join(""));
  return entries;
}
