/** A training of a few numbers whose every bit follows from all steps before, in milliseconds. @module */
import type { Dataset } from "../../lib/datasets/dataset.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import type { Objective } from "../../lib/training/objective.ts";
import { type Run, type RunOptions, trainRun } from "../../lib/training/runs/run.ts";

export const STEPS = 12;

/** Fits a matrix to a target that changes with the step; `rows` of 256 numbers. */
export function toyObjective(rows = 16): Objective<{ target: ReturnType<typeof tf.fill> }> {
  return {
    name: "toy",
    totalSteps: STEPS,
    initialise: () => ({ net: { weight: tf.fill([rows, 256], 0.5), bias: tf.fill([256], 0.1) } }),
    averages: { average: "net" },
    async *batches(start) {
      for (let step = start;; step++) {
        await Promise.resolve();
        yield { inputs: { target: tf.fill([256], Math.sin(step + 1)) }, epoch: 0 };
      }
    },
    lossOf: (_, { target }) => ({ net }) => {
      const predicted = tf.add(tf.mean(net.weight, 0), net.bias);
      return { loss: tf.mean(tf.square(tf.sub(predicted, target))), reported: {} };
    },
    scheduled: (step) => ({ learningRate: 0.01 * (step + 1), weightDecay: 0.01, momentum: 0.9 }),
    clip: Infinity,
  };
}

const config = { batch: 1, precision: "float32" } as const;
const images = { name: "none", length: 1 } as Dataset;

/** Runs it, with a checkpoint every four steps, and disposes of the state. */
export async function toyRun(options: RunOptions, objective = toyObjective()): Promise<Run> {
  const run = await trainRun(objective, { config, images }, { checkpointEvery: 4, ...options });
  tf.dispose(run.state as unknown as Parameters<typeof tf.dispose>[0]);
  return run;
}

/** Stops a run after a step. */
export function stopAt(step: number): Pick<RunOptions, "signal" | "onStep"> {
  const controller = new AbortController();
  return { signal: controller.signal, onStep: (entry) => entry.step === step && controller.abort() };
}
