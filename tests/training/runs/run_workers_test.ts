import "../../tensorflow/loaded.ts";
import { assertEquals, assertRejects } from "@std/assert";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import type { Communicator } from "../../../lib/tensorflow/collectives/collectives.ts";
import { flatten } from "../../../lib/tensorflow/structure.ts";
import { type Run, trainRun } from "../../../lib/training/runs/run.ts";
import { STEPS, toyObjective } from "../toy_run.ts";

const root = await Deno.makeTempDir({ prefix: "run_workers_test_" });
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const images = { name: "none", length: 2 } as Dataset;
const config = { batch: 2, microBatch: 1, precision: "float32" } as const;

/** Two workers in one process: each call waits for the other's, which has to be the same. */
function twoWorkers(): Communicator[] {
  const calls = [0, 0], rounds: { what: string; given: unknown[]; met: PromiseWithResolvers<void> }[] = [];
  const meet = async <T>(rank: number, what: string, given: T): Promise<T[]> => {
    const round = rounds[calls[rank]++] ??= { what, given: [], met: Promise.withResolvers() };
    assertEquals(what, round.what, "the workers are out of step");
    round.given[rank] = given;
    if (Object.keys(round.given).length === 2) round.met.resolve();
    await round.met.promise;
    return round.given as T[];
  };
  return [0, 1].map((rank) => ({
    ...{ rank, size: 2, lost: new AbortController().signal, close: () => Promise.resolve() },
    gather: (what, value) => meet(rank, what, value),
    agree: async (what, value) => void await meet(rank, what, value),
    async allReduce(tensors) {
      const own = flatten(tensors, "tensors");
      const [a, b] = await meet(rank, "sum", own.tensors.map((tensor) => tf.clone(tensor)));
      return own.rebuild(a.map((tensor, i) => tf.add(tensor, b[i]))) as typeof tensors;
    },
    async broadcast(tensors) {
      const own = flatten(tensors, "tensors");
      const [first] = await meet(rank, "broadcast", own.tensors.map((tensor) => tf.clone(tensor)));
      return own.rebuild(first.map((tensor) => tf.clone(tensor))) as typeof tensors;
    },
  }));
}

/** The toy in two micro-batches; its target is what `target` says of the step, from 0 on. */
function objective(target = (step: number) => Math.sin(step + 1)) {
  return {
    ...toyObjective(),
    async *batches(start: number, { from, to }: { from: number; to: number }) {
      for (let step = start;; step++) {
        for (let part = from; part < to; part++) {
          await Promise.resolve();
          yield { inputs: { target: tf.fill([256], target(step) + part) }, epoch: 0 };
        }
      }
    },
  };
}

const valuesOf = ({ state }: Run) => Object.values(state.trained.net).map((tensor) => tensor.dataSync());

Deno.test("two workers of a run end with one state, and the first alone has written; stopped at one, both stop and go on", async () => {
  const dir = `${root}/run`, stop = new AbortController(), steps: number[] = [];
  const start = (more: { resume?: boolean }, signals: AbortSignal[] = []) =>
    Promise.all(
      twoWorkers().map((workers, rank) =>
        trainRun(objective(), { config, images }, {
          ...{ dir: rank === 0 ? dir : `${root}/nobody's`, workers, signal: signals[rank], ...more },
          onStep: ({ step }) => {
            steps.push(step);
            if (step === 5) stop.abort();
          },
        })
      ),
    );
  const stopped = await start({}, [new AbortController().signal, stop.signal]);
  assertEquals(stopped.map(({ finished }) => finished), [false, false]);
  assertEquals(stopped[0].step, stopped[1].step);
  const done = await start({ resume: true });
  assertEquals(steps, Array.from({ length: STEPS }, (_, i) => i + 1));
  assertEquals(valuesOf(done[0]), valuesOf(done[1]));
  assertEquals(done.map(({ log }) => log.length), [STEPS, 0]);
  assertEquals((await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name), ["run"]);
});

Deno.test("whichever worker says first that the loss is not finite, it says which checkpoint is kept", async () => {
  const dir = `${root}/diverged`, diverging = objective((step) => step === 5 ? NaN : 1);
  const options = { dir, checkpointEvery: 4 };
  for (
    const workers of twoWorkers().map((workers) => trainRun(diverging, { config, images }, { ...options, workers }))
  ) {
    await assertRejects(
      () => workers,
      Error,
      `Training stopped at step 6: loss NaN, gradient norm NaN. The checkpoint of step 4 in ${dir} is kept; try a lower`,
    );
  }
});

Deno.test("a run that cannot be shared evenly, or is to write checkpoints at no step, leaves no folder", async () => {
  const dir = `${root}/never`, [workers] = twoWorkers(), setting = { config, images };
  const whole = { ...setting, config: { batch: 2, precision: "float32" } as const };
  await assertRejects(() => trainRun(objective(), whole, { dir, workers }), RangeError, "shared evenly by 2 workers");
  for (const checkpointEvery of [0, 0.5]) {
    await assertRejects(() => trainRun(objective(), setting, { dir, checkpointEvery }), RangeError, "every 1, 2, ...");
  }
  assertEquals(await Deno.stat(dir).catch(() => undefined), undefined);
});
