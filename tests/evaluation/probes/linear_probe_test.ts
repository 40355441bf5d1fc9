import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import type { Features } from "../../../lib/evaluation/features/features.ts";
import { linearProbe } from "../../../lib/evaluation/probes/linear_probe.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { clusters } from "../clusters.ts";

Deno.test("linearProbe() separates what is separable", async () => {
  const losses: number[] = [];
  const result = await linearProbe(clusters(400, 6, 4, 12, 1), clusters(200, 6, 4, 12, 2), {
    weightDecay: 1e-4,
    onProgress: ({ loss }) => losses.push(loss),
  });
  assertEquals([result.accuracy, result.trainAccuracy, result.converged], [100, 100, true]);
  assertEquals(result.predictions, clusters(200, 6, 4, 12, 2).labels);
  assertAlmostEquals(losses[0], Math.log(4), 1e-5);
  assertLess(losses.at(-1)!, 0.02);
});

Deno.test("linearProbe() is at chance where there is nothing to learn", async () => {
  const { accuracy } = await linearProbe(clusters(2000, 5, 4, 0, 1), clusters(2000, 5, 4, 0, 2));
  assertGreater(accuracy, 20);
  assertLess(accuracy, 30);
});

Deno.test("linearProbe() solves the two-class problem on one feature", async () => {
  // Feature 1 with 90 of 100 in class 1, feature -1 with 90 of 100 in class 0: standardised as it is. By symmetry
  // W = [-w, w] and the loss is -(0.9 log p + 0.1 log (1 - p)) + lambda w^2 with p = 1 / (1 + exp(-2w)).
  const values = Float32Array.from({ length: 200 }, (_, i) => i < 100 ? 1 : -1);
  const labels = Int32Array.from({ length: 200 }, (_, i) => i % 10 === 0 ? +(i >= 100) : +(i < 100));
  const weightDecay = 0.1;
  let w = 0;
  for (let i = 0; i < 1000; i++) w -= 0.2 * (2 * (1 / (1 + Math.exp(-2 * w)) - 0.9) + 2 * weightDecay * w);
  const p = 1 / (1 + Math.exp(-2 * w));
  const expected = -(0.9 * Math.log(p) + 0.1 * Math.log(1 - p)) + weightDecay * w * w;

  const set = { values, width: 1, labels };
  let loss = NaN;
  const result = await linearProbe(set, set, { weightDecay, onProgress: (progress) => loss = progress.loss });
  assertAlmostEquals(loss, expected, 1e-5);
  assertEquals([result.accuracy, result.trainAccuracy], [90, 90]);
});

Deno.test("linearProbe() does not mind features on other scales, mixed, or constant", async () => {
  const train = clusters(500, 6, 4, 1.5, 1), test = clusters(500, 6, 4, 1.5, 2);
  // Seven features from six: nearly the same two combinations on very different scales, and a constant.
  const mixed = ({ values, labels }: Features): Features => ({
    width: 9,
    labels,
    values: Float32Array.from({ length: labels.length * 9 }, (_, i) => {
      const row = Math.floor(i / 9) * 6, j = i % 9;
      if (j < 6) return 1e-3 * values[row + j] + 5;
      if (j < 8) return 1e4 * (values[row] + values[row + 1] + 1e-3 * values[row + j - 6]);
      return 0.1;
    }),
  });
  const plain = await linearProbe(train, test, { weightDecay: 1e-4 });
  const other = await linearProbe(mixed(train), mixed(test), { weightDecay: 1e-4 });
  assert(other.converged);
  assertLess(Math.abs(plain.accuracy - other.accuracy), 1);
});

Deno.test("linearProbe() chooses a strong weight decay for few images and noise, a weak one for thin directions", async () => {
  const few = await linearProbe(clusters(60, 50, 2, 1, 1), clusters(1000, 50, 2, 1, 2));
  assertGreater(few.weightDecay, 1e-3);

  // The classes differ in what two columns, otherwise alike, differ by.
  const thin = (seed: number): Features => {
    const { values, labels } = clusters(1000, 2, 2, 4, seed);
    const random = randomStream(seed, 1), shared = Array.from(labels, () => 50 * random.normal());
    return { values: values.map((value, i) => shared[i >> 1] + value), width: 2, labels };
  };
  const weak = await linearProbe(thin(1), thin(2));
  assertLess(weak.weightDecay, 1e-2);
  assertGreater(weak.accuracy, (await linearProbe(thin(1), thin(2), { weightDecay: 1 })).accuracy);
});

Deno.test("linearProbe() gives the same twice and keeps no tensor", async () => {
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const train = clusters(300, 6, 4, 1, 1), test = clusters(300, 6, 4, 1, 2);
  const first = await linearProbe(train, test);
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  assertEquals(await linearProbe(train, test), first);
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
});

Deno.test("linearProbe() counts a test class that training never showed as wrong", async () => {
  const train = clusters(300, 3, 2, 12, 1), test = clusters(100, 3, 3, 12, 2);
  const unseen = test.labels.filter((label) => label === 2).length;
  assertEquals((await linearProbe(train, test, { weightDecay: 1e-3 })).accuracy, 100 - unseen);
});

Deno.test("linearProbe() refuses what it cannot fit", async () => {
  const train = clusters(20, 3, 2, 1, 1), test = clusters(20, 3, 2, 1, 2);
  await assertRejects(() => linearProbe(train, clusters(20, 4, 2, 1, 2)), RangeError, "3 wide, the test features 4");
  await assertRejects(() => linearProbe(train, test, { weightDecay: -1 }), RangeError, "got -1");
  await assertRejects(() => linearProbe(clusters(9, 3, 2, 1, 1), test), RangeError, "9 training images are too few");
  const unlabelled = { ...train, labels: train.labels.map((label, i) => i === 4 ? -1 : label) };
  await assertRejects(() => linearProbe(unlabelled, test), RangeError, "Image 4 of the training set has no label");
});
