/**
 * `deno task pretrain` where what is trained is a world model, of two rooms or of a camera, which needs no images.
 *
 * @module
 */
import type { CameraConfig } from "../../world/camera/camera_objective.ts";
import { CAMERA_PRESETS, cameraPreset } from "../../world/camera/camera_presets.ts";
import { checkCameraConfig } from "../../world/camera/check_camera_config.ts";
import { checkWorldConfig } from "../../world/check_config.ts";
import { type WorldConfig, worldObjective } from "../../world/objective.ts";
import { WORLD_PRESETS, worldPreset } from "../../world/presets.ts";
import { pretrainWorld, type WorldLogEntry, type WorldResult } from "../../world/pretrain.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import type { World } from "../../tensorflow/collectives/channel.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { type Decided, decided } from "../../training/runs/decided.ts";
import type { RunLogEntry, RunOptions } from "../../training/runs/run.ts";
import { checkFree, checkSameConfig, readConfig } from "../../training/runs/run_folder.ts";
import { changedBySet, readConfigFile } from "../inputs/config_flags.ts";
import { defaultFolder } from "../inputs/default_folder.ts";
import { nameOf, type StartFlags } from "../inputs/run_config.ts";
import { changedBy, checkpointsOf, type TrainingFlags } from "../inputs/training_flags.ts";
import { type Token, workerFlags } from "../processes/launch_workers.ts";
import { fromFirst, inTurn } from "../processes/worker.ts";
import { commandLine, givenAgain, typedPath } from "../terminal/advice.ts";
import { sayPrecision } from "../terminal/precision.ts";
import { cameraTraining, type Conclusion, openCamera } from "./pretrain_camera.ts";
import { shareTraining } from "./share_training.ts";
import { GIVEN_AGAIN, runTraining, tellTrained } from "./training.ts";
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

/** A configuration of either kind. */
type Config = WorldConfig | CameraConfig;

const methodOf = (config: unknown) => (config as { method?: string } | null)?.method;

const isWorld = (config: unknown) => ["two-rooms", "camera-scenes"].includes(methodOf(config) ?? "");

const isCamera = (config: Config): config is CameraConfig => config.method === "camera-scenes";

function checkEither(config: unknown, from?: string): asserts config is Config {
  if (methodOf(config) === "camera-scenes") checkCameraConfig(config, from);
  else checkWorldConfig(config, from);
}

const presetOf = (name: string): Config => Object.hasOwn(CAMERA_PRESETS, name) ? cameraPreset(name) : worldPreset(name);

/** Whether a preset, a configuration or the run that goes on is a world model's. */
export async function isWorldRun({ preset, config, out, resume }: Flags): Promise<boolean> {
  if (config !== undefined) return isWorld(await readConfigFile(config));
  if (preset !== undefined) return Object.hasOwn({ ...WORLD_PRESETS, ...CAMERA_PRESETS }, preset);
  return resume && out !== undefined && isWorld(await readConfig(out).catch(() => null));
}

/** How to go on with the run in a folder, as it is typed. */
const howToGoOn = (dir: string, flags: Flags) =>
  commandLine("pretrain", "--resume", "--out", typedPath(dir), ...givenAgain({ ...flags }, ...GIVEN_AGAIN));

/** The configuration that a run begins or goes on with, for so many workers. */
async function configOf(flags: Flags, workers: number, kept?: unknown): Promise<Config> {
  const { config: file } = flags;
  const started = kept ?? (file === undefined ? presetOf(nameOf(flags)) : await readConfigFile(file));
  checkEither(started, file);
  const config = changedBySet(changedBy(flags, started, 1), flags);
  checkEither(config);
  return changedBy({}, config, workers);
}

async function folderOf(flags: Flags): Promise<string> {
  const dir = flags.out ?? await defaultFolder(nameOf(flags), flags.resume);
  if (!flags.resume) await checkFree(dir, howToGoOn(dir, flags));
  return dir;
}

/** What is trained, how it is told of, and what is said of it in the end. */
interface WorldTraining<Entry extends RunLogEntry, Result> {
  totalSteps: number;
  /** What it is trained on. */
  name: string;
  /** What a batch has several of. */
  unit: string;
  fieldsOf(entry: Entry): Record<string, number>;
  begin(options: RunOptions<Entry>): Promise<Result>;
  dispose(result: Result): void;
  conclude(result: Result, dir: string): Promise<Conclusion>;
}

function roomsTraining(config: Decided<WorldConfig>): WorldTraining<WorldLogEntry, WorldResult> {
  return {
    totalSteps: worldObjective(config).totalSteps,
    name: `two rooms with ${config.rooms.layout} walls`,
    unit: "walks",
    fieldsOf: ({ prediction, stateStd }) => ({ prediction, "state std": stateStd }),
    begin: (options) => pretrainWorld(config, options),
    dispose: ({ networks }) => disposeAll(networks),
    conclude: ({ weights }, dir) =>
      Promise.resolve({
        sentences: `Weights: ${weights}\nPlan with it: ${commandLine("plan", "--weights", typedPath(dir))}`,
      }),
  };
}

/** Trains, as one of the workers, and says what came of it. */
async function trained<
  Entry extends RunLogEntry,
  Result extends { finished: boolean; step: number; log: Entry[]; weights: string },
>(
  { name, unit, totalSteps, fieldsOf, begin, dispose, conclude }: WorldTraining<Entry, Result>,
  config: Config,
  dir: string,
  flags: Flags,
  workers: Communicator,
): Promise<void> {
  const goOn = howToGoOn(dir, flags), train = { name };
  const training = { label: "Training", dir, config, totalSteps, goOn, train, unit, fieldsOf };
  const result = await runTraining<Entry, Result>(training, flags, workers, begin);
  try {
    if (workers.rank > 0) return;
    const pictures = await summariseTraining(result.log, config.batch, dir, unit);
    await tellTrained(dir, result, { pictures }); // the evaluation may fail
    const { sentences, evaluation } = await conclude(result, dir);
    await tellTrained(dir, result, { pictures, evaluation });
    console.log(`${sentences}\nPictures: ${pictures.join(", ")}`);
  } finally {
    dispose(result);
  }
}

async function run(flags: Flags, dir: string, workers: Communicator, world: World): Promise<void> {
  const kept = flags.resume ? await fromFirst(workers, "the run's configuration", () => readConfig(dir)) : undefined;
  if (kept) checkEither(kept, `${dir}/config.json`);
  const asked = await configOf(flags, workers.size, kept);
  if (kept) checkSameConfig(dir, kept, asked); // before scenes are drawn
  const width = isCamera(asked) ? asked.predictor.width : asked.networks.width;
  const decide = async <C extends Config>(config: C) =>
    await decided(config, width, { dir, resume: flags.resume, workers });
  const say = async (config: Decided<Config>) => {
    if (workers.rank === 0) await sayPrecision(asked.precision, config.precision, width);
  };
  if (isCamera(asked)) {
    const config = await decide(asked);
    const data = await inTurn(workers, world, "the scenes are there", () => openCamera(config));
    await say(config);
    return await trained(cameraTraining(config, data), config, dir, flags, workers);
  }
  const config = await decide(asked);
  await say(config);
  await trained(roomsTraining(config), config, dir, flags, workers);
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
