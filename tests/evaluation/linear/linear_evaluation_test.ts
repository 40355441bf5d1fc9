import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import type { Features } from "../../../lib/evaluation/features/features.ts";
import { memorySource } from "../../../lib/evaluation/features/layer_source.ts";
import {
  evaluateHeads,
  linearEvaluation,
  type LinearEvaluationOptions,
} from "../../../lib/evaluation/linear/linear_evaluation.ts";
import { TRANSFER_RECIPES } from "../../../lib/evaluation/linear/linear_recipes.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { clusters } from "../clusters.ts";

const QUICK: LinearEvaluationOptions = { learningRates: [0.05, 0.001], epochs: 8, batch: 20 };

Deno.test("linearEvaluation() separates what is separable, and says how each variant did", async () => {
  const steps: number[] = [];
  const train = { last: clusters(400, 6, 4, 12, 1), last4: clusters(400, 8, 4, 12, 1) };
  const test = { last: clusters(200, 6, 4, 12, 2), last4: clusters(200, 8, 4, 12, 2) };
  const result = await linearEvaluation(train, test, {
    ...QUICK,
    onProgress: (step, total) => steps.push(step / total),
  });
  assertEquals([result.accuracy, result.chosen.heldOutAccuracy], [100, 100]);
  assertEquals(result.predictions, test.last.labels);
  // Eight passes over 400 images, by 20 a step.
  assertEquals([steps.length, steps.at(-1)], [160, 1]);
  const variants = result.variants.map((v) => [v.layer, v.batchNorm, v.learningRate, v.weightDecay].join(" "));
  assertEquals(new Set(variants).size, 16);
  assertEquals(variants[0], "last false 0.05 0.0005");
  assertEquals(variants[15], "last4 true 0.001 0");
});

Deno.test("linearEvaluation() is at chance where there is nothing to learn", async () => {
  const { accuracy } = await linearEvaluation(
    { last: clusters(1000, 5, 4, 0, 1) },
    { last: clusters(2000, 5, 4, 0, 2) },
    { ...QUICK, epochs: 4 },
  );
  assertGreater(accuracy, 20);
  assertLess(accuracy, 30);
});

Deno.test("linearEvaluation() chooses by held-out training images, never by the test images", async () => {
  const options = { ...QUICK, learningRates: [0.3, 0.05] };
  const train = { last: clusters(300, 6, 3, 2, 1) };
  const first = await linearEvaluation(train, { last: clusters(300, 6, 3, 2, 2) }, options);
  const { values, width, labels } = clusters(300, 6, 3, 2, 2);
  const other = { last: { values, width, labels: labels.map((label) => (label + 1) % 3) } };
  const second = await linearEvaluation(train, other, options);
  assertEquals({ ...second.chosen, accuracy: 0 }, { ...first.chosen, accuracy: 0 });
  assertEquals(second.predictions, first.predictions);
  assertLess(second.accuracy, 30);
  const best = Math.max(...first.variants.map(({ heldOutAccuracy }) => heldOutAccuracy));
  assertEquals(first.chosen, first.variants.find(({ heldOutAccuracy }) => heldOutAccuracy === best));
  assertEquals(first.accuracy, first.chosen.accuracy);
  assertEquals(first.accuracy, 100 * first.predictions.filter((label, i) => label === labels[i]).length / 300);
});

Deno.test("linearEvaluation() takes the layers that hold the classes, and batch norm where features are small", async () => {
  const useful = (seed: number) => clusters(300, 6, 3, 4, seed);
  const noise = (seed: number) => ({ ...clusters(300, 6, 3, 0, seed + 10), labels: useful(seed).labels });
  const deep = await linearEvaluation(
    { last: noise(1), last4: useful(1) },
    { last: noise(2), last4: useful(2) },
    { ...QUICK, learningRates: [0.3] },
  );
  assertEquals(deep.chosen.layer, "last4");
  assertGreater(deep.accuracy, 90);

  const small = (seed: number): Features => {
    const { values, ...rest } = useful(seed);
    return { ...rest, values: values.map((value) => 0.02 * value + 1) };
  };
  const { chosen, accuracy, variants } = await linearEvaluation({ last: small(1) }, { last: small(2) }, {
    ...QUICK,
    learningRates: [0.3],
  });
  assert(chosen.batchNorm);
  assertGreater(accuracy, 90);
  for (const variant of variants) if (!variant.batchNorm) assertLess(variant.accuracy, accuracy);
});

Deno.test("linearEvaluation() gives the same twice, other heads for another seed, and keeps no tensor", async () => {
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const train = { last: clusters(200, 6, 4, 1, 1) }, test = { last: clusters(200, 6, 4, 1, 2) };
  const run = (seed: number) => linearEvaluation(train, test, { ...QUICK, epochs: 2, seed });
  const first = await run(0);
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  assertEquals(await run(0), first);
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
  assert((await run(1)).predictions.some((label, i) => label !== first.predictions[i]));
  const stop = (step: number) => {
    if (step === 3) throw new Error("enough");
  };
  await assertRejects(() => linearEvaluation(train, test, { ...QUICK, onProgress: stop }), Error, "enough");
  assertEquals(tf.memory().numTensors, before.tensors);
});

Deno.test("linearEvaluation() refuses what it cannot train on", async () => {
  const train = { last: clusters(20, 3, 2, 1, 1) }, test = { last: clusters(20, 3, 2, 1, 2) };
  const refused = (message: string, own = train, options: LinearEvaluationOptions = {}, other = test) =>
    assertRejects(() => linearEvaluation(own, other, options), RangeError, message);
  await refused("3 wide, the test features 4", train, {}, { last: clusters(20, 4, 2, 1, 2) });
  await refused("9 training images are too few", { last: clusters(9, 3, 2, 1, 1) });
  await refused("given for one set alone", { ...train, ...{ last4: train.last } });
  const others = { last: test.last, last4: clusters(20, 3, 2, 1, 3) };
  await refused("The test set's features of the last", { ...train, ...{ last4: train.last } }, {}, others);
  const [own, wide] = [train, { last: clusters(20, 4, 2, 1, 2) }].map(memorySource);
  await assertRejects(
    () => evaluateHeads({ train: own, plain: own, test: wide }),
    RangeError,
    "3 wide, those seen as the test images are 3, and the test features 4",
  );
  await refused("one learning rate", train, { learningRates: [] });
  await refused("learning rates above 0; got -1", train, { learningRates: [0.1, -1] });
  await refused("weight decays from 0 on; got NaN", train, { weightDecays: [NaN] });
  await refused("epochs above 0; got 0", train, { epochs: 0 });
  await refused("a batch of at least one image; got 1.5", train, { batch: 1.5 });
});

Deno.test("evaluateHeads() chooses by the training images as test images are seen, and trains with VISSL's rule too", async () => {
  const seen = memorySource({ last: clusters(300, 6, 3, 4, 1) }),
    test = memorySource({ last: clusters(300, 6, 3, 4, 2) });
  const steps: number[] = [], reads = new Set<string>();
  const told = (source: typeof seen, name: string) => ({
    ...source,
    read: (rows: Uint32Array, step: number) => (reads.add(`${name} ${step}`), source.read(rows, step)),
  });
  const { accuracy, variants } = await evaluateHeads(
    { train: told(seen, "train"), plain: told(seen, "plain"), test: told(test, "test") },
    { ...TRANSFER_RECIPES.count, epochs: 3, batch: 100, onProgress: (step) => steps.push(step) },
  );
  assertEquals(steps.length, 9);
  assertEquals(reads, new Set([...steps.map((step) => `train ${step - 1}`), "plain 0", "test 0"]));
  assertEquals(variants.length, 2);
  assertGreater(accuracy, 60);
});
