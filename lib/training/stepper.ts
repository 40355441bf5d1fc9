/**
 * How one step is computed: the whole batch at once, or micro-batch by micro-batch with gradients that are added up, over
 * other workers too.
 *
 * @module
 */
import type { Precision } from "../tensorflow/autocast.ts";
import { disposeAll, type Tensor, tf } from "../tensorflow/backend.ts";
import type { Communicator } from "../tensorflow/collectives/collectives.ts";
import { compileUpdate } from "../tensorflow/compile.ts";
import { Variables } from "../tensorflow/variables.ts";
import type { MicroBatch, Networks, Objective, Share } from "./objective.ts";
import { gradientsOf, type StepScalars, type TrainingState, trainingStep, update, zerosFor } from "./step.ts";

/** The other workers of a run, as a step needs them: see joinWorld(). */
export type Workers = Pick<Communicator, "rank" | "size" | "allReduce">;

/** A worker's micro-batches, one after another. */
export interface Source<Inputs> {
  /** The next one; its tensors are the caller's. */
  take(): Promise<MicroBatch<Inputs>>;
  /** Begins to make the next one's tensors: for when TensorFlow has been set to work on the last. */
  prepare(): void;
}

/** What every stepper needs. */
export interface StepperOptions {
  /** The state, updated in place. */
  variables: Variables<TrainingState>;
  /** What matrix products compute in. */
  precision?: Precision;
  /** Whether the backward pass computes each block again, to save memory. Default false. */
  recompute?: boolean;
  /** Sends gradients between workers as bfloat16. Default false. */
  bfloat16Sums?: boolean;
  /** Told of each compilation. */
  onCompile?: (compilation: { operations: number; seconds: number }) => void;
}

/** Runs steps. */
export interface Stepper<Inputs> {
  /** One step, and its values; `stop` is whether a worker wants to end. */
  step(
    source: Source<Inputs>,
    scalars: StepScalars,
    stop: boolean,
  ): Promise<{ values: Record<string, number>; epoch: number; stop: boolean }>;
  /** Frees what was compiled. */
  dispose(): void;
}

/** Scalars as one tensor, which a GPU gives back by one copy, and what they are called. */
interface Packed {
  names: string[];
  /** [names], float32 */
  values: Tensor;
}

const pack = (scalars: Record<string, Tensor>): Packed => ({
  names: Object.keys(scalars),
  values: tf.stack(Object.values(scalars)),
});

/** The values, whose tensor is disposed of. */
async function takeScalars({ names, values }: Packed): Promise<Record<string, number>> {
  try {
    const numbers = await values.data();
    return Object.fromEntries(names.map((name, i) => [name, numbers[i]]));
  } finally {
    values.dispose();
  }
}

/** The whole batch at once: gradients never leave the compiled function. */
export function wholeStepper<Inputs>(
  objective: Objective<Inputs>,
  { variables, precision, recompute, onCompile }: StepperOptions,
): Stepper<Inputs> {
  const run = compileUpdate(
    (state: TrainingState, frozen: Networks, inputs: Inputs, scalars: StepScalars) => {
      const { state: next, result } = trainingStep({ ...objective, frozen }, state, inputs, scalars);
      return { state: next, result: pack(result) };
    },
    variables,
    { name: objective.name, precision, recompute, onCompile },
  );
  return {
    async step(source, scalars, stop) {
      const { inputs, epoch } = await source.take();
      try {
        const running = run(objective.frozen ?? {}, inputs, scalars);
        source.prepare();
        return { values: await takeScalars(await running), epoch, stop };
      } finally {
        disposeAll(inputs);
      }
    },
    dispose: run.dispose,
  };
}

/** What is added up over micro-batches. */
interface Sums {
  gradients: Networks;
}

/** Micro-batch by micro-batch: gradients are added up, over the workers too, and then the update is made of their mean. */
export function accumulatingStepper<Inputs>(
  objective: Objective<Inputs>,
  { variables, precision, recompute, bfloat16Sums: bfloat16, onCompile }: StepperOptions,
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
      return { state: { gradients: Object.fromEntries(added) }, result: pack({ loss, ...reported }) };
    },
    sums,
    { name: objective.name, precision, recompute, onCompile },
  );
  const apply = compileUpdate(
    (state: TrainingState, gradients: Networks, scalars: StepScalars) => {
      const { state: next, gradientNorm } = update(objective, state, gradients, scalars);
      return { state: next, result: pack({ gradientNorm }) };
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
        try {
          const running = accumulate(trained, { ...averages, ...objective.frozen }, inputs, kept);
          source.prepare();
          for (const [name, value] of Object.entries(await takeScalars(await running))) {
            values[name] = (values[name] ?? 0) + value / parts;
          }
        } finally {
          disposeAll([inputs, kept]);
        }
      }
    } finally {
      disposeAll([trained, averages]);
    }
    return { values, epoch };
  }

  /** The sums over all workers; what they report, and whether one wants to stop, goes along. */
  async function overWorkers(gradients: Networks, values: Record<string, number>, stop: boolean) {
    if (!workers) return { gradients, values, stop };
    const scalars = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.scalar(value)]));
    const own = { gradients, scalars, told: { stop: tf.scalar(stop ? 1 : 0) } };
    try {
      const sums = await workers.allReduce(own, { bfloat16 });
      const reported = pack(sums.scalars), told = pack(sums.told);
      disposeAll([sums.scalars, sums.told]);
      return {
        gradients: sums.gradients,
        values: await takeScalars(reported),
        stop: (await takeScalars(told)).stop > 0,
      };
    } finally {
      disposeAll(own);
    }
  }

  return {
    async step(source, scalars, stop) {
      const own = await ownPart(source);
      const all = await overWorkers(sums.read().gradients, own.values, stop);
      try {
        const { gradientNorm } = await takeScalars(await apply(all.gradients, scalars));
        return { values: { ...all.values, gradientNorm }, epoch: own.epoch, stop: all.stop };
      } finally {
        disposeAll(all.gradients);
      }
    },
    dispose() {
      accumulate.dispose();
      apply.dispose();
      sums.dispose();
    },
  };
}
