/**
 * A training that leaves a folder: the loop of loop.ts with the log, checkpoints, a monitor, and the way back into a run
 * that was stopped.
 *
 * @module
 */
import type { TrainingData } from "../../datasets/dataset.ts";
import { fingerprintOf } from "../../datasets/fingerprint.ts";
import type { Parameters } from "../../nn/parameters.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { shareOf, type StepEntry, train } from "../loop.ts";
import type { Objective } from "../objective.ts";
import { checkpointSaver, type FileProgress, newestCheckpoint, type SavedCheckpoint } from "./run_checkpoints.ts";
import { openRunFolder, truncateLog } from "./run_folder.ts";
import { openRunLog } from "./run_log.ts";
import { initialState, type TrainingState } from "../step.ts";
import { partsOf } from "../steps.ts";

/** What is measured of a network now and then, besides each step's own values. */
export interface Monitor {
  /** Steps between measurements. */
  every: number;
  /**
   * Measures the encoder that the run keeps (I-JEPA: the target encoder) after `step` steps; its tensors stay the run's. A
   * resumed run ends with the log of one that was not stopped where this depends on nothing else.
   */
  measure(targetEncoder: Parameters, step: number): Promise<Record<string, number>>;
}

/** One line of log.jsonl; values that are not finite are written as null. */
export type RunLogEntry = StepEntry & {
  /** What a monitor measured after this step, by its names; absent where it did not measure. */
  measures?: Record<string, number>;
  /** The checkpoints that were finished since the step before, or, in the last line, after this one; absent for none. */
  checkpoints?: SavedCheckpoint[];
};

/** How to run it; none of this changes the result. */
export interface RunOptions<Entry = RunLogEntry> {
  /** The run's folder. */
  dir: string;
  /** Goes on from the folder's checkpoint instead of starting anew. */
  resume?: boolean;
  /** Steps between checkpoints, each of which is written beside the next steps. Default 200. */
  checkpointEvery?: number;
  /** How many checkpoints are kept, the newest; while one is written there is one more. Default 2. */
  keep?: number;
  /** Told of each step done, and of the steps in the whole run. */
  onStep?: (entry: Entry, totalSteps: number) => void;
  /** Told of each compilation: one for each signature of a batch's shapes, such as those of paddedSizes(). */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
  /** Told of how far large files are that are being read or written: checkpoints, and weights at the end. */
  onFile?: (progress: FileProgress) => void;
  /**
   * Told, in a sentence, of a damaged checkpoint that is passed over, a gap in the log, or a file system that cannot keep
   * other processes off the run. Default console.warn.
   */
  onNote?: (sentence: string) => void;
  /** Stops the run after the present step, with a checkpoint; where workers share it, one's signal stops all. */
  signal?: AbortSignal;
  /**
   * Those who share each step's micro-batches; see joinWorld(). The first alone writes, measures and is told of steps. Sums
   * are rounded in another order than those of one worker, and the same for the same number of workers. Default none.
   */
  workers?: Communicator;
  /** Sends gradients between workers as bfloat16, at half the traffic and with rounding errors. Default false. */
  bfloat16Sums?: boolean;
}

/** What belongs to a run besides its objective. */
export interface RunSetting {
  /** All that decides the result besides the images: kept as config.json. */
  config: object & { batch: number; microBatch?: number; precision: Precision; recompute?: boolean };
  /** What it trains on; left out where the configuration says that too, and there is no data.json. */
  images?: TrainingData;
  /** Measures the network of this name, a moving average or a trained one. */
  monitor?: Monitor & { network: string };
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

/** A new run's state, or the one that a stopped run left. */
async function openState<Inputs>(
  objective: Objective<Inputs>,
  { dir, resume, onFile, onNote = console.warn }: Pick<RunOptions, "dir" | "resume" | "onFile" | "onNote">,
): Promise<{ state: TrainingState; step: number; log: RunLogEntry[] }> {
  if (!resume) return { state: initialState(objective), step: 0, log: [] };
  const like = initialState(objective);
  disposeAll(like); // its shapes remain, and there is room for what is read
  const checkpoint = await newestCheckpoint(dir, like, { onFile, onNote });
  const log = await truncateLog<RunLogEntry>(dir, checkpoint?.step ?? 0, onNote);
  // Without one it was stopped before its first: from the beginning.
  return { ...(checkpoint ?? { state: initialState(objective), step: 0 }), log };
}

/** The state that the first worker opened, at every worker. */
async function shared(
  workers: Communicator,
  own: { state: TrainingState; step: number; log: RunLogEntry[] },
): Promise<typeof own> {
  const [step] = await workers.gather("the steps done before", `${own.step}`);
  const state = await workers.broadcast(own.state);
  disposeAll(own.state);
  return { ...own, state, step: Number(step) };
}

/** What there is to go on from, for errors. */
const keptIn = (dir: string, step: number) =>
  step > 0 ? `The checkpoint of step ${step} in ${dir} is kept` : `There is no checkpoint in ${dir} yet`;

/**
 * Trains an objective, writing the run into a folder: config.json, data.json where it trains on images, log.jsonl and the
 * newest checkpoints, which are written beside the steps that follow.
 *
 * The result depends on the objective, the configuration and the images alone: a run that was stopped, by its signal or by
 * a kill, and resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @typeParam Entry a line of the log: what the objective reports beside what every line has
 * @throws Error where the folder holds another run, or another process writes it, where there is nothing to resume, or, with
 *   the step, where loss or gradients are not finite or a checkpoint cannot be written; the last whole one is then left as
 *   it is
 */
export async function trainRun<Inputs, Entry extends RunLogEntry = RunLogEntry>(
  objective: Objective<Inputs>,
  setting: RunSetting,
  options: RunOptions<Entry>,
): Promise<Run<Entry>> {
  const { dir, checkpointEvery = 200, keep = 2, onStep, onCompile, onFile, signal, bfloat16Sums } = options;
  const { config, monitor } = setting, { totalSteps } = objective;
  const workers = options.workers && options.workers.size > 1 ? options.workers : undefined;
  const isFirst = !workers || workers.rank === 0;
  if (monitor && !(Number.isSafeInteger(monitor.every) && monitor.every >= 1)) {
    throw new RangeError(`A monitor measures every 1, 2, ... steps; got ${monitor.every}.`);
  }
  if (!(Number.isSafeInteger(checkpointEvery) && checkpointEvery >= 1)) {
    throw new RangeError(`A run writes a checkpoint every 1, 2, ... steps; got ${checkpointEvery}.`);
  }
  if (!(Number.isSafeInteger(keep) && keep >= 1)) {
    throw new RangeError(`A run keeps 1, 2, ... checkpoints; got ${keep}.`);
  }
  const parts = partsOf(config);
  shareOf(parts, workers ?? { rank: 0, size: 1 }); // before there is a folder

  await workers?.agree("the configuration", config);
  if (setting.images) await workers?.agree("the images", await fingerprintOf(setting.images));
  const openFolder = () => openRunFolder(dir, config, setting.images, options.resume ?? false, options.onNote);
  using _writer = isFirst ? await openFolder() : undefined;
  const own = await openState(objective, isFirst ? options : { dir, resume: false });
  const begun = workers ? await shared(workers, own) : own;
  const { log } = begun;
  const variables = new Variables(begun.state);
  disposeAll(begun.state);
  const saver = checkpointSaver({ dir, keep, step: begun.step, onFile });
  const measure = async (step: number) => {
    const held = variables.read();
    try {
      return await monitor!.measure({ ...held.trained, ...held.averages }[monitor!.network], step);
    } finally {
      disposeAll(held);
    }
  };

  using logFile = isFirst ? await openRunLog<RunLogEntry>(dir) : undefined;
  const checkSaved = (step: number) => {
    try {
      saver.check();
    } catch (error) {
      const why = `The run stopped at step ${step}: ${(error as Error).message}`;
      throw new Error(`${why} ${keptIn(dir, saver.step)}: go on with --resume once that is mended.`, { cause: error });
    }
  };
  /** Of the newest whole checkpoint; of several workers the first alone knows it. */
  const newestStep = async () => {
    await saver.settled();
    return workers ? Number((await workers.gather("the newest checkpoint", `${saver.step}`))[0]) : saver.step;
  };
  let newest = begun.step;
  try {
    const step = await train(objective, {
      ...{ variables, start: begun.step, parts, workers, bfloat16Sums, onCompile, signal },
      ...{ precision: config.precision, recompute: config.recompute },
      advice: () => `${keptIn(dir, newest)}; try a lower learning rate or a smaller clip.`,
      async onStep(values) {
        const entry: RunLogEntry = { ...values }, { step } = entry;
        const finite = Number.isFinite(entry.loss) && Number.isFinite(entry.gradientNorm);
        if (!finite) newest = await newestStep(); // for advice(), which any worker may be the first to give
        if (!logFile) return;
        if (monitor && finite && isMeasured(step, monitor.every, totalSteps)) entry.measures = await measure(step);
        const isDue = finite && step % checkpointEvery === 0 && step < totalSteps;
        if (isDue) await saver.settled();
        if (finite) checkSaved(step);
        const checkpoints = saver.take();
        if (checkpoints.length) entry.checkpoints = checkpoints;
        logFile.append(entry);
        log.push(entry);
        if (!finite) return;
        onStep?.(entry as Entry, totalSteps);
        if (isDue) saver.begin(variables.read(), step);
      },
    });
    if (logFile) {
      await saver.settled();
      checkSaved(step);
      if (saver.step < step) saver.begin(variables.read(), step);
      await saver.settled();
      checkSaved(step);
      const last = log.at(-1), { checkpoints = [] } = last ?? {}, late = saver.take();
      if (last && late.length) logFile.amend(Object.assign(last, { checkpoints: [...checkpoints, ...late] }));
    }
    return { finished: step === totalSteps, step, log: log as Entry[], state: variables.read() };
  } finally {
    await saver.settled();
    variables.dispose();
  }
}
