import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import type { StepInputs } from "../../lib/jepa/objective.ts";
import { preset } from "../../lib/jepa/pretraining/presets.ts";
import { jepaObjective, stepMasks, stepTensors } from "../../lib/jepa/pretraining/pretraining_objective.ts";
import type { Masks } from "../../lib/jepa/masks.ts";
import { randomStream } from "../../lib/random.ts";
import { disposeAll, tf } from "../../lib/tensorflow/backend.ts";
import { flatten, type Flattened } from "../../lib/tensorflow/structure.ts";
import { Variables } from "../../lib/tensorflow/variables.ts";
import { shareOf, type StepEntry, train, type TrainOptions } from "../../lib/training/loop.ts";
import type { Workers } from "../../lib/training/stepper.ts";
import type { Objective } from "../../lib/training/objective.ts";
import { initialState, type TrainingState } from "../../lib/training/step.ts";

const SIDE = 16, BATCH = 8, BYTES = SIDE * SIDE * 3;
const random = randomStream(5);
const pixels = Uint8Array.from({ length: 24 * BYTES }, () => random.integer(256));
const images = memoryDataset({
  ...{ name: "noise", classes: ["only"], pixels, width: SIDE, height: SIDE, labels: new Int32Array(24) },
});

const CONFIG = {
  ...preset("smoke"),
  architecture: {
    ...{ image: SIDE, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 },
    predictor: { width: 8, depth: 1, heads: 2 },
  },
  masks: { sampler: "multiBlock", blocks: 2, targetScale: [0.25, 0.25], contextLength: 5 } as const,
  regulariser: { variance: 0, covariance: 0, invariance: 0 },
  batch: BATCH,
  epochs: 6,
};

/** The rows of a part of a step's masks. */
function rowsOf(masks: Masks, first: number, count: number): Masks {
  const { contextLength: c, targetLength: t, blocks, batch } = masks;
  const block = (m: number) => masks.targets.subarray((m * batch + first) * t, (m * batch + first + count) * t);
  return {
    ...masks,
    batch: count,
    context: masks.context.subarray(first * c, (first + count) * c),
    targets: Int32Array.from(Array.from({ length: blocks }, (_, m) => [...block(m)]).flat()),
  };
}

/** I-JEPA with the masks of the whole batch however it is cut, so that micro-batches have nothing of their own. */
function cutObjective(steps = 4): Objective<StepInputs> {
  const objective = jepaObjective(CONFIG, images), masksOf = stepMasks(CONFIG);
  return {
    ...objective,
    totalSteps: steps,
    async *batches(start, { parts, from, to }) {
      for (let step = start;; step++) {
        const masks = masksOf(step), count = BATCH / parts, offset = (step % 3) * BATCH;
        for (let part = from; part < to; part++) {
          const first = offset + part * count, own = pixels.subarray(first * BYTES, (first + count) * BYTES);
          yield { inputs: stepTensors(own, SIDE, rowsOf(masks, part * count, count)), epoch: 0 };
        }
      }
    },
  };
}

async function run(objective: Objective<StepInputs>, options: Partial<TrainOptions> = {}) {
  const state = initialState(objective), variables = new Variables(state), log: StepEntry[] = [];
  disposeAll(state);
  try {
    const step = await train(objective, { variables, onStep: (entry) => void log.push(entry), ...options });
    return { state: variables.read(), log, step };
  } finally {
    variables.dispose();
  }
}

function largestDifference(a: TrainingState, b: TrainingState): number {
  const networks = (state: TrainingState) => [state.trained, state.averages].flatMap((some) => Object.values(some));
  const others = networks(b);
  return Math.max(
    ...networks(a).flatMap((p, i) =>
      Object.entries(p).map(([name, value]) => tf.max(tf.abs(tf.sub(value, others[i][name]))).dataSync()[0])
    ),
  );
}

/** Workers in one process, each of whose sums waits for the others'. */
function workersInOneProcess(size: number): Workers[] {
  let waiting: { given: Flattened; done: (sums: unknown) => void }[] = [];
  const allReduce = (rank: number) => <T>(tensors: T) =>
    new Promise<T>((done) => {
      waiting[rank] = { given: flatten(tensors, "tensors"), done: done as (sums: unknown) => void };
      if (Object.keys(waiting).length < size) return;
      const all = waiting;
      waiting = [];
      for (const { given, done } of all) {
        done(given.rebuild(given.tensors.map((_, i) => tf.addN(all.map((other) => other.given.tensors[i])))));
      }
    });
  return Array.from({ length: size }, (_, rank) => ({ rank, size, allReduce: allReduce(rank) }));
}

Deno.test("train() in micro-batches makes the step of the whole batch", async () => {
  const whole = await run(cutObjective()), cut = await run(cutObjective(), { parts: 4 });
  assertEquals(cut.step, 4);
  assertLess(largestDifference(whole.state, cut.state), 1e-5);
  for (const [i, { loss, gradientNorm }] of cut.log.entries()) {
    assertLess(Math.abs(loss - whole.log[i].loss), 1e-5);
    assertLess(Math.abs(gradientNorm - whole.log[i].gradientNorm), 1e-5);
  }
  assert(largestDifference(whole.state, initialState(cutObjective())) > 1e-4, "nothing was trained");
});

Deno.test("train() of several workers makes the step of one, and all end with the same state", async () => {
  const one = await run(cutObjective(), { parts: 4 });
  const two = await Promise.all(
    workersInOneProcess(2).map((workers) => run(cutObjective(), { parts: 4, workers })),
  );
  assertLess(largestDifference(one.state, two[0].state), 1e-6);
  assertEquals(largestDifference(two[0].state, two[1].state), 0);
  assertEquals(two[0].log.map(({ loss }) => loss), two[1].log.map(({ loss }) => loss));
  for (const [i, { loss }] of two[0].log.entries()) assertLess(Math.abs(loss - one.log[i].loss), 1e-6);
});

Deno.test("train() of several workers ends after the same step when one is told to stop", async () => {
  const controller = new AbortController();
  const results = await Promise.all(
    workersInOneProcess(2).map((workers, rank) =>
      run(cutObjective(50), {
        parts: 2,
        workers,
        signal: rank === 1 ? controller.signal : undefined,
        onStep: ({ step }) => void (rank === 1 && step === 3 && controller.abort()),
      })
    ),
  );
  assertEquals(results.map(({ step }) => step), [4, 4]);
});

Deno.test("train() makes no step once its signal says stop, and goes on from where it is told", async () => {
  assertEquals((await run(cutObjective(), { signal: AbortSignal.abort() })).step, 0);
  assertEquals((await run(cutObjective(), { start: 3 })).log.map(({ step }) => step), [4]);
  assertEquals((await run(cutObjective(), { start: 4 })).log, []);
});

Deno.test("train() says what to do about a loss that is not finite", async () => {
  const objective = cutObjective(), bad = { ...objective, scheduled: () => ({ learningRate: 1e30, weightDecay: 0 }) };
  const running = () => run(bad, { parts: 2, advice: () => "Rest." });
  await assertRejects(running, Error, ". Rest.");
  await assertRejects(running, Error, "Training stopped at step ");
});

Deno.test("train() leaves no handles behind, whole, cut or failed", async () => {
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const objective = cutObjective(2),
    fail = () => {
      throw new Error("broken");
    };
  const until = (count: number): typeof objective => ({
    ...objective,
    async *batches(start, share) {
      let left = count;
      for await (const batch of objective.batches(start, share)) {
        yield left-- > 0 ? batch : (disposeAll(batch.inputs), fail());
      }
    },
  });
  const ends: Record<string, (parts: number) => Promise<unknown>> = {
    "whole": async (parts) => disposeAll((await run(objective, { parts })).state),
    "with an image that cannot be read": (parts) => assertRejects(() => run(until(1), { parts }), Error, "broken"),
    "with a loss that cannot be recorded": (parts) =>
      assertRejects(() => run({ ...objective, lossOf: fail }, { parts }), Error, "broken"),
    "with a listener that fails": (parts) =>
      assertRejects(() => run(objective, { parts, onStep: fail }), Error, "broken"),
  };
  for (const [how, end] of Object.entries(ends)) {
    for (const parts of [1, 4]) {
      await end(parts);
      const before = handles();
      await end(parts);
      assert(handles() <= before, `${how}, ${parts} parts: ${before} handles became ${handles()}`);
    }
  }
});

Deno.test("shareOf() divides a step's micro-batches evenly, or says what to change", () => {
  assertEquals(shareOf(6, { rank: 1, size: 3 }), { parts: 6, from: 2, to: 4 });
  assertThrows(
    () => shareOf(6, { rank: 0, size: 4 }),
    RangeError,
    "6 micro-batches cannot be shared evenly by 4 workers",
  );
});
