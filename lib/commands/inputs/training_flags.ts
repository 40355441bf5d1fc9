/**
 * The flags that all trainings have, and what they make of a configuration.
 *
 * @module
 */
import type { PrecisionChoice } from "../../tensorflow/autocast.ts";
import { numberOf, oneOf } from "../terminal/flags.ts";
import { PRECISION_HELP, PRECISIONS } from "../terminal/precision.ts";

/** For parseArgs(). */
export const TRAINING_FLAGS = {
  "epochs": { type: "string" },
  "batch": { type: "string" },
  "micro-batch": { type: "string" },
  "lr": { type: "string" },
  "seed": { type: "string" },
  "precision": { type: "string", values: PRECISIONS },
  "checkpoint-every": { type: "string" },
  "keep": { type: "string" },
} as const;

/** What --help says of those that change a configuration, where images are trained on. */
export const IMAGE_TRAINING_HELP = {
  "--epochs N": "passes over the images",
  "--batch N": "images a step",
  "--micro-batch N":
    "images whose gradients are computed at once, where a whole step does not fit in memory; divides the batch",
  "--lr X": "peak learning rate",
  "--seed N": "everything random follows from it (default 0)",
  "--precision P": `${PRECISION_HELP} (default the preset's own, mostly auto)`,
};

/** Their values. */
export type TrainingFlags = { [name in keyof typeof TRAINING_FLAGS]?: string };

/** What of a configuration they change. */
interface Training {
  batch: number;
  microBatch?: number;
  epochs: number;
  learningRate: { peak: number };
  precision: PrecisionChoice;
  seed: number;
}

/**
 * What the flags make of a preset, or of the configuration that a run was started with, for so many workers: where nobody
 * says otherwise, a step is cut into one micro-batch a worker.
 *
 * @throws Error that says what a flag takes, or that the workers cannot share a step evenly
 */
export function changedBy<Config extends Training>(flags: TrainingFlags, started: Config, workers: number): Config {
  const whole = (name: "batch" | "micro-batch" | "seed") => numberOf(name, flags[name], { integer: true });
  const batch = whole("batch") ?? started.batch;
  const own = whole("micro-batch") ?? started.microBatch,
    microBatch = own ?? (workers > 1 ? batch / workers : undefined);
  if (workers > 1 && !Number.isInteger(batch / (own ?? 1) / workers)) {
    const cut = own === undefined ? "" : ` in micro-batches of ${own}`;
    throw new Error(
      `A step of ${batch} images${cut} cannot be shared evenly by ${workers} workers: change --workers, --batch or ` +
        "--micro-batch.",
    );
  }
  return {
    ...started,
    batch,
    ...microBatch === undefined ? {} : { microBatch },
    epochs: numberOf("epochs", flags.epochs) ?? started.epochs,
    seed: whole("seed") ?? started.seed,
    precision: oneOf("precision", flags.precision ?? started.precision, PRECISIONS),
    learningRate: { ...started.learningRate, peak: numberOf("lr", flags.lr) ?? started.learningRate.peak },
  };
}

/** How often a run's state is kept, and how many times; for RunOptions. */
export function checkpointsOf(flags: TrainingFlags): { checkpointEvery?: number; keep?: number } {
  const count = (name: "checkpoint-every" | "keep") => numberOf(name, flags[name], { integer: true, least: 1 });
  return { checkpointEvery: count("checkpoint-every"), keep: count("keep") };
}
