/**
 * What a reproduction is made of: commands of the kit, each with the file that is there once it is done, so that what was
 * done before is not done again, and all of it can be typed by hand.
 *
 * @module
 */
import { checkpointsIn } from "../weights/checkpoint_names.ts";
import { readConfig } from "../training/runs/run_folder.ts";
import { type Device, estimateRun, precisionOn } from "../jepa/pretraining/estimate.ts";
import type { RunConfig } from "../jepa/pretraining/presets.ts";
import { flopsPerImage } from "../methods/flops.ts";
import { isJepa, type MethodConfig } from "../methods/methods.ts";
import { stepsOf } from "../training/steps.ts";

/** Parts of a configuration by their paths, such as "masks.blocks", with what they are set to; what `--set` takes. */
export type Changes = Readonly<Record<string, unknown>>;

/** One command. */
export interface Step {
  /** The task of deno.json. */
  task: "pretrain" | "evaluate" | "train-decoder" | "decode" | "encode";
  /** Its arguments. */
  args: readonly string[];
  /** The file that it writes last. */
  makes: string;
  /** The picture that is to be looked at, where that is another file. */
  picture?: string;
  /** The folder of a training, which goes on by --resume where it was begun. */
  trains?: string;
  /** The file for whose sake alone it is done: where that is there, nothing is missing. */
  onlyFor?: string;
  /** Of a training, its configuration. */
  config?: MethodConfig;
  /** What it takes, in words; of a training the estimate says it. */
  cost?: string;
}

/** What paths are missing to go through with a plan: each an option and what it is for. */
export type Missing = readonly { option: string; what: string }[];

/** ImageNet's folder, where it is missing. */
export const missingData = (data: string | undefined): Missing =>
  data === undefined ? [{ option: "data", what: "ImageNet's folder" }] : [];

/** All that one table or figure takes. */
export interface Plan {
  /** In order; each may read what those before it made. */
  steps: readonly Step[];
  /** What has to be given first. */
  missing: Missing;
}

/** A folder of weights/reproduce. */
export const FOLDER = "weights/reproduce";

/** Deep copy of a configuration with some of its parts replaced. */
export function changed(config: RunConfig, changes: Changes): RunConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split("."), last = names.pop()!;
    const parent = names.reduce((part, name) => part[name] as Record<string, unknown>, copy);
    parent[last] = value;
  }
  return copy as unknown as RunConfig;
}

/** The arguments that make the same changes. */
export function setArguments(changes: Changes): string[] {
  return Object.entries(changes).flatMap(([path, value]) => [
    "--set",
    `${path}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  ]);
}

/** Seconds that a training takes on a device of which it reaches that share, images and evaluations left out. */
export function secondsOf(
  config: MethodConfig,
  { images, device, share }: { images: number; device: Device; share: number },
): number {
  if (!isJepa(config)) {
    const flops = stepsOf(config, images) * config.batch * flopsPerImage(config);
    return flops / (device.peak[precisionOn(device, config)] * share);
  }
  const plan = estimateRun(config, { images, devices: 1, device, share });
  return (config.recompute ? plan.recomputed : plan.kept).seconds;
}

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** Whether two configurations are alike, where a part that is left out is as one that is undefined. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}

/** Holds that what a training's folder has is what the plan asks for. */
async function checkRun({ trains, config }: Step): Promise<void> {
  if (!trains || !config || !await exists(`${trains}/config.json`)) return;
  const found = await readConfig<MethodConfig>(trains);
  const differs = (Object.keys({ ...found, ...config }) as (keyof MethodConfig)[])
    .filter((name) => !(name === "precision" && config.precision === "auto") && !same(found[name], config[name]));
  if (differs.length === 0) return;
  const [name] = differs;
  throw new Error(
    `${trains} holds a run of another configuration: its ${name} is ${JSON.stringify(found[name])}, not ` +
      `${JSON.stringify(config[name])}. Move it away, or delete it.`,
  );
}

const isDone = async ({ makes, onlyFor }: Step) =>
  await exists(makes) || onlyFor !== undefined && await exists(onlyFor);

/**
 * The arguments that do what is left of a command; undefined where it is done.
 *
 * @throws Error where a training's folder holds another run
 */
export async function nextStep(step: Step): Promise<readonly string[] | undefined> {
  await checkRun(step);
  if (await isDone(step)) return undefined;
  if (step.trains === undefined || (await checkpointsIn(step.trains)).length === 0) return step.args;
  const kept = ["--no-eval", "--monitor", "--measure", "--weights"];
  const again = step.args.flatMap((arg, i) => {
    if (!kept.includes(arg)) return [];
    return arg === "--no-eval" ? [arg] : [arg, step.args[i + 1]];
  });
  return ["--resume", "--out", step.trains, ...again];
}

/** Makes a folder free for a training that begins: of one that left no checkpoint, what it had begun to write goes. */
export async function clearFolder({ trains }: Step): Promise<void> {
  if (trains === undefined || (await checkpointsIn(trains)).length > 0) return;
  for (const name of ["config.json", "data.json", "log.jsonl"]) {
    await Deno.remove(`${trains}/${name}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** The commands of a plan that are not done. */
export async function stepsLeft({ steps }: Plan): Promise<Step[]> {
  const done = await Promise.all(steps.map(isDone));
  return steps.filter((_, i) => !done[i]);
}
