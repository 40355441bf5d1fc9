import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname } from "node:path";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { subsetOf } from "../../lib/datasets/subset.ts";
import { lossCurve } from "../../lib/figures/curves/loss_curve.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { randomStream } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { preset, type RunConfig } from "../../lib/jepa/pretraining/presets.ts";
import { jepaObjective, stepMasks } from "../../lib/jepa/pretraining/pretraining_objective.ts";
import { pretrain, type PretrainOptions } from "../../lib/methods/pretrain.ts";
import { fasterOf, productRates } from "../../lib/tensorflow/product_rates.ts";
import { readCheckpoint } from "../../lib/training/runs/checkpoint.ts";
import { isMeasured, type Monitor } from "../../lib/training/runs/run.ts";
import { initialState } from "../../lib/training/step.ts";

const random = randomStream(7);
const images = memoryDataset({
  name: "noise",
  classes: ["only"],
  pixels: Uint8Array.from({ length: 48 * 16 * 16 * 3 }, () => random.integer(256)),
  width: 16,
  height: 16,
  labels: new Int32Array(48),
});

/** 12 steps of a few milliseconds. */
const CONFIG: RunConfig = {
  ...preset("smoke"),
  architecture: {
    image: 16,
    patch: 4,
    width: 16,
    depth: 1,
    heads: 2,
    mlpRatio: 2,
    predictor: { width: 8, depth: 1, heads: 2 },
  },
  masks: { sampler: "multiBlock", blocks: 2, targetScale: [0.25, 0.25], contextLength: 5 },
  batch: 8,
  epochs: 2,
};

async function run(config: RunConfig, options: Partial<PretrainOptions> & { dir: string }) {
  const result = await pretrain(config, images, options);
  tf.dispose(result.targetEncoder);
  return result;
}

/** The folder and the log of a run of CONFIG that nothing has stopped; tests read them alone. */
let whole: ReturnType<typeof runWhole> | undefined;
const wholeRun = () => whole ??= runWhole();

async function runWhole() {
  const dir = `${await Deno.makeTempDir()}/whole`, { finished, step, log } = await run(CONFIG, { dir });
  assert(finished);
  assertEquals(step, 12);
  return { dir, log };
}

Deno.test.afterAll(async () => {
  if (whole) await Deno.remove(dirname((await whole).dir), { recursive: true });
});

/** Stops a run after a step. */
function stopAt(step: number): Pick<PretrainOptions, "signal" | "onStep"> {
  const controller = new AbortController();
  return { signal: controller.signal, onStep: (entry) => entry.step === step && controller.abort() };
}

const read = (dir: string, name: string) => Deno.readFile(`${dir}/${name}`);
/** A log without what depends on the machine: times, and when checkpoints were finished. */
const withoutTimes = (text: Uint8Array) =>
  new TextDecoder().decode(text).replaceAll(/"seconds":[\d.e+-]+|,"checkpoints":\[.*?\]/g, "");
const LAST = "checkpoint-00000012.safetensors";

async function assertSameRun(dir: string, other: string) {
  for (const name of [LAST, "encoder.safetensors"]) {
    assertEquals(await read(dir, name), await read(other, name), name);
  }
  assertEquals(withoutTimes(await read(dir, "log.jsonl")), withoutTimes(await read(other, "log.jsonl")));
}

Deno.test("pretrain() stopped by its signal and resumed ends with the same bits", async () => {
  const root = await Deno.makeTempDir();
  const stopped = await run(CONFIG, { dir: `${root}/stopped`, ...stopAt(5) });
  assert(!stopped.finished);
  assertEquals(stopped.step, 5);
  const resumed = await run(CONFIG, { dir: `${root}/stopped`, resume: true });
  assert(resumed.finished);
  assertEquals(resumed.log.length, 12);
  await assertSameRun((await wholeRun()).dir, `${root}/stopped`);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() decides a precision that is left open by the machine's rates, and resumed keeps what was decided", async () => {
  const root = await Deno.makeTempDir(), open: RunConfig = { ...CONFIG, precision: "auto" };
  const precisionOf = async (dir: string) => JSON.parse(await Deno.readTextFile(`${dir}/config.json`)).precision;
  await run(open, { dir: `${root}/begun`, ...stopAt(1) });
  const faster = fasterOf(await productRates(CONFIG.architecture.width));
  assertEquals(await precisionOf(`${root}/begun`), faster);

  const other = faster === "float32" ? "bfloat16" : "float32";
  await run({ ...CONFIG, precision: other }, { dir: `${root}/other`, ...stopAt(1) });
  assert((await run(open, { dir: `${root}/other`, resume: true })).finished);
  assertEquals(await precisionOf(`${root}/other`), other);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() killed beyond its last checkpoint goes on from there with the same bits", async () => {
  const root = await Deno.makeTempDir();
  const killed = `${root}/killed`;
  await run(CONFIG, { dir: killed, checkpointEvery: 4, ...stopAt(4) });
  // As a kill -9 leaves it: lines of steps beyond the checkpoint, the last one cut off.
  const beyond = (await Deno.readTextFile(`${(await wholeRun()).dir}/log.jsonl`)).split("\n").slice(4, 7).join("\n")
    .slice(0, -9);
  await Deno.writeTextFile(`${killed}/log.jsonl`, beyond, { append: true });
  await Deno.writeTextFile(`${killed}/checkpoint-00000008.safetensors.part`, "half a file");
  await run(CONFIG, { dir: killed, resume: true });
  await assertSameRun((await wholeRun()).dir, killed);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() killed before its first checkpoint begins again", async () => {
  const root = await Deno.makeTempDir();
  await run(CONFIG, { dir: `${root}/killed`, ...stopAt(2) });
  await Deno.remove(`${root}/killed/checkpoint-00000002.safetensors`);
  await run(CONFIG, { dir: `${root}/killed`, resume: true });
  await assertSameRun((await wholeRun()).dir, `${root}/killed`);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() is a run's only writer", async () => {
  const dir = `${await Deno.makeTempDir()}/run`, others: Promise<unknown>[] = [];
  const second = () => assertRejects(() => run(CONFIG, { dir, resume: true }), Error, "is being written by process");
  await run(CONFIG, { dir, onStep: ({ step }) => step < 3 && others.push(second()) });
  assertEquals((await Promise.all(others)).length, 2);
  await run(CONFIG, { dir, resume: true });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain() whose log is behind its checkpoint goes on with a gap in the log, and the same bits", async () => {
  const root = await Deno.makeTempDir(), dir = `${root}/gap`;
  const { dir: wholeDir } = await wholeRun();
  await run(CONFIG, { dir, ...stopAt(5) });
  const lines = (await Deno.readTextFile(`${dir}/log.jsonl`)).split("\n");
  await Deno.writeTextFile(`${dir}/log.jsonl`, lines.slice(0, 2).join("\n"));
  const { log } = await run(CONFIG, { dir, resume: true });
  assertEquals(log.map(({ step }) => step), [1, 2, 6, 7, 8, 9, 10, 11, 12]);
  assertEquals((lossCurve(log).data[0] as { x: number[] }).x, log.map(({ step }) => step));
  assertEquals((await Deno.readTextFile(`${dir}/log.jsonl`)).trimEnd().split("\n").length, 9);
  for (const name of ["checkpoint-00000012.safetensors", "encoder.safetensors"]) {
    assertEquals(await read(dir, name), await read(wholeDir, name), name);
  }
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() gives different weights for different seeds", async () => {
  const root = await Deno.makeTempDir();
  await run({ ...CONFIG, epochs: 0.5 }, { dir: `${root}/0` });
  await run({ ...CONFIG, epochs: 0.5, seed: 1 }, { dir: `${root}/1` });
  const [zero, one] = [await read(`${root}/0`, "encoder.safetensors"), await read(`${root}/1`, "encoder.safetensors")];
  assert(zero.some((byte, i) => byte !== one[i]));
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() stops at a loss that is not finite, says the step, and keeps the last good checkpoint", async () => {
  const dir = `${await Deno.makeTempDir()}/run`;
  const config: RunConfig = { ...CONFIG, learningRate: { start: 1e30, peak: 1e30, final: 1e30, warmup: 0 } };
  const error = await assertRejects(() => run(config, { dir, checkpointEvery: 1 }), Error, "Training stopped at step ");
  const step = Number(/at step (\d+)/.exec(error.message)![1]);
  assert(error.message.includes(`checkpoint of step ${step - 1}`), error.message);
  const like = initialState(jepaObjective(config, images));
  const kept = await readCheckpoint(`${dir}/checkpoint-${`${step - 1}`.padStart(8, "0")}.safetensors`, like);
  assertEquals(kept.step, step - 1);
  tf.dispose([like, kept.state] as unknown as tf.TensorContainer);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain() refuses a folder with a run, and resuming with other options or without a run", async () => {
  const root = await Deno.makeTempDir();
  await run(CONFIG, { dir: `${root}/run`, ...stopAt(1) });
  await assertRejects(() => run(CONFIG, { dir: `${root}/run` }), Error, "holds a run already");
  const other = { ...CONFIG, batch: 4, clip: 9 };
  await assertRejects(() => run(other, { dir: `${root}/run`, resume: true }), Error, "another clip, batch");
  await assertRejects(() => run(CONFIG, { dir: `${root}/none`, resume: true }), Error, "holds no run");
  const others = subsetOf(images, Uint32Array.from({ length: 40 }, (_, i) => i));
  const onOthers = () => pretrain(CONFIG, others, { dir: `${root}/run`, resume: true });
  await assertRejects(onOthers, Error, "was started on noise, and the images of 40 of noise are others: there are 40,");
  await assertRejects(() => run({ ...CONFIG, batch: 1 }, { dir: `${root}/new` }), RangeError, "at least 2 images");
  await assertRejects(() => run({ ...CONFIG, batch: 49 }, { dir: `${root}/new` }), RangeError, "fewer than a batch");
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() compiles at most twice for the masks as published, whatever their lengths", async () => {
  const dir = `${await Deno.makeTempDir()}/run`;
  const config: RunConfig = {
    ...CONFIG,
    architecture: { ...CONFIG.architecture, image: 32 },
    masks: { sampler: "multiBlockAsPublished", minKeep: 4 },
    epochs: 50 / 6,
  };
  const lengths = new Set(Array.from({ length: 50 }, (_, step) => {
    const { contextLength, targetLength } = stepMasks(config)(step);
    return `${contextLength} ${targetLength}`;
  }));
  assert(lengths.size > 10);
  let compilations = 0;
  const { log } = await run(config, { dir, onCompile: () => compilations++ });
  assertEquals(log.length, 50);
  assert(compilations >= 1 && compilations <= 2, `${compilations} compilations`);
  await Deno.remove(dir, { recursive: true });
});

/** The sum of all parameters, which every bit of them moves. */
const summing: Monitor["measure"] = (encoder) => {
  const sums = tf.tidy(() => Object.values(encoder).map((value) => tf.sum(value).dataSync()[0]));
  return Promise.resolve({ sum: sums.reduce((a, b) => a + b) });
};

Deno.test("pretrain() of pixels and of masked inputs keeps the encoder, and says what it predicted on resuming", async () => {
  const root = await Deno.makeTempDir(), short = { ...CONFIG, epochs: 0.5 };
  const usual = await run(short, { dir: `${root}/usual` });
  for (const targets of ["pixels", "maskedInput"] as const) {
    const dir = `${root}/${targets}`, config: RunConfig = { ...short, targets };
    const stopped = await run(config, { dir, ...stopAt(2) });
    assert(stopped.log[0].prediction !== usual.log[0].prediction);
    await assertRejects(() => run(short, { dir, resume: true }), Error, "another targets");
    const fromCheckpoint = await loadEncoder(`${dir}/checkpoint-00000002.safetensors`);
    assert((await run(config, { dir, resume: true })).finished);
    const loaded = await loadEncoder(dir);
    for (const { predictor } of [fromCheckpoint, loaded]) assertEquals(predictor === undefined, targets === "pixels");
    assertEquals(Object.keys(loaded.parameters), Object.keys(usual.targetEncoder));
    for (const each of [fromCheckpoint, loaded]) tf.dispose([each.parameters, each.predictor?.parameters ?? {}]);
  }
  await run({ ...short, targets: "representations" }, { dir: `${root}/said` });
  assertEquals(await read(`${root}/said`, "encoder.safetensors"), await read(`${root}/usual`, "encoder.safetensors"));
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() with a monitor ends with the same bits, and its log differs by the measures alone", async () => {
  const root = await Deno.makeTempDir();
  const plain = await wholeRun();
  const steps: number[] = [];
  const monitor: Monitor = {
    every: 5,
    async measure(encoder, step) {
      steps.push(step);
      tf.dispose(tf.randomNormal([100])); // work of its own
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await summing(encoder, step);
    },
  };
  const monitored = await run(CONFIG, { dir: `${root}/monitored`, monitor });
  assertEquals(steps, [1, 5, 10, 12]);
  for (const name of [LAST, "encoder.safetensors"]) {
    assertEquals(await read(plain.dir, name), await read(`${root}/monitored`, name), name);
  }
  assertEquals(monitored.log.filter(({ measures }) => measures).map(({ step }) => step), steps);
  const timeless = monitored.log.map(({ measures: _, checkpoints: __, ...entry }) => ({ ...entry, seconds: 0 }));
  assertEquals(timeless, plain.log.map(({ checkpoints: _, ...entry }) => ({ ...entry, seconds: 0 })));

  // Lines of the file are the entries; and what was measured last is the encoder that the run hands over.
  const lines = (await Deno.readTextFile(`${root}/monitored/log.jsonl`)).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), monitored.log);
  const { targetEncoder } = await pretrain(CONFIG, images, { dir: `${root}/again`, monitor });
  assertEquals((await summing(targetEncoder, 12)).sum, monitored.log[11].measures!.sum);
  tf.dispose(targetEncoder);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() with a monitor, stopped and resumed, ends with the log of one that was not stopped", async () => {
  const root = await Deno.makeTempDir(), monitor = { every: 3, measure: summing };
  await run(CONFIG, { dir: `${root}/whole`, monitor });
  await run(CONFIG, { dir: `${root}/stopped`, monitor, ...stopAt(7) });
  await run(CONFIG, { dir: `${root}/stopped`, monitor, resume: true });
  await assertSameRun(`${root}/whole`, `${root}/stopped`);
  await Deno.remove(root, { recursive: true });
});

Deno.test("pretrain() does not count a monitor's time as a step's, and passes its errors on", async () => {
  const root = await Deno.makeTempDir();
  let measuring = 0;
  const slow = async () => {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 300));
    measuring += performance.now() - start;
    return { x: 1 };
  };
  const start = performance.now();
  const { log } = await run(CONFIG, { dir: `${root}/slow`, monitor: { every: 6, measure: slow } });
  const whole = performance.now() - start, steps = 1000 * log.reduce((sum, { seconds }) => sum + seconds, 0);
  assert(steps + measuring <= whole, `${steps} ms of steps and ${measuring} ms of measuring in ${whole} ms`);

  const failing = { every: 4, measure: () => Promise.reject(new Error("no room")) };
  await assertRejects(() => run(CONFIG, { dir: `${root}/failing`, monitor: failing }), Error, "no room");
  await assertRejects(() => run(CONFIG, { dir: `${root}/0`, monitor: { ...failing, every: 0 } }), RangeError, "got 0");
  await Deno.remove(root, { recursive: true });
});

Deno.test("isMeasured() at the first steps, every so many, and the last", () => {
  const steps = (every: number, total: number) =>
    Array.from({ length: total }, (_, i) => i + 1).filter((step) => isMeasured(step, every, total));
  assertEquals(steps(29, 100), [1, 10, 29, 58, 87, 100]);
  assertEquals(steps(1000, 2500), [1, 10, 100, 1000, 2000, 2500]);
  assertEquals(steps(2000, 2500), [1, 10, 100, 1000, 2000, 2500]);
  assertEquals(steps(1, 3), [1, 2, 3]);
  assertEquals(steps(99, 2), [1, 2]);
});

Deno.test("pretrain() leaves no handles behind", async () => {
  const root = await Deno.makeTempDir();
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  await run(CONFIG, { dir: `${root}/a` });
  const before = handles();
  await run(CONFIG, { dir: `${root}/b` });
  assert(handles() <= before); // fewer, where the garbage collector has just found what earlier tests forgot
  await Deno.remove(root, { recursive: true });
});
