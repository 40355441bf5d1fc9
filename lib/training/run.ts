/**
 * A training that leaves a folder: the loop of loop.ts with the log, checkpoints, a monitor, and the way back into a run
 * that was stopped.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import { Variables } from "../tensorflow/variables.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { type StepEntry, train } from "./loop.ts";
import type { Objective } from "./objective.ts";
import { checkRun, createRun, truncateLog } from "./run_folder.ts";
import { initialState, type TrainingState } from "./step.ts";
import type { Workers } from "./stepper.ts";

/** What is measured of a network now and then, besides each step's own values. */
export interface Monitor {
  /** Steps between measurements. */
  every: number;
  /**
   * Measures the encoder that the run keeps (I-JEPA: the target encoder) after `step` steps; it stays the trainer's. A resumed run ends with the log of one that
   * was not stopped where this depends on nothing else.
   */
  measure(targetEncoder: Parameters, step: number): Promise<Record<string, number>>;
}

/** One line of log.jsonl; values that are not finite are written as null. */
export type RunLogEntry = StepEntry & {
  /** What a monitor measured after this step, by its names; absent where it did not measure. */
  measures?: Record<string, number>;
};

/** How to run it; none of this changes the result. */
export interface RunOptions<Entry = RunLogEntry> {
  /** The run's folder. */
  dir: string;
  /** Goes on from the folder's checkpoint instead of starting anew. */
  resume?: boolean;
  /** Steps between checkpoints. Default 200. */
  checkpointEvery?: number;
  /** Told of each step done, and of the steps in the whole run. */
  onStep?: (entry: Entry, totalSteps: number) => void;
  /** Told of each compilation: one for each signature of a batch's shapes. */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
  /** Stops the run after the present step, with a checkpoint. */
  signal?: AbortSignal;
}

/** What belongs to a run besides its objective. */
export interface RunSetting {
  /** All that decides the result besides the images: kept as config.json. */
  config: object & { batch: number; microBatch?: number; precision: Precision };
  /** What it trains on. */
  images: Dataset;
  /** Measures the network of this name, a moving average or a trained one. */
  monitor?: Monitor & { network: string };
  /** Those who share the work. */
  workers?: Workers;
}

/** What a training leaves. */
export interface Run<Entry = RunLogEntry> {
  /** Whether all steps are done; false where the signal stopped it. */
  finished: boolean;
  /** Steps done. */
  step: number;
  /** A line for each step, those before a resume included. */
  log: Entry[];
  /** The state; the caller disposes of it. */
  state: TrainingState;
}

/** Whether a monitor measures: every so many steps, after the last one, and at 1, 10, 100, ... before the first of these. */
export function isMeasured(step: number, every: number, totalSteps: number): boolean {
  return step % every === 0 || step === totalSteps || step < every && /^10*$/.test(String(step));
}

/**
 * Micro-batches in a step.
 *
 * @throws RangeError where they do not divide the batch
 */
export function partsOf({ batch, microBatch = batch }: { batch: number; microBatch?: number }): number {
  const parts = batch / microBatch;
  if (Number.isSafeInteger(microBatch) && microBatch >= 1 && Number.isInteger(parts)) return parts;
  throw new RangeError(`A batch of ${batch} images cannot be cut into micro-batches of ${microBatch}.`);
}

const CHECKPOINT = "checkpoint.safetensors";

/** A new run's state, or the one that a stopped run left. */
async function openRun<Inputs>(
  objective: Objective<Inputs>,
  { config, images }: RunSetting,
  { dir, resume }: Pick<RunOptions, "dir" | "resume">,
): Promise<{ state: TrainingState; step: number; log: RunLogEntry[] }> {
  if (!resume) {
    await createRun(dir, config, images);
    return { state: initialState(objective), step: 0, log: [] };
  }
  await checkRun(dir, config, images);
  const state = initialState(objective);
  const checkpoint = await readCheckpoint(`${dir}/${CHECKPOINT}`, state).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined; // Stopped before its first one: from the beginning.
    throw error;
  });
  const step = checkpoint?.step ?? 0;
  const log = await truncateLog<RunLogEntry>(dir, step);
  if (!checkpoint) return { state, step, log };
  disposeAll(state);
  return { ...checkpoint, log };
}

const encoder = new TextEncoder();

/**
 * Trains an objective, writing the run into a folder: config.json, data.json, log.jsonl and checkpoint.safetensors.
 *
 * The result depends on the objective, the configuration and the images alone: a run that was stopped, by its signal or by
 * a kill, and resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite; the last checkpoint is then left as it is
 */
export async function trainRun<Inputs>(
  objective: Objective<Inputs>,
  setting: RunSetting,
  options: RunOptions,
): Promise<Run> {
  const { dir, checkpointEvery = 200, onStep, onCompile, signal } = options;
  const { config, monitor, workers } = setting, { totalSteps } = objective;
  if (monitor && !(Number.isSafeInteger(monitor.every) && monitor.every >= 1)) {
    throw new RangeError(`A monitor measures every 1, 2, ... steps; got ${monitor.every}.`);
  }
  const parts = partsOf(config);

  const begun = await openRun(objective, setting, options);
  const { log } = begun;
  let saved = begun.step;
  const variables = new Variables(begun.state);
  disposeAll(begun.state);
  const checkpoint = async (step: number) => {
    const held = variables.read();
    await writeCheckpoint(`${dir}/${CHECKPOINT}`, held, step);
    disposeAll(held);
    saved = step;
  };
  const measure = async (step: number) => {
    const held = variables.read();
    try {
      return await monitor!.measure({ ...held.trained, ...held.averages }[monitor!.network], step);
    } finally {
      disposeAll(held);
    }
  };

  using logFile = await Deno.open(`${dir}/log.jsonl`, { append: true });
  try {
    const step = await train(objective, {
      ...{ variables, start: begun.step, parts, precision: config.precision, workers, onCompile, signal },
      advice: () => `The checkpoint of step ${saved} in ${dir} is kept; try a lower learning rate or a smaller clip.`,
      async onStep(values) {
        const entry: RunLogEntry = { ...values }, { step } = entry;
        const finite = Number.isFinite(entry.loss) && Number.isFinite(entry.gradientNorm);
        if (monitor && finite && isMeasured(step, monitor.every, totalSteps)) entry.measures = await measure(step);
        logFile.writeSync(encoder.encode(JSON.stringify(entry) + "\n"));
        log.push(entry);
        if (!finite) return;
        onStep?.(entry, totalSteps);
        if (step % checkpointEvery === 0 && step < totalSteps) await checkpoint(step);
      },
    });
    if (saved < step) await checkpoint(step);
    return { finished: step === totalSteps, step, log, state: variables.read() };
  } finally {
    variables.dispose();
  }
}
