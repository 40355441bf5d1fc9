import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Features } from "../../../lib/evaluation/features/features.ts";
import { knn } from "../../../lib/evaluation/probes/knn.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

function features(rows: number[][], labels: number[]): Features {
  return { values: Float32Array.from(rows.flat()), width: rows[0].length, labels: Int32Array.from(labels) };
}

function randomFeatures(rows: number, width: number, classes: number, seed: number): Features {
  const random = randomStream(seed);
  const labels = Array.from({ length: rows }, () => random.integer(classes));
  // A class moves its own coordinate, less than the noise does, so that neighbours disagree.
  return features(labels.map((c) => Array.from({ length: width }, (_, j) => 3 + random.normal() + +(c === j))), labels);
}

/** The definition, in the plainest words. */
function bruteForce(train: Features, test: Features, k: number, temperature: number): number[] {
  const rows = ({ values, width }: Features) =>
    Array.from({ length: values.length / width }, (_, i) => Array.from(values.slice(i * width, (i + 1) * width)));
  const trainRows = rows(train);
  const mean = trainRows[0].map((_, j) => trainRows.reduce((sum, row) => sum + row[j], 0) / trainRows.length);
  const centre = (row: number[]) => row.map((value, j) => value - mean[j]);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + value * b[j], 0);
  return rows(test).map((query) => {
    const q = centre(query);
    const neighbours = trainRows
      .map((row, index) => ({ index, s: dot(q, centre(row)) / Math.sqrt(dot(q, q) * dot(centre(row), centre(row))) }))
      .sort((a, b) => b.s - a.s || a.index - b.index).slice(0, k);
    const votes: number[] = new Array(10).fill(0);
    for (const { index, s } of neighbours) votes[train.labels[index]] += Math.exp(s / temperature);
    return votes.indexOf(Math.max(...votes));
  });
}

Deno.test("knn() is the weighted vote by its definition", async () => {
  const train = randomFeatures(300, 8, 5, 1), test = randomFeatures(700, 8, 5, 2); // more than one chunk
  for (const [k, temperature] of [[1, 0.07], [20, 0.07], [20, 1], [300, 0.5]]) {
    const { accuracy, predictions } = await knn(train, test, { k, temperature });
    const expected = bruteForce(train, test, k, temperature);
    assertEquals([...predictions], expected);
    assertAlmostEquals(accuracy, 100 * expected.filter((label, i) => label === test.labels[i]).length / 700, 1e-9);
  }
});

Deno.test("knn() takes the earlier of equally similar images, and the lesser of equal classes", async () => {
  // Pairs of opposite points, so that the mean is 0; the query is as near to images 0, 1 and 2 as can be.
  const train = features([[1, 0], [2, 0], [1, 0], [-1, 0], [-2, 0], [-1, 0]], [2, 1, 1, 0, 0, 0]);
  const query = features([[5, 0]], [2]);
  assertEquals([...(await knn(train, query, { k: 1 })).predictions], [2]);
  assertEquals([...(await knn(train, query, { k: 2 })).predictions], [1]);
  assertEquals([...(await knn(train, query, { k: 3 })).predictions], [1]);
});

Deno.test("knn() weighs near neighbours more, the more so the lower the temperature", async () => {
  const train = features([[10, 1], [4, 3], [4, 3], [-10, -1], [-4, -3], [-4, -3]], [0, 1, 1, 2, 2, 2]);
  const query = features([[1, 0]], [0]); // similarities 0.995 and twice 0.8
  assertEquals((await knn(train, query, { k: 3, temperature: 0.07 })).accuracy, 100);
  assertEquals((await knn(train, query, { k: 3, temperature: 1 })).accuracy, 0);
  assertEquals((await knn(train, query, { k: 3, temperature: 1e-5 })).accuracy, 100); // no overflow
});

Deno.test("knn() takes the training mean off both sets", async () => {
  // Far from the origin all directions are alike; around the mean they are opposite.
  const train = features([[100, 101], [101, 100]], [0, 1]);
  const test = features([[100.2, 100.6], [100.6, 100.2]], [0, 1]);
  const shifted = ({ values, ...rest }: Features) => ({ ...rest, values: values.map((value) => value + 1000) });
  assertEquals((await knn(train, test, { k: 1 })).accuracy, 100);
  assertEquals((await knn(shifted(train), shifted(test), { k: 1 })).accuracy, 100);
});

Deno.test("knn() takes all training images where 20 are not there", async () => {
  const test = randomFeatures(3, 4, 2, 2);
  for (const [images, k] of [[5, 5], [30, 20]]) {
    const train = randomFeatures(images, 4, 2, 1);
    assertEquals(await knn(train, test), await knn(train, test, { k }));
    assertEquals((await knn(train, test)).k, k);
  }
});

Deno.test("knn() keeps no tensor", async () => {
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const train = randomFeatures(30, 4, 3, 1), test = randomFeatures(600, 4, 3, 2);
  await knn(train, test);
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  await knn(train, test);
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
});

Deno.test("knn() refuses what it cannot count", async () => {
  const train = randomFeatures(5, 4, 2, 1), test = randomFeatures(3, 4, 2, 2);
  await assertRejects(() => knn(train, test, { k: 6 }), RangeError, "between 1 and the 5 training images; got 6");
  await assertRejects(() => knn(train, test, { k: 0 }), RangeError, "got 0");
  await assertRejects(() => knn(train, test, { k: 1.5 }), RangeError, "got 1.5");
  await assertRejects(() => knn(train, test, { k: 2, temperature: 0 }), RangeError, "temperature");
  await assertRejects(() => knn(train, randomFeatures(3, 6, 2, 2), { k: 2 }), RangeError, "6");
});
