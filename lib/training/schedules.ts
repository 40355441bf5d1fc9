/**
 * How learning rate, weight decay and EMA momentum change during a run: pure functions of the step.
 *
 * A step is a real place on the axis 0 .. totalSteps: `start` is the value at 0, `final` the value at totalSteps and
 * after it. Which place belongs to an update is the caller's choice. The authors' code advances the schedules of the
 * learning rate and the weight decay before an update and reads the EMA momentum after it without advancing, so that
 * the update with index k (the first is 0) uses `learningRate(k + 1)`, `weightDecay(k + 1)` and `momentum(k)`.
 *
 * @module
 */
import type { Scheduled } from "./objective.ts";

/** What a run's configuration says of its schedules. */
export interface RunSchedules {
  /** Linear from `start` to `peak` over the first `warmup` share of the steps, then a cosine to `final`. */
  learningRate: { start: number; peak: number; final: number; warmup: number };
  /** From `start` to `final` along half a cosine, the default, or a line; on matrices only. */
  weightDecay: { start: number; final: number; shape?: "cosine" | "linear" };
  /** Momentum of the moving average, where there is one: linear from `start` to `final`. */
  momentum?: { start: number; final: number };
}

/** A run's values for the update after `step` updates, as the authors' code steps them. */
export function runSchedules(
  { learningRate, weightDecay, momentum }: RunSchedules,
  totalSteps: number,
): (step: number) => Scheduled {
  const rate = warmupCosine({ ...learningRate, warmupSteps: Math.round(learningRate.warmup * totalSteps), totalSteps });
  const decay = (weightDecay.shape === "linear" ? linear : cosine)({ ...weightDecay, totalSteps });
  const average = momentum && linear({ ...momentum, totalSteps });
  return (step) => ({
    learningRate: rate(step + 1),
    weightDecay: decay(step + 1),
    ...average ? { momentum: average(step) } : {},
  });
}

/** The value at a step, counted in updates of the whole run. */
export type Schedule = (step: number) => number;

/** Where a schedule starts, where it ends, and after how many steps. */
export interface Ramp {
  /** Value at step 0. */
  start: number;
  /** Value at the last step, and after it. */
  final: number;
  /** Steps of the whole run. */
  totalSteps: number;
}

/**
 * The learning rate of the paper: linear from `start` to `peak` in `warmupSteps`, then half a cosine from `peak` to
 * `final`. Paper, IN-1k: 1e-4 to 1e-3 in 15 epochs, then to 1e-6.
 *
 * @throws RangeError unless 0 <= warmupSteps < totalSteps.
 */
export function warmupCosine(options: Ramp & { peak: number; warmupSteps: number }): Schedule {
  const { start, peak, final, warmupSteps, totalSteps } = options;
  if (!(warmupSteps >= 0 && warmupSteps < totalSteps)) {
    throw new RangeError(
      `A warm-up must be shorter than the run; got ${warmupSteps} warm-up steps of ${totalSteps} in all.`,
    );
  }
  const fall = cosine({ start: peak, final, totalSteps: totalSteps - warmupSteps });
  if (warmupSteps === 0) return fall;
  const rise = linear({ start, final: peak, totalSteps: warmupSteps });
  return (step) => step < warmupSteps ? rise(step) : fall(step - warmupSteps);
}

/** Half a cosine from `start` to `final`, up or down. The authors' code uses it for weight decay, 0.04 to 0.4. */
export function cosine({ start, final, totalSteps }: Ramp): Schedule {
  checkSteps(totalSteps);
  return (step) => final + (start - final) * (1 + Math.cos(Math.PI * progress(step, totalSteps))) / 2;
}

/** A straight line from `start` to `final`: the EMA momentum, 0.996 to 1, and the paper's weight decay, 0.04 to 0.4. */
export function linear({ start, final, totalSteps }: Ramp): Schedule {
  checkSteps(totalSteps);
  return (step) => start + (final - start) * progress(step, totalSteps);
}

function progress(step: number, totalSteps: number): number {
  return Math.min(Math.max(step / totalSteps, 0), 1);
}

function checkSteps(totalSteps: number): void {
  if (!(totalSteps > 0 && totalSteps < Infinity)) {
    throw new RangeError(`A schedule needs a positive number of steps; got totalSteps = ${totalSteps}.`);
  }
}
