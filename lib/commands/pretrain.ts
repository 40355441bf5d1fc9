/**
 * `deno task pretrain`: sets up what is missing, pretrains with I-JEPA or a method beside it, and tells what the encoder is worth beside the same
 * network with random weights and raw pixels.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Dataset } from "../datasets/dataset.ts";
import { collapseWarning } from "../evaluation/collapse/collapse.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { representationMonitor } from "../evaluation/collapse/monitor.ts";
import type { EvaluationData } from "../evaluation/protocols.ts";
import { disposeSubject, encoderSubject, pixelSubject, randomSubject } from "../evaluation/subjects.ts";
import { lossCurve } from "../figures/loss_curve.ts";
import { masksFigure } from "../figures/masks_figure.ts";
import { formatDuration, formatNumber, progressBar } from "../figures/progress.ts";
import { saveFigure } from "../figures/save.ts";
import { contextOf, targetBlock } from "../jepa/masks.ts";
import type { RunConfig } from "../jepa/pretraining/presets.ts";
import { stepMasks } from "../jepa/pretraining/pretraining_objective.ts";
import { encoderOf } from "../methods/config.ts";
import { isJepa, type MethodConfig, objectiveOf, preset, PRESETS } from "../methods/methods.ts";
import { pretrain } from "../methods/pretrain.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import { readConfig } from "../training/run_folder.ts";
import { checkEvaluable, evaluationTable } from "./terminal/evaluation_table.ts";
import { precisionAdvice } from "./terminal/bfloat16.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { openImages, reportSkipped } from "./terminal/open_images.ts";
import { openScenes } from "./terminal/open_scenes.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup.ts";
import { stopSignal } from "./terminal/stop_signal.ts";

/** The presets' names, five to a line. */
function presetNames(): string {
  const names = Object.keys(PRESETS), lines = Math.ceil(names.length / 5);
  return Array.from({ length: lines }, (_, i) => names.slice(5 * i, 5 * (i + 1)).join(" | "))
    .join(" |\n                     ");
}

const HELP = `deno task pretrain [options]

Pretrains an encoder, with I-JEPA or the method that the preset's name begins with, and evaluates it. The first time it
downloads TensorFlow (274 MB) and CIFAR-10 (139 MB).

  --preset NAME      ${presetNames()} (default cifar10)
  --data NAME|DIR    cifar10, cifar100, scenes (drawn here; the evaluation counts their objects), or a folder of images in
                     folders of classes; with train/ and test/ or val/ inside, the second is used for the evaluation;
                     ImageNet's may hold its archives instead (default what the preset's name says)
  --epochs N         passes over the images
  --batch N          images a step
  --micro-batch N    images whose gradients are computed at once, where a whole step does not fit in memory; divides the
                     batch
  --lr X             peak learning rate
  --seed N           everything random follows from it (default 0)
  --precision P      float32 | bfloat16: what matrix products compute in
  --out DIR          the run's folder (default weights/PRESET-1, -2, ...)
  --resume           goes on with the run in --out, or with the newest of this preset
  --monitor N        steps between measurements of the encoder while it trains: RankMe, LiDAR, kNN and a linear probe of
                     2,000 training images, which go into the log and the loss curve; 0 for none (default a tenth of
                     the run, at least 50). Each takes about as long as training on 1,000 images
  --skip-bad-images  puts others in the place of images that cannot be read, and says which, instead of stopping
  --no-eval          leaves the evaluation out
  --help
`;

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** Scenes to train on, and to test on, where the data is "scenes". */
const SCENES = { train: 10_000, test: 1000, seed: 0 };

/** What a preset is for: the data set in its name. */
function defaultData(presetName: string): string {
  if (presetName.startsWith("scenes")) return "scenes";
  if (!presetName.includes("imagenet")) return "cifar10";
  throw new Error(
    `The preset ${presetName} is for ImageNet, which cannot be downloaded: say where it is with --data DIR.`,
  );
}

/** weights/PRESET-n: the newest one where a run is to go on, else the first that is free. */
async function defaultFolder(name: string, resume: boolean): Promise<string> {
  let n = 1;
  while (await exists(`weights/${name}-${n}`)) n++;
  if (!resume) return `weights/${name}-${n}`;
  if (n === 1) throw new Error(`There is no run of the preset ${name} to resume: start one without --resume.`);
  return `weights/${name}-${n - 1}`;
}

/** The masks of the run's first step over its first images, as a picture. */
async function saveMasks(config: RunConfig, dataset: Dataset, dir: string): Promise<void> {
  const { image, patch } = config.architecture;
  const grid = [image / patch, image / patch] as const;
  const count = Math.min(4, config.batch, dataset.length);
  const masks = stepMasks(config)(0);
  const { pixels } = await dataset.centred(Uint32Array.from({ length: count }, (_, i) => i), image);
  const examples = Array.from({ length: count }, (_, i) => ({
    pixels: pixels.subarray(i * image * image * 3, (i + 1) * image * image * 3),
    size: image,
    grid,
    context: contextOf(masks, i),
    targets: Array.from({ length: masks.blocks }, (_, m) => targetBlock(masks, m, i)),
  }));
  await saveFigure(masksFigure(examples), `${dir}/masks`);
}

/** The bar's names for what a monitor measured. */
function measuredFields(measures: Record<string, number> = {}): Record<string, number> {
  const names = { rankMe: "RankMe", lidar: "LiDAR", knn: "kNN %", linear: "linear %" };
  return Object.fromEntries(
    Object.entries(names).filter(([key]) => key in measures).map(([key, name]) => [name, measures[key]]),
  );
}

/** The quick evaluations of a finished run, as a table and as JSON. */
async function evaluateRun(
  { architecture, seed, precision }: MethodConfig,
  parameters: Parameters,
  data: EvaluationData,
  jsonPath: string,
): Promise<void> {
  const size = encoderOf(architecture), encoder = { size, parameters };
  const bar = progressBar({ label: "Evaluating", total: 2 * 3, unit: "evaluations" });
  let done = 0, stage = "";
  const options = { precision, onProgress: (images: number) => bar.update(done, { "now": stage, "images": images }) };
  const random = randomSubject(encoder, seed, options);
  const subjects = [encoderSubject("encoder", encoder, options), random, pixelSubject(size)];
  const onStage = (now: string) => bar.update(done++, { "now": stage = now, "images": 0 });
  const results = await evaluate(subjects, ["knn", "linear"], data, { seed, onStage }).finally(() => {
    bar.stop();
    disposeSubject(random);
  });
  console.log(evaluationTable(results));
  await Deno.writeTextFile(jsonPath, JSON.stringify({ seed, results }, null, 2) + "\n");
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    args: Deno.args,
    options: {
      "preset": { type: "string" },
      "data": { type: "string" },
      "epochs": { type: "string" },
      "batch": { type: "string" },
      "micro-batch": { type: "string" },
      "lr": { type: "string" },
      "seed": { type: "string" },
      "precision": { type: "string" },
      "out": { type: "string" },
      "resume": { type: "boolean", default: false },
      "monitor": { type: "string" },
      "skip-bad-images": { type: "boolean", default: false },
      "no-eval": { type: "boolean", default: false },
      "help": { type: "boolean", short: "h" },
    },
  });
  if (flags.help) return console.log(HELP);

  if (flags.resume && flags.out !== undefined && flags.preset !== undefined) {
    throw new Error("--resume goes on with what the run in --out was started with: leave --preset out.");
  }
  const name = flags.preset ?? "cifar10";
  const base = preset(name);
  const dir = flags.out ?? await defaultFolder(name, flags.resume);
  // What is not said again on resuming is as the run was started.
  const started = flags.resume ? await readConfig<MethodConfig>(dir) : base;
  const precision = oneOf("precision", flags.precision ?? started.precision, ["float32", "bfloat16"]);
  const microBatch = numberOf("micro-batch", flags["micro-batch"], { integer: true });
  const config: MethodConfig = {
    ...started,
    precision,
    epochs: numberOf("epochs", flags.epochs) ?? started.epochs,
    batch: numberOf("batch", flags.batch, { integer: true }) ?? started.batch,
    ...microBatch !== undefined ? { microBatch } : {},
    seed: numberOf("seed", flags.seed, { integer: true }) ?? started.seed,
    learningRate: { ...started.learningRate, peak: numberOf("lr", flags.lr) ?? started.learningRate.peak },
  };

  const monitorEvery = numberOf("monitor", flags.monitor, { integer: true });

  await setUpTensorFlow();
  const data = flags.data ?? defaultData(name);
  const drawn = data === "scenes" ? await openScenes({ ...SCENES, size: config.architecture.image }) : undefined;
  const { train, test } = drawn ?? await openImages(data, flags["skip-bad-images"]);
  if (test && !flags["no-eval"]) checkEvaluable(train, test);
  const { totalSteps } = objectiveOf(config, train);
  const every = monitorEvery ?? Math.max(50, Math.ceil(totalSteps / 10));
  const monitor = every > 0 ? await representationMonitor(config, train, { every }) : undefined;
  console.log(`${totalSteps} steps of ${config.batch} images from ${train.name}, into ${dir}`);
  const advice = precisionAdvice(config.precision);
  if (advice) console.warn(advice);

  const { signal, unlisten } = stopSignal();
  const bar = progressBar({ label: "Pretraining", total: totalSteps, unit: "steps" });
  let rate = 0, warned = false;
  const result = await pretrain(config, train, {
    dir,
    resume: flags.resume,
    monitor,
    signal,
    onCompile: ({ operations, seconds }) =>
      bar.log(`Compiled the step, ${operations} operations, in ${seconds.toFixed(0)} s.`),
    onStep: (entry) => {
      const now = config.batch / entry.seconds;
      rate = rate === 0 || entry.step < 3 ? now : 0.95 * rate + 0.05 * now;
      bar.update(entry.step, {
        "loss": entry.loss,
        "images/s": Math.round(rate),
        "lr": entry.learningRate,
        ...entry.momentum === undefined ? {} : { "EMA": entry.momentum },
        "feature std": entry.featureStd,
        ...measuredFields(entry.measures),
      });
      const warning = warned ? undefined : collapseWarning(entry, monitor);
      if (warning === undefined) return;
      bar.log(`Warning: ${warning}`);
      warned = true;
    },
  }).finally(() => {
    bar.stop();
    unlisten();
    monitor?.dispose();
  });
  if (!result.finished) {
    console.log(
      `Stopped at step ${result.step} of ${totalSteps}${
        result.step > 0 ? ", with a checkpoint" : ""
      }. Go on with: --resume --out ${dir}`,
    );
    return;
  }
  await saveFigure(lossCurve(result.log), `${dir}/loss`);
  if (isJepa(config)) await saveMasks(config, train, dir);
  const pictures = ["loss", ...isJepa(config) ? ["masks"] : []];
  const seconds = result.log.reduce((sum, entry) => sum + entry.seconds, 0);
  const images = result.log.length * config.batch;
  console.log(`Trained ${formatDuration(seconds)}, ${formatNumber(images / seconds)} images/s.`);

  if (!flags["no-eval"] && test) {
    await evaluateRun(config, result.targetEncoder, { images: { train, test } }, `${dir}/evaluation.json`);
  } else if (!flags["no-eval"]) {
    console.log("No evaluation: the data has no test/ or val/ folder beside train/.");
  }
  tf.dispose(result.targetEncoder);
  reportSkipped(train, test);
  console.log(
    `Weights: ${result.weights}\nPictures: ${
      pictures.map((name) => `${dir}/${name}.png`).join(", ")
    } (and .html, .svg)`,
  );
}

if (import.meta.main) await runCommand(main);
