/**
 * What a run is started by: a preset or a file, changed by flags, and the images that it is for.
 *
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { checkConfig } from "../../methods/check_config.ts";
import { type MethodConfig, preset } from "../../methods/methods.ts";
import { nearestName } from "../../nearest_name.ts";
import { readConfig } from "../../training/runs/run_folder.ts";
import { changedBySet, type ConfigFlags, readConfigFile } from "./config_flags.ts";
import { changedBy, type TrainingFlags } from "./training_flags.ts";
import { dataOfRun } from "./open_images.ts";

const DEFAULT_PRESET = "cifar10";

/** The flags that say where a configuration is from. */
export interface StartFlags extends ConfigFlags {
  preset?: string;
}

/**
 * Holds that they say it once, and name one of the command's presets.
 *
 * @throws Error that lists these
 */
export function checkStart(
  { preset, config, resume = false, out }: StartFlags & { resume?: boolean; out?: string },
  presets: readonly string[],
): void {
  if (preset !== undefined && !presets.includes(preset)) {
    const near = nearestName(preset, presets), meant = near === undefined ? "" : ` (did you mean ${near}?)`;
    throw new Error(`No preset of this command is called "${preset}"${meant}: there are ${presets.join(", ")}.`);
  }
  if (resume && out !== undefined && preset !== undefined) {
    throw new Error("--resume goes on with what the run in --out was started with: leave --preset out.");
  }
  if (config === undefined || !resume && preset === undefined) return;
  const other = resume ? "--resume goes on with what the run was started with" : "--preset names a configuration too";
  throw new Error(`${other}: leave --config out.`);
}

/** What a run is called by: its preset, or for a config.json its folder, or else its configuration's file. */
export function nameOf({ config, preset = DEFAULT_PRESET }: StartFlags): string {
  if (config === undefined) return preset;
  const path = resolve(config);
  return basename(path) === "config.json" ? basename(dirname(path)) : basename(path, ".json");
}

/**
 * The configuration that a run begins with, or goes on with from `kept`, for so many workers.
 *
 * @throws Error in one sentence, before any work
 */
export async function configOf(
  flags: StartFlags & TrainingFlags,
  workers: number,
  kept?: MethodConfig,
): Promise<MethodConfig> {
  const started = kept ?? (flags.config === undefined ? preset(nameOf(flags)) : await readConfigFile(flags.config));
  checkConfig(started, flags.config);
  const config = changedBySet(changedBy(flags, started, 1), flags);
  checkConfig(config);
  return changedBy({}, config, workers); // the batch may have changed with --set
}

/** The configuration that the run in a folder was started with. */
export async function keptConfig(dir: string): Promise<MethodConfig> {
  const config = await readConfig(dir);
  checkConfig(config, `${dir}/config.json`);
  return config;
}

/** What a new run is on, where nobody says it. */
export async function dataOf({ config, ...flags }: StartFlags): Promise<string> {
  if (config === undefined) return defaultData(nameOf(flags));
  const dir = dirname(resolve(config));
  if (await Deno.stat(`${dir}/data.json`).catch(() => undefined)) return await dataOfRun(dir);
  throw new Error(`${config} does not say what images it is for: say it with --data.`);
}

/** What a preset is for: the data set in its name. */
function defaultData(presetName: string): string {
  if (presetName.startsWith("scenes")) return "scenes";
  if (!presetName.includes("imagenet")) return "cifar10";
  throw new Error(
    `The preset ${presetName} is for ImageNet, which cannot be downloaded: say where it is with --data DIR.`,
  );
}
