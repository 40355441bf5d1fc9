/**
 * `deno task pretrain` where what is trained is a world model, which needs no images.
 *
 * @module
 */
import { checkWorldConfig } from "../../world/check_config.ts";
import { type WorldConfig, worldObjective } from "../../world/objective.ts";
import { WORLD_PRESETS, worldPreset } from "../../world/presets.ts";
import { pretrainWorld, type WorldLogEntry, type WorldResult } from "../../world/pretrain.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { decided } from "../../training/runs/decided.ts";
import { checkFree, readConfig } from "../../training/runs/run_folder.ts";
import { defaultFolder } from "../inputs/default_folder.ts";
import { nameOf, type StartFlags } from "../inputs/run_config.ts";
import { type Token, workerFlags } from "../processes/launch_workers.ts";
import { shareTraining } from "./share_training.ts";
import { GIVEN_AGAIN, runTraining, tellTrained } from "./training.ts";
import { fromFirst } from "../processes/worker.ts";
import { commandLine, givenAgain, typedPath } from "../terminal/advice.ts";
import { changedBySet, readConfigFile } from "../inputs/config_flags.ts";
import { sayPrecision } from "../terminal/precision.ts";
import { changedBy, checkpointsOf, type TrainingFlags } from "../inputs/training_flags.ts";
import { summariseTraining } from "./training_summary.ts";

/** Of images, which there are none of. */
const OF_IMAGES = [
  ...["data", "monitor", "layout", "skip-bad-images", "no-eval", "cache", "cache-side", "tensorboard"],
];

/** What the command was started with. */
type Flags = StartFlags & TrainingFlags & {
  out?: string;
  resume: boolean;
  workers?: string;
  restarts?: string;
  "bfloat16-sums": boolean;
};

const isWorld = (config: unknown) => (config as { method?: string } | null)?.method === "two-rooms";

/** Whether a preset, a configuration or the run that goes on is a world model's. */
export async function isWorldRun({ preset, config, out, resume }: Flags): Promise<boolean> {
  if (config !== undefined) return isWorld(await readConfigFile(config));
  if (preset !== undefined) return Object.hasOwn(WORLD_PRESETS, preset);
  return resume && out !== undefined && isWorld(await readConfig(out).catch(() => null));
}

/** How to go on with the run in a folder, as it is typed. */
const howToGoOn = (dir: string, flags: Flags) =>
  commandLine("pretrain", "--resume", "--out", typedPath(dir), ...givenAgain({ ...flags }, ...GIVEN_AGAIN));

/** The configuration that a run begins or goes on with, for so many workers. */
async function configOf(flags: Flags, workers: number, kept?: unknown): Promise<WorldConfig> {
  const { config: file } = flags;
  const started = kept ?? (file === undefined ? worldPreset(nameOf(flags)) : await readConfigFile(file));
  checkWorldConfig(started, file);
  const config = changedBySet(changedBy(flags, started, 1), flags);
  checkWorldConfig(config);
  return changedBy({}, config, workers);
}

async function folderOf(flags: Flags): Promise<string> {
  const dir = flags.out ?? await defaultFolder(nameOf(flags), flags.resume);
  if (!flags.resume) await checkFree(dir, howToGoOn(dir, flags));
  return dir;
}

/** Trains, as one of the workers. */
async function run(flags: Flags, dir: string, workers: Communicator): Promise<void> {
  const kept = flags.resume ? await fromFirst(workers, "the run's configuration", () => readConfig(dir)) : undefined;
  const asked = await configOf(flags, workers.size, kept), { width } = asked.networks;
  const config = await decided(asked, width, { dir, resume: flags.resume, workers });
  const { totalSteps } = worldObjective(config), { layout } = config.rooms;
  if (workers.rank === 0) await sayPrecision(asked.precision, config.precision, width);
  const training = {
    ...{ label: "Training", dir, config, totalSteps, goOn: howToGoOn(dir, flags) },
    train: { name: `two rooms with ${layout} walls` },
    unit: "walks",
    fieldsOf: ({ prediction, stateStd }: WorldLogEntry) => ({ prediction, "state std": stateStd }),
  };
  const result = await runTraining<WorldLogEntry, WorldResult>(
    training,
    flags,
    workers,
    (options) => pretrainWorld(config, options),
  );
  disposeAll(result.networks);
  if (workers.rank > 0) return;
  const pictures = await summariseTraining(result.log, config.batch, dir, "walks");
  await tellTrained(dir, result, { pictures });
  console.log(`Weights: ${result.weights}\nPictures: ${pictures.join(", ")}`);
  console.log(`Plan with it: ${commandLine("plan", "--weights", typedPath(dir))}`);
}

/**
 * Trains a world model.
 *
 * @throws Error in one sentence, before any work, of a flag that is for images
 */
export async function pretrainTheWorld(flags: Flags, tokens: readonly Token[]): Promise<void> {
  const given = OF_IMAGES.find((name) => tokens.some((token) => token.kind === "option" && token.name === name));
  if (given) throw new Error(`--${given} is for images, and a world model is trained on none: leave it out.`);
  const { workers } = workerFlags(flags);
  if (!flags.resume) await configOf(flags, workers);
  checkpointsOf(flags);
  await shareTraining(flags, tokens, { folderOf, howToGoOn, run });
}
