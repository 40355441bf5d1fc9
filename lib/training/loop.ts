/**
 * The training loop of every objective: micro-batches in, the compiled step, values out.
 *
 * A step is defined by its batch, its cut into micro-batches and the seed; how many workers share the micro-batches
 * changes the rounding of sums and nothing else.
 *
 * @module
 */
import { disposeAll } from "../tensorflow/backend.ts";
import type { MicroBatch, Objective, Scheduled, Share } from "./objective.ts";
import { packedScalars } from "./step.ts";
import { accumulatingStepper, type Source, type StepperOptions, wholeStepper, type Workers } from "./stepper.ts";

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

/** How to run an objective. */
export interface TrainOptions extends StepperOptions {
  /** Steps done before. Default 0. */
  start?: number;
  /** Micro-batches that a step is computed in, at least as many as workers. Default 1. */
  parts?: number;
  /** Those who share the work. Default none. */
  workers?: Workers;
  /** Told of each step done; awaited before the next one. */
  onStep?: (entry: StepEntry & Record<string, number>) => void | Promise<void>;
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
function sourceOf<Inputs>(
  stream: ReturnType<Objective<Inputs>["batches"]>,
  count: number,
): Source<Inputs> & { close(): Promise<void> } {
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
      const scalars = packedScalars(scheduled, step, objective.beta2);
      const { values, epoch, stop } = await stepper.step(source, scalars, signal?.aborted ?? false)
        .finally(() => scalars.dispose());
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
