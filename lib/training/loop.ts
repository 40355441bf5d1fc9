/**
 * The training loop of every objective: micro-batches in, the compiled step, values out.
 *
 * A step is defined by its batch, its cut into micro-batches and the seed; how many workers share the micro-batches
 * changes the rounding of sums and nothing else.
 *
 * @module
 */
import type { Precision } from "../tensorflow/autocast.ts";
import { disposeAll, type Tensor, tf } from "../tensorflow/backend.ts";
import { type Compiled, compileUpdate } from "../tensorflow/compile.ts";
import { Variables } from "../tensorflow/variables.ts";
import type { MicroBatch, Networks, Objective, Scheduled, Share } from "./objective.ts";
import {
  gradientsOf,
  scalarTensors,
  type StepMetrics,
  type StepScalars,
  type TrainingState,
  trainingStep,
  update,
  zerosFor,
} from "./step.ts";

/** One step, as it is logged. */
export type StepEntry = Scheduled & {
  /** Steps done, from 1 on. */
  step: number;
  /** Whole passes over the data before this step. */
  epoch: number;
  /** What was minimised. */
  loss: number;
  /** Norm of all gradients together, before clipping. */
  gradientNorm: number;
  /** Seconds that the step took, reading images included and what onStep() does not. */
  seconds: number;
};

/** The other workers of a run, as a step needs them. */
export interface Workers {
  /** Of this worker, from 0 on. */
  rank: number;
  /** How many there are, this one included. */
  size: number;
  /** The sums over all workers, element by element, of tensors that each has of the same shapes; new tensors. */
  sum(tensors: Tensor[]): Promise<Tensor[]>;
}

/** How to run an objective. */
export interface TrainOptions {
  /** The state, updated in place; stays the caller's. */
  variables: Variables<TrainingState>;
  /** Steps done before. Default 0. */
  start?: number;
  /** Micro-batches that a step is computed in, at least as many as workers. Default 1. */
  parts?: number;
  /** What matrix products compute in. */
  precision?: Precision;
  /** Those who share the work. Default none. */
  workers?: Workers;
  /** Told of each step done; awaited before the next one. */
  onStep?: (entry: StepEntry & Record<string, number>) => void | Promise<void>;
  /** Told of each compilation. */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
  /** What to do about a loss that is not finite, for the error. */
  advice?: () => string;
  /** Ends the training after a step: of all workers after the same one. */
  signal?: AbortSignal;
}

/** Which micro-batches of a step are a worker's: as many as every other's. */
export function shareOf(parts: number, { rank, size }: Pick<Workers, "rank" | "size">): Share {
  if (!Number.isSafeInteger(parts) || parts < 1 || parts % size !== 0) {
    throw new RangeError(
      `A step of ${parts} micro-batches cannot be shared evenly by ${size} workers: change the micro-batch or the workers.`,
    );
  }
  return { parts, from: rank * parts / size, to: (rank + 1) * parts / size };
}

/** A worker's micro-batches, one after another. */
interface Source<Inputs> {
  take(): Promise<MicroBatch<Inputs>>;
  /** Begins to make the next one's tensors: for when TensorFlow has been set to work on the last. */
  prepare(): void;
  close(): Promise<void>;
}

function sourceOf<Inputs>(stream: ReturnType<Objective<Inputs>["batches"]>, count: number): Source<Inputs> {
  let left = count, upcoming: Promise<MicroBatch<Inputs>> | undefined;
  const prepare = () => {
    if (upcoming || left === 0) return;
    left--;
    upcoming = stream.next().then(({ value }) => value as MicroBatch<Inputs>);
    upcoming.catch(() => {}); // met when its turn comes
  };
  return {
    prepare,
    take() {
      prepare();
      const own = upcoming!;
      upcoming = undefined;
      return own;
    },
    async close() {
      await upcoming?.then(({ inputs }) => disposeAll(inputs), () => {});
      await stream.return();
    },
  };
}

/** Runs one step, and tells its values; `stop` is whether a worker wants to end. */
interface Stepper<Inputs> {
  step(
    source: Source<Inputs>,
    scalars: StepScalars,
    stop: boolean,
  ): Promise<{ values: Record<string, number>; epoch: number; stop: boolean }>;
  dispose(): void;
}

const readScalars = async (tensors: Record<string, Tensor>): Promise<Record<string, number>> => {
  const read = async ([name, tensor]: [string, Tensor]) => [name, (await tensor.data())[0]];
  return Object.fromEntries(await Promise.all(Object.entries(tensors).map(read)));
};

/** The whole batch at once: gradients never leave the compiled function. */
function wholeStepper<Inputs>(
  objective: Objective<Inputs>,
  { variables, precision, onCompile }: TrainOptions,
): Stepper<Inputs> {
  const run = compileUpdate(
    (state: TrainingState, frozen: Networks, inputs: Inputs, scalars: StepScalars) =>
      trainingStep({ ...objective, frozen }, state, inputs, scalars),
    variables,
    { name: objective.name, precision, onCompile },
  ) as Compiled<[Networks, Inputs, StepScalars], StepMetrics>;
  return {
    async step(source, scalars, stop) {
      const { inputs, epoch } = await source.take();
      const running = run(objective.frozen ?? {}, inputs, scalars);
      source.prepare();
      const metrics = await running;
      const values = await readScalars(metrics);
      disposeAll([inputs, metrics]);
      return { values, epoch, stop };
    },
    dispose: run.dispose,
  };
}

/** What is added up over micro-batches. */
interface Sums {
  gradients: Networks;
}

/** Micro-batch by micro-batch: gradients are added up, over the workers too, and then the update is made of their mean. */
function accumulatingStepper<Inputs>(
  objective: Objective<Inputs>,
  { variables, precision, onCompile }: TrainOptions,
  { parts, from, to }: Share,
  workers: Workers | undefined,
): Stepper<Inputs> {
  const state = variables.read();
  const zeros: Sums = {
    gradients: Object.fromEntries(Object.entries(state.trained).map(([network, p]) => [network, zerosFor(p)])),
  };
  const sums = new Variables(zeros);
  disposeAll([state, zeros]);

  const accumulate = compileUpdate(
    ({ gradients: before }: Sums, trained: Networks, given: Networks, inputs: Inputs, kept: Tensor) => {
      const { loss, reported, gradients } = gradientsOf(trained, objective.lossOf(given, inputs));
      const added = Object.entries(before).map(([network, p]) => [
        network,
        Object.fromEntries(
          Object.entries(p).map((
            [name, sum],
          ) => [name, tf.add(tf.mul(sum, kept), tf.div(gradients[network][name], parts))]),
        ),
      ]);
      return { state: { gradients: Object.fromEntries(added) }, result: { loss, ...reported } };
    },
    sums,
    { name: objective.name, precision, onCompile },
  );
  const apply = compileUpdate(
    (state: TrainingState, gradients: Networks, scalars: StepScalars) => {
      const { state: next, gradientNorm } = update(objective, state, gradients, scalars);
      return { state: next, result: { gradientNorm } };
    },
    variables,
    { name: `${objective.name}_update`, precision, onCompile },
  );

  /** Adds up this worker's micro-batches in `sums`; their reported values come back as means over the whole step's. */
  async function ownPart(source: Source<Inputs>) {
    const values: Record<string, number> = {};
    const { trained, averages, ...moments } = variables.read();
    disposeAll(moments);
    let epoch = 0;
    try {
      for (let part = from; part < to; part++) {
        const { inputs, epoch: own } = await source.take();
        epoch = own;
        const kept = tf.scalar(part === from ? 0 : 1);
        const running = accumulate(trained, { ...averages, ...objective.frozen }, inputs, kept);
        source.prepare();
        const reported = await running;
        for (const [name, value] of Object.entries(await readScalars(reported))) {
          values[name] = (values[name] ?? 0) + value / parts;
        }
        disposeAll([inputs, kept, reported]);
      }
    } finally {
      disposeAll([trained, averages]);
    }
    return { values, epoch };
  }

  /** The sums over all workers; what they report, and whether one wants to stop, goes along. */
  async function overWorkers(gradients: Networks, values: Record<string, number>, stop: boolean) {
    if (!workers) return { gradients, values, stop };
    const paths = Object.entries(gradients).flatMap(([network, p]) => Object.keys(p).map((name) => [network, name]));
    const names = Object.keys(values);
    const told = tf.tensor1d([...Object.values(values), stop ? 1 : 0]);
    const summed = await workers.sum([...paths.map(([network, name]) => gradients[network][name]), told]);
    disposeAll([gradients, told]);
    const all: Networks = {};
    paths.forEach(([network, name], i) => (all[network] ??= {})[name] = summed[i]);
    const heard = await summed[paths.length].data();
    summed[paths.length].dispose();
    return {
      gradients: all,
      values: Object.fromEntries(names.map((name, i) => [name, heard[i]])),
      stop: heard[names.length] > 0,
    };
  }

  return {
    async step(source, scalars, stop) {
      const own = await ownPart(source);
      const all = await overWorkers(sums.read().gradients, own.values, stop);
      const metrics = await apply(all.gradients, scalars);
      const { gradientNorm } = await readScalars(metrics);
      disposeAll([all.gradients, metrics]);
      return { values: { ...all.values, gradientNorm }, epoch: own.epoch, stop: all.stop };
    },
    dispose() {
      accumulate.dispose();
      apply.dispose();
      sums.dispose();
    },
  };
}

/**
 * Trains until the objective's last step, or until a signal says to stop.
 *
 * @returns the steps done in all
 * @throws Error with the step where loss or gradients are not finite: the state is then of no use
 */
export async function train<Inputs>(objective: Objective<Inputs>, options: TrainOptions): Promise<number> {
  const { start = 0, parts = 1, workers, onStep, advice, signal } = options;
  const { totalSteps } = objective;
  const share = shareOf(parts, workers ?? { rank: 0, size: 1 });
  const stepper = parts === 1
    ? wholeStepper(objective, options)
    : accumulatingStepper(objective, options, share, workers);
  const source = sourceOf(objective.batches(start, share), (totalSteps - start) * (share.to - share.from));
  // With others a stop is agreed on in a step, which all take part in.
  let step = start, stopping = !workers && (signal?.aborted ?? false), last = performance.now();
  try {
    while (step < totalSteps && !stopping) {
      const scheduled = objective.scheduled(step);
      const scalars = scalarTensors(scheduled, step);
      const { values, epoch, stop } = await stepper.step(source, scalars, signal?.aborted ?? false);
      disposeAll(scalars);
      step++;
      const seconds = (performance.now() - last) / 1000;
      const { loss, gradientNorm } = values;
      await onStep?.({ step, epoch, loss, gradientNorm, ...values, ...scheduled, seconds });
      last = performance.now();
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        throw new Error(
          `Training stopped at step ${step}: loss ${loss}, gradient norm ${gradientNorm}. ${advice?.() ?? ""}`.trim(),
        );
      }
      // Alone, what onStep() said counts at once; with others, all hear of it within the next step.
      stopping = workers ? stop : signal?.aborted ?? false;
    }
    return step;
  } finally {
    await source.close();
    stepper.dispose();
  }
}
