/**
 * The training loop: batches and masks in, the compiled step, the log, checkpoints, and the way back into a run that was
 * stopped.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { batches } from "../datasets/loader.ts";
import { encoderShapes, predictorShapes } from "../jepa/architectures.ts";
import { maskSampler } from "../jepa/mask_samplers/by_name.ts";
import { type PaddedMasks, paddedSizes, padMasks } from "../jepa/mask_samplers/padding.ts";
import type { Masks } from "../jepa/masks.ts";
import type { StepInputs, targetRepresentations } from "../jepa/objective.ts";
import { saveEncoder } from "../jepa/save_encoder.ts";
import { initialise } from "../nn/initialisation.ts";
import type { Parameters } from "../nn/parameters.ts";
import { randomStream } from "../random.ts";
import { disposeAll, type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import { compileUpdate } from "../tensorflow/compile.ts";
import { Variables } from "../tensorflow/variables.ts";
import { biasCorrections } from "./adamw.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { RunConfig } from "./presets.ts";
import { checkRun, createRun, type LogEntry, truncateLog } from "./run_folder.ts";
import { cosine, linear, warmupCosine } from "./schedules.ts";
import { initialMoments, type StepMetrics, type StepScalars, type TrainingState, trainingStep } from "./step.ts";

/** Key of the masks' random streams; those of the images' crops have the epoch there, from 0 on. */
const MASK_STREAM = -1;

/** The masks of a run's step, counted from 0. */
export function stepMasks({ architecture, masks, batch, seed }: RunConfig): (step: number) => Masks {
  const grid = architecture.image / architecture.patch;
  const sampler = maskSampler(masks, [grid, grid]);
  return (step) => sampler(batch, randomStream(seed, MASK_STREAM, step));
}

/** What is measured of the target encoder now and then, besides each step's own metrics. */
export interface Monitor {
  /** Steps between measurements. */
  every: number;
  /**
   * Measures the target encoder after `step` steps; it stays the trainer's. A resumed run ends with the log of one that
   * was not stopped where this depends on nothing else.
   */
  measure(targetEncoder: Parameters, step: number): Promise<Record<string, number>>;
}

/** Whether a monitor measures: every so many steps, after the last one, and at 1, 10, 100, ... before the first of these. */
export function isMeasured(step: number, every: number, totalSteps: number): boolean {
  return step % every === 0 || step === totalSteps || step < every && /^10*$/.test(String(step));
}

/** How to run it; none of this but `targetsOf` changes the result. */
export interface PretrainOptions {
  /** The run's folder. */
  dir: string;
  /** Goes on from the folder's checkpoint instead of starting anew. */
  resume?: boolean;
  /** Steps between checkpoints. Default 200. */
  checkpointEvery?: number;
  /** Measures go into the log; see representationMonitor() for one. */
  monitor?: Monitor;
  /** Told of each step done, and of the steps in the whole run. */
  onStep?: (entry: LogEntry, totalSteps: number) => void;
  /** Told of each compilation: one, or two where the masks' lengths vary (see paddedSizes()). */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
  /**
   * What is predicted instead of targetRepresentations(), for experiments such as Table 7's pixelTargets(). The folder does
   * not keep it: a run that is resumed has to be given it again.
   */
  targetsOf?: typeof targetRepresentations;
  /** Stops the run after the present step, with a checkpoint. */
  signal?: AbortSignal;
}

/** What a run leaves. */
export interface PretrainResult {
  /** Whether all steps are done; false where `signal` stopped it. */
  finished: boolean;
  /** Steps done. */
  step: number;
  /** A line for each step, those before a resume included. */
  log: LogEntry[];
  /** The target encoder's parameters, which evaluations use; the caller disposes of them. */
  targetEncoder: Parameters;
  /** The file that holds them. */
  weights: string;
}

/** A run's state before its first step: the target encoder starts as a copy of the context encoder. */
export function initialState({ architecture, patchInitialisation, seed }: RunConfig): TrainingState {
  const contextEncoder = initialise(encoderShapes(architecture), seed, patchInitialisation);
  const predictor = initialise(predictorShapes(architecture), seed, patchInitialisation);
  return {
    contextEncoder,
    predictor,
    targetEncoder: Object.fromEntries(Object.entries(contextEncoder).map(([name, value]) => [name, tf.clone(value)])),
    contextMoments: initialMoments(contextEncoder),
    predictorMoments: initialMoments(predictor),
  };
}

/** Crops of each image in a batch: the invariance term compares two. */
const viewsOf = ({ regulariser }: RunConfig) => regulariser.invariance > 0 ? 2 : 1;

/** Steps of a whole run. */
export function totalStepsOf(config: RunConfig, images: number): number {
  const { epochs, batch } = config, apart = batch / viewsOf(config);
  if (!Number.isInteger(apart)) throw new RangeError(`Two crops of each image need an even batch; got ${batch}.`);
  if (!(batch >= 2)) throw new RangeError(`A step needs at least 2 images, to compare them; got a batch of ${batch}.`);
  if (images < apart) throw new RangeError(`${images} images are fewer than a batch of ${apart}: lower the batch.`);
  const steps = Math.round(epochs * Math.floor(images / apart));
  if (steps >= 1) return steps;
  throw new RangeError(`${epochs} epochs of ${images} images make no step of ${batch} images: raise the epochs.`);
}

/** The schedules' values for the update after `step` updates, as the authors' code steps them. */
function schedules({ learningRate, weightDecay, momentum }: RunConfig, totalSteps: number) {
  const rate = warmupCosine({ ...learningRate, warmupSteps: Math.round(learningRate.warmup * totalSteps), totalSteps });
  const decay = cosine({ ...weightDecay, totalSteps });
  const average = linear({ ...momentum, totalSteps });
  return (step: number) => ({
    learningRate: rate(step + 1),
    weightDecay: decay(step + 1),
    momentum: average(step),
  });
}

const encoder = new TextEncoder();

/** A new run's state, or the one that a stopped run left. */
async function openRun(
  config: RunConfig,
  images: Dataset,
  dir: string,
  resume: boolean,
): Promise<{ state: TrainingState; step: number; log: LogEntry[] }> {
  const state = initialState(config);
  if (!resume) {
    await createRun(dir, config, images);
    return { state, step: 0, log: [] };
  }
  await checkRun(dir, config, images);
  const checkpoint = await readCheckpoint(`${dir}/checkpoint.safetensors`, state).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined; // Stopped before its first one: from the beginning.
    throw error;
  });
  const step = checkpoint?.step ?? 0;
  const log = await truncateLog(dir, step);
  if (!checkpoint) return { state, step, log };
  disposeAll(state);
  return { ...checkpoint, log };
}

/** A step's schedule values and bias corrections as tensors. */
export function scalarTensors(values: Record<keyof StepScalars, number>): StepScalars {
  const { learningRate, weightDecay, momentum, correction1, correction2 } = values;
  return {
    learningRate: tf.scalar(learningRate),
    weightDecay: tf.scalar(weightDecay),
    momentum: tf.scalar(momentum),
    correction1: tf.scalar(correction1),
    correction2: tf.scalar(correction2),
  };
}

/** Ones for patches, then zeros for padding. */
const presence = (patches: number, length: number) =>
  tf.tensor1d(Float32Array.from({ length }, (_, i) => i < patches ? 1 : 0));

/** Images, uint8 [B, size, size, 3], and their masks as tensors. */
export function stepTensors(pixels: Uint8Array, size: number, masks: PaddedMasks): StepInputs {
  const { batch, blocks, contextLength, targetLength, unpadded } = masks;
  return {
    pixels: uint8Tensor(pixels, [batch, size, size, 3]),
    context: tf.tensor2d(masks.context, [batch, contextLength], "int32"),
    targets: tf.tensor3d(masks.targets, [blocks, batch, targetLength], "int32"),
    ...unpadded && {
      present: {
        context: presence(unpadded.contextLength, contextLength),
        targets: presence(unpadded.targetLength, targetLength),
      },
    },
  };
}

async function readMetrics(metrics: StepMetrics): Promise<Record<keyof StepMetrics, number>> {
  const read = async ([name, tensor]: [string, Tensor]) => [name, (await tensor.data())[0]];
  return Object.fromEntries(await Promise.all(Object.entries(metrics).map(read)));
}

/**
 * Pretrains an encoder with I-JEPA (paper, section 3), writing the run into a folder: config.json, log.jsonl,
 * checkpoint.safetensors, and at the end encoder.safetensors with the target encoder.
 *
 * The result depends on the configuration and the images alone: a run that was stopped, by its signal or by a kill, and
 * resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite; the last checkpoint is then left as it is
 */
export async function pretrain(config: RunConfig, dataset: Dataset, options: PretrainOptions): Promise<PretrainResult> {
  const { dir, resume = false, checkpointEvery = 200, monitor, onStep, onCompile, targetsOf, signal } = options;
  const { architecture, batch, crop, seed } = config;
  const totalSteps = totalStepsOf(config, dataset.length);
  if (monitor && !(Number.isSafeInteger(monitor.every) && monitor.every >= 1)) {
    throw new RangeError(`A monitor measures every 1, 2, ... steps; got ${monitor.every}.`);
  }
  const masksOf = stepMasks(config), sizes = paddedSizes(config.masks, architecture, batch);
  const scheduled = schedules(config, totalSteps);

  const begun = await openRun(config, dataset, dir, resume);
  const { log } = begun;
  let step = begun.step, saved = begun.step, last = performance.now();
  const variables = new Variables(begun.state);
  disposeAll(begun.state);
  const update = compileUpdate(
    (state: TrainingState, inputs: StepInputs, scalars: StepScalars) =>
      trainingStep(config, state, inputs, scalars, targetsOf),
    variables,
    { name: "training_step", precision: config.precision, recompute: config.recompute, onCompile },
  );
  const checkpoint = async () => {
    const held = variables.read();
    await writeCheckpoint(`${dir}/checkpoint.safetensors`, held, step);
    disposeAll(held);
    saved = step;
  };

  const measures = async () => {
    const held = variables.read();
    try {
      return await monitor!.measure(held.targetEncoder, step);
    } finally {
      disposeAll(held);
    }
  };

  using logFile = await Deno.open(`${dir}/log.jsonl`, { append: true });
  const stream = batches(dataset, { batch, views: viewsOf(config), size: architecture.image, crop, seed, start: step });
  try {
    while (step < totalSteps && !signal?.aborted) {
      const { pixels, epoch } = (await stream.next()).value!;
      const inputs = stepTensors(pixels, architecture.image, padMasks(masksOf(step), sizes));
      const values = scheduled(step);
      const scalars = scalarTensors({ ...values, ...biasCorrections(step + 1) });
      const metrics = await update(inputs, scalars);
      const measured = await readMetrics(metrics);
      disposeAll([inputs, scalars, metrics]);
      step++;

      const entry: LogEntry = { step, epoch, ...measured, ...values, seconds: (performance.now() - last) / 1000 };
      const finite = Number.isFinite(measured.loss) && Number.isFinite(measured.gradientNorm);
      if (monitor && finite && isMeasured(step, monitor.every, totalSteps)) entry.measures = await measures();
      last = performance.now();
      logFile.writeSync(encoder.encode(JSON.stringify(entry) + "\n"));
      log.push(entry);
      if (!finite) {
        throw new Error(
          `Training stopped at step ${step}: loss ${measured.loss}, gradient norm ${measured.gradientNorm}. The ` +
            `checkpoint of step ${saved} in ${dir} is kept; try a lower learning rate or a smaller clip.`,
        );
      }
      onStep?.(entry, totalSteps);
      if (step % checkpointEvery === 0 && step < totalSteps) await checkpoint();
    }
    if (saved < step) await checkpoint();

    const { targetEncoder, ...rest } = variables.read();
    const weights = `${dir}/encoder.safetensors`, finished = step === totalSteps;
    if (finished) {
      const { predictor: size, ...encoderSize } = architecture;
      const predictor = { size, parameters: rest.predictor };
      await saveEncoder(weights, { size: encoderSize, parameters: targetEncoder, predictor });
    }
    disposeAll(rest);
    return { finished, step, log, targetEncoder, weights };
  } finally {
    await stream.return();
    update.dispose();
    variables.dispose();
  }
}
