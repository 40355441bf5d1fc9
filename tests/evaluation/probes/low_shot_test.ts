import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertRejects } from "@std/assert";
import type { Features } from "../../../lib/evaluation/features/features.ts";
import { lowShot } from "../../../lib/evaluation/probes/low_shot.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import reference from "../fixtures/low_shot.json" with { type: "json" };

/** Three classes around corners of a triangle, said twice in six columns. */
function clusters(count: number, spread: number, seed: number): Features {
  const random = randomStream(seed), width = 6;
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const values = Float32Array.from({ length: count * width }, (_, i) => {
    const label = labels[Math.floor(i / width)];
    const centre = [[3, 0, -3], [-3, 3, 0], [0, -3, 3]][label][i % 3];
    return centre + spread * random.normal();
  });
  return { values, width, labels };
}

Deno.test("lowShot() tells classes apart from one label each where they lie apart", async () => {
  const tensors = tf.memory().numTensors;
  const { mean, deviation, draws } = await lowShot(clusters(90, 0.1, 1), clusters(60, 0.1, 2), { perClass: 1 });
  assertEquals([mean, deviation, draws.length], [100, 0, 5]);
  assertEquals(draws[0].predictions, clusters(60, 0.1, 2).labels);
  assertEquals(tf.memory().numTensors, tensors);
});

Deno.test("lowShot() does better with more labels, and draws by its seed", async () => {
  const train = clusters(300, 6, 1), test = clusters(300, 6, 2);
  const one = await lowShot(train, test, { perClass: 1, draws: 8 });
  const ten = await lowShot(train, test, { perClass: 10, draws: 8 });
  assertGreater(ten.mean, one.mean + 5);
  assertGreater(one.deviation!, ten.deviation!);
  assert(new Set(one.draws.map(({ accuracy }) => accuracy)).size > 1);
  assertEquals(await lowShot(train, test, { perClass: 1, draws: 8 }), one);
  const next = await lowShot(train, test, { perClass: 1, draws: 8, seed: 1 });
  const said = (result: typeof one) => result.draws.map(({ predictions }) => predictions.join(""));
  assertEquals(said(next).filter((predictions) => said(one).includes(predictions)), []);
});

Deno.test("lowShot() learns from listed labels alone, which decide what it says", async () => {
  const train = clusters(90, 0.1, 1), test = clusters(60, 0.1, 2);
  const wrong = { ...train, labels: train.labels.map((label, i) => i < 6 ? label : (label + 1) % 3) };
  const listed = await lowShot(wrong, test, { indices: Uint32Array.from([0, 1, 2, 3, 4, 5]) });
  assertEquals([listed.mean, listed.deviation], [100, undefined]);
  assertEquals((await lowShot(wrong, test, { indices: Uint32Array.from([6, 7, 8]) })).mean, 0);
});

for (const { x, labels, test, testLabels, predictions, margins } of reference) {
  Deno.test(`lowShot() says what MSN's regression by scikit-learn says, of ${labels.length} images`, async () => {
    const features = (rows: number[][], own: number[]): Features => ({
      values: Float32Array.from(rows.flat()),
      width: rows[0].length,
      labels: Int32Array.from(own),
    });
    const all = { indices: Uint32Array.from(labels.keys()) };
    const { draws: [draw], mean } = await lowShot(features(x, labels), features(test, testLabels), all);
    // Where two classes are as good as equal, either may be said.
    const differing = predictions.filter((label, i) => margins[i] > 0.01 && label !== draw.predictions[i]);
    assertEquals(differing.length, 0);
    assert(margins.filter((margin) => margin > 0.01).length > 180);
    const right = 100 * predictions.filter((label, i) => label === testLabels[i]).length / predictions.length;
    assertAlmostEquals(mean, right, 2);
  });
}

Deno.test("lowShot() refuses what it cannot draw", async () => {
  const train = clusters(9, 1, 1), test = clusters(6, 1, 2);
  await assertRejects(() => lowShot(train, test, { perClass: 4 }), RangeError, "Class 0 has 3 images");
  await assertRejects(() => lowShot(train, test, { perClass: 1, draws: 0 }), RangeError, "once or more");
  await assertRejects(() => lowShot(train, test, { indices: Uint32Array.of(9) }), RangeError, "no image 9");
  await assertRejects(() => lowShot(train, test, { indices: new Uint32Array() }), RangeError, "empty list");
  await assertRejects(() => lowShot(train, test, { perClass: 1, weightDecay: 0 }), RangeError, "above 0");
});
