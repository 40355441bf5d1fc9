/**
 * `deno task pretrain`: sets up what is missing, pretrains with I-JEPA or a method beside it, and tells what the encoder is
 * worth beside the same network with random weights and raw pixels.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { readingOf } from "../datasets/pixels/cut_image.ts";
import { standardisedPreprocessing } from "../datasets/channel_statistics.ts";
import { collapseWarning } from "../evaluation/collapse/collapse.ts";
import { checkProtocols, evaluate, type EvaluationResult } from "../evaluation/evaluate.ts";
import { representationMonitor } from "../evaluation/collapse/monitor.ts";
import type { EvaluationData } from "../evaluation/protocol.ts";
import { knownPixelResults } from "../evaluation/known_baselines.ts";
import { disposeSubject, encoderSubject, pixelSubject, randomSubject } from "../evaluation/subjects.ts";
import { formatNumber } from "../figures/progress.ts";
import { saveFigure } from "../figures/save.ts";
import { encoderOf } from "../methods/config.ts";
import { isJepa, type MethodConfig, objectiveOf, preset, PRESETS } from "../methods/methods.ts";
import { PRESET_PHRASES } from "../methods/preset_phrases.ts";
import { type LogEntry, pretrain, type PretrainResult } from "../methods/pretrain.ts";
import { checkChannels, standardised } from "../methods/parts/standardised.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import type { World } from "../tensorflow/collectives/channel.ts";
import type { Communicator } from "../tensorflow/collectives/collectives.ts";
import { type Decided, decided } from "../training/runs/decided.ts";
import { checkFree, checkSameConfig } from "../training/runs/run_folder.ts";
import { parseCommand } from "./terminal/command.ts";
import { commandLine, givenAgain, typedPath } from "./terminal/advice.ts";
import { changedBySet, CONFIG_FLAGS, SET_HELP } from "./inputs/config_flags.ts";
import { evaluationBar } from "./evaluation/evaluation_bar.ts";
import { evaluationTable } from "./evaluation/evaluation_table.ts";
import { numberOf } from "./terminal/flags.ts";
import { defaultFolder } from "./inputs/default_folder.ts";
import { CACHE_HELP, sideForCrops } from "./inputs/keep_images.ts";
import {
  dataOfRun,
  IMAGE_FLAGS,
  LAYOUT_HELP,
  openImages,
  PUBLISHED_HELP,
  reportSkipped,
  SKIP_HELP,
} from "./inputs/open_images.ts";
import { openScenes } from "./inputs/open_scenes.ts";
import { checkStart, configOf, dataOf, keptConfig, nameOf } from "./inputs/run_config.ts";
import { sayPrecision } from "./terminal/precision.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { isWorldRun, pretrainTheWorld } from "./training/pretrain_world.ts";
import { TRAINING_ENDS } from "./processes/exit_codes.ts";
import { WORKER_FLAGS, WORKER_HELP, workerFlags } from "./processes/launch_workers.ts";
import { shareTraining } from "./training/share_training.ts";
import { GIVEN_AGAIN, runTraining, tellTrained } from "./training/training.ts";
import { runMasks } from "./tensorboard/run_masks.ts";
import { runSummaries, TENSORBOARD_FLAG, TENSORBOARD_HELP } from "./tensorboard/run_summaries.ts";
import { fromFirst, inTurn } from "./processes/worker.ts";
import { changedBy, checkpointsOf, IMAGE_TRAINING_HELP, TRAINING_FLAGS } from "./inputs/training_flags.ts";
import { summariseTraining } from "./training/training_summary.ts";
import { CAMERA_PHRASES, CAMERA_PRESETS } from "../world/camera/camera_presets.ts";
import { WORLD_PHRASES, WORLD_PRESETS } from "../world/presets.ts";
import { writeFile } from "../write_file.ts";

const HELP = helpText(
  "deno task pretrain [options]",
  `Pretrains an encoder, with I-JEPA or the method that the preset's name begins with, and evaluates it. The first time it
  downloads TensorFlow (274 MB) and CIFAR-10 (139 MB). The presets that begin with two-rooms train a world model
  instead, on walks through two rooms that are made as it goes: deno task plan plans with it. The preset camera-scenes
  trains one of drawn scenes and a camera that is turned, on what an encoder of clips sees of them
  (--set encoder=DIR). Options of images are not theirs.`,
  {
    "--preset NAME": ["one of these (default cifar10)", { ...PRESET_PHRASES, ...WORLD_PHRASES, ...CAMERA_PHRASES }],
    "--config FILE": "a whole configuration instead of a preset, such as a run's config.json",
    "--set PATH=VALUE": `${SET_HELP}; masks.blocks=1, architecture.predictor.depth=6, targets=pixels,
      'crop.scale=[0.5,1]', 'masks={"sampler":"random"}'`,
    "--data NAME|DIR":
      `cifar10, cifar100, scenes (drawn here; the evaluation counts their objects), or a folder of images
      in folders of classes; with train/ and test/ or val/ inside, the second is used for the evaluation; ImageNet's may
      hold its archives instead; or published files: ${PUBLISHED_HELP} (default what the preset's name says, or the
      data.json beside --config; of a run that goes on, where its images were, and with it where they are now).
      Images of other channels than three, as of satellites and scanners, take --set architecture.channels=N: TIFFs and
      .npy [H, W, N] are read as the numbers they hold, and standardised by
      'standardise={"mean":[...],"deviation":[...]}', or else by what is measured`,
    ...IMAGE_TRAINING_HELP,
    "--out DIR": "the run's folder (default weights/PRESET-1, -2, ...; with --config its folder's name for PRESET)",
    "--resume": "goes on with the run in --out, or with the newest of this preset",
    "--checkpoint-every N": "steps between checkpoints (default 200)",
    "--keep N": `checkpoints that are kept, the newest (default 2), so that there is another where one is damaged; each
      takes four times the encoder's space, and while one is written there is one more`,
    "--monitor N": `steps between measurements of the encoder while it trains: RankMe, LiDAR, kNN and a linear probe of
      2,000 training images, which go into the log and the loss curve; 0 for none (default a tenth of the run, at least
      50). Each takes about as long as training on 1,000 images`,
    "--layout LAYOUT": `what the folder in --data is, where that is in doubt: ${LAYOUT_HELP}`,
    "--skip-bad-images": SKIP_HELP,
    "--no-eval": "leaves the evaluation out",
    ...CACHE_HELP,
    ...TENSORBOARD_HELP,
    ...WORKER_HELP,
  },
  TRAINING_ENDS,
);

/** The shorter side that a run's crops need. */
function sideFor(config: MethodConfig): number {
  const global = sideForCrops(config.architecture.image, config.crop);
  const local = "local" in config ? config.local : undefined;
  return Math.max(global, local ? sideForCrops(local.size, local.crop) : 0);
}

/** Scenes to train on, and to test on, where the data is "scenes". */
const SCENES = { train: 10_000, test: 1000, seed: 0 };

/** Scenes of a size, and what they are opened again by. */
async function openDrawn(size: number): Promise<{ train: Dataset; test: Dataset }> {
  const { train, test } = await openScenes({ ...SCENES, size });
  return { train: { ...train, source: "scenes" }, test };
}

/** What a monitor measured, in words. */
function measured(measures: Record<string, number>): string {
  const names = { rankMe: "RankMe", lidar: "LiDAR", knn: "kNN %", linear: "linear %" };
  return Object.entries(names).filter(([key]) => key in measures)
    .map(([key, name]) => `${name} ${formatNumber(measures[key])}`).join(", ");
}

/** The evaluations after a run. */
const PROTOCOLS_AFTER = ["knn", "linear-fast"] as const;

/** Holds, before the training, that these can be made after it. */
function checkEvaluation(train: Dataset, test: Dataset): void {
  try {
    checkProtocols(PROTOCOLS_AFTER, { images: { train, test } });
  } catch (error) {
    throw new Error(`Without --no-eval the encoder is evaluated after the training: ${(error as Error).message}`);
  }
}

/** The quick evaluations of a finished run, as a table and as JSON. */
async function evaluateRun(
  { architecture, standardise, seed, precision }: Decided<MethodConfig>,
  parameters: Parameters,
  data: Pick<Required<EvaluationData>, "images">,
  jsonPath: string,
): Promise<EvaluationResult[]> {
  const size = encoderOf(architecture), preprocessing = standardisedPreprocessing(size.image, standardise);
  const encoder = { size, parameters, preprocessing };
  const known = knownPixelResults(data.images, size.image, seed), pixels = known ? [] : [pixelSubject(size)];
  const bar = evaluationBar(2 * (2 + pixels.length)), options = { precision, onProgress: bar.onProgress };
  // Of the same architecture and seed the next run's are the same.
  const random = randomSubject(encoder, seed, { ...options, cache: "data/features" });
  const subjects = [encoderSubject("encoder", encoder, options), random, ...pixels];
  const told = { onStage: bar.onStage, onProgress: bar.onProgress };
  const measured = await evaluate(subjects, PROTOCOLS_AFTER, data, { seed, ...told }).finally(() => {
    bar.stop();
    disposeSubject(random);
  });
  const results = [...measured, ...known ?? []];
  console.log(evaluationTable(results));
  await writeFile(jsonPath, JSON.stringify({ seed, results }, null, 2) + "\n");
  return results;
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "preset": { type: "string", values: Object.keys({ ...PRESETS, ...WORLD_PRESETS, ...CAMERA_PRESETS }) },
    ...CONFIG_FLAGS,
    "data": { type: "string", values: "folder" },
    "out": { type: "string", values: "folder" },
    "resume": { type: "boolean", default: false },
    "monitor": { type: "string" },
    ...TRAINING_FLAGS,
    ...IMAGE_FLAGS,
    "no-eval": { type: "boolean", default: false },
    ...TENSORBOARD_FLAG,
    ...WORKER_FLAGS,
  },
} as const;

const parse = (args: string[]) => parseCommand(COMMAND, args);
type Flags = NonNullable<Awaited<ReturnType<typeof parse>>>["values"];

/** How to go on with the run in a folder, as it is typed. */
const howToGoOn = (dir: string, flags: Flags) =>
  commandLine(
    ...["pretrain", "--resume", "--out", typedPath(dir)] as const,
    ...givenAgain(flags, ...GIVEN_AGAIN, "monitor", "no-eval"),
  );

/** The run's folder, free where the run is new. */
async function folderOf(flags: Flags): Promise<string> {
  const dir = flags.out ?? await defaultFolder(nameOf(flags), flags.resume);
  if (!flags.resume) await checkFree(dir, howToGoOn(dir, flags));
  return dir;
}

const monitorOf = (flags: Flags) => numberOf("monitor", flags.monitor, { integer: true });

/** Pretrains and evaluates, as one of the workers. */
async function run(flags: Flags, dir: string, workers: Communicator, world: World): Promise<void> {
  // What is not said again on resuming is as the run was started.
  const kept = flags.resume ? await fromFirst(workers, "the run's configuration", () => keptConfig(dir)) : undefined;
  const asked = await configOf(flags, workers.size, kept), { width } = asked.architecture;
  if (kept) checkSameConfig(dir, kept, asked); // before images are opened
  const precise = await decided(asked, width, { dir, resume: flags.resume, workers });
  const monitorEvery = monitorOf(flags);
  const data = flags.data ??
    await fromFirst(workers, "the run's images", () => flags.resume ? dataOfRun(dir) : dataOf(flags));

  const { train, test } = await inTurn(
    workers,
    world,
    "the images are there",
    () =>
      data === "scenes"
        ? openDrawn(precise.architecture.image)
        : openImages(data, flags, sideFor(precise), readingOf(precise.architecture.channels)),
  );
  checkChannels(precise, train);
  const config = await standardised(precise, train, { dir, resume: flags.resume });
  if (test && !flags["no-eval"]) checkEvaluation(train, test);
  const { totalSteps } = objectiveOf(config, train);
  const every = workers.rank > 0 ? 0 : monitorEvery ?? Math.max(50, Math.ceil(totalSteps / 10));
  const monitor = every > 0 ? await representationMonitor(config, train, { every }) : undefined;
  let warned = false;
  if (workers.rank === 0) await sayPrecision(asked.precision, config.precision, width);
  const training = { label: "Pretraining", dir, config, totalSteps, train, goOn: howToGoOn(dir, flags) };
  const fieldsOf = (entry: LogEntry, say: (sentence: string) => void) => {
    const warning = warned ? undefined : collapseWarning(entry, monitor);
    if (warning !== undefined) say(`Warning: ${warning}`);
    warned ||= warning !== undefined;
    if (entry.measures) say(`Step ${entry.step}: ${measured(entry.measures)}.`);
    return {
      ...entry.momentum === undefined ? {} : { "EMA": entry.momentum },
      "feature std": entry.featureStd,
    };
  };
  const masks = workers.rank === 0 && isJepa(config) ? await runMasks(config, train) : undefined;
  const open = workers.rank === 0 && flags.tensorboard;
  using summaries = open ? runSummaries(dir, config.batch) : undefined;
  if (masks && !flags.resume) await summaries?.picture(0, "masks", masks);
  const measuring = monitor && {
    ...monitor,
    async measure(encoder: Parameters, step: number) {
      await summaries?.weights(step, encoder);
      return await monitor.measure(encoder, step);
    },
  };
  const result = await runTraining<LogEntry, PretrainResult>(
    { ...training, fieldsOf, summaries },
    flags,
    workers,
    (options) => pretrain(config, train, { ...options, monitor: measuring }),
  ).finally(() => monitor?.dispose());
  if (workers.rank > 0) return;
  if (!monitor) await summaries?.weights(totalSteps, result.targetEncoder);
  const pictures = await summariseTraining(result.log, config.batch, dir);
  if (masks) {
    await saveFigure(masks, `${dir}/masks`);
    pictures.push(`${dir}/masks.png`);
  }
  await tellTrained(dir, result, { pictures }); // the evaluation may fail

  let evaluation: EvaluationResult[] | undefined;
  if (!flags["no-eval"] && test) {
    evaluation = await evaluateRun(config, result.targetEncoder, { images: { train, test } }, `${dir}/evaluation.json`);
  } else if (!flags["no-eval"]) {
    console.log("No evaluation: the data has no test/ or val/ folder beside train/.");
  }
  tf.dispose(result.targetEncoder);
  const skipped = [...new Set([...result.skipped, ...train.skipped ?? []])]; // by the evaluation too
  reportSkipped({ name: train.name, skipped }, ...test ? [test] : []);
  await tellTrained(dir, { ...result, skipped }, { pictures, evaluation });
  console.log(`Weights: ${result.weights}\nPictures: ${pictures.join(", ")} (and .html, .svg)`);
}

export async function main(args: string[]): Promise<void> {
  const parsed = await parse(args);
  if (!parsed) return;
  const { values: flags, tokens } = parsed;
  checkStart(flags, COMMAND.options.preset.values);
  if (await isWorldRun(flags)) return await pretrainTheWorld(flags, tokens);
  const { workers } = workerFlags(flags);
  // What can be said of them before anything is loaded.
  // A run that goes on may be another's than the preset.
  if (flags.resume) changedBy(flags, preset(nameOf(flags)), 1), changedBySet({}, flags);
  else await configOf(flags, workers);
  monitorOf(flags), checkpointsOf(flags);
  await shareTraining(flags, tokens, { folderOf, howToGoOn, run });
}

if (import.meta.main) await runCommand(main);
