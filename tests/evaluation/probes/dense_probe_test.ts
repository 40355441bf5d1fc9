import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { patchDepths, scenes } from "../../../lib/datasets/scenes/scenes.ts";
import { type DenseExamples, denseProbe, pixelTokens } from "../../../lib/evaluation/probes/dense_probe.ts";
import { randomStream } from "../../../lib/random.ts";
import reference from "../fixtures/dense_probe.json" with { type: "json" };

const { tokens, width } = reference;
const examples = (values: number[], targets: number[]): DenseExamples => ({
  ...{ tokens, width, values: Float32Array.from(values), targets: Float32Array.from(targets) },
});
const train = examples(reference.train, reference.targets), test = examples(reference.test, reference.testTargets);

for (const expected of reference.cases) {
  Deno.test(`denseProbe() predicts what numpy's least squares does: ridge ${expected.ridge}`, () => {
    const result = denseProbe(train, test, { ridge: expected.ridge });
    for (const name of ["rmse", "baselineRmse", "r2", "relativeError", "ridge"] as const) {
      assertAlmostEquals(result[name], expected[name], 1e-4 * Math.abs(expected[name]), name);
    }
    expected.predictions.forEach((value, i) => assertAlmostEquals(result.predictions[i], value, 1e-3, `patch ${i}`));
  });
}

/** Tokens of which the targets are a linear function and a bias of each place, with noise. */
function linearExamples(images: number, noise: number, seed: number): DenseExamples {
  const random = randomStream(seed), [tokens, width] = [9, 5];
  const values = Float32Array.from({ length: images * tokens * width }, () => random.normal());
  const targets = Float32Array.from({ length: images * tokens }, (_, i) => {
    const [a, b] = [values[i * width + 1], values[i * width + 4]];
    return 20 + i % tokens + a - 2 * b + noise * random.normal();
  });
  return { values, targets, tokens, width };
}

Deno.test("denseProbe() is perfect where targets are linear in the tokens, and worth nothing where they are not", () => {
  const perfect = denseProbe(linearExamples(200, 0, 1), linearExamples(100, 0, 2));
  assertGreater(perfect.r2, 0.999);
  assertEquals(perfect.ridge, 1e-5);
  const other = linearExamples(100, 0, 3);
  const apart = denseProbe({ ...linearExamples(200, 0, 1), targets: linearExamples(200, 0, 4).targets }, other);
  assertAlmostEquals(apart.r2, 0, 0.05);
  assertAlmostEquals(apart.baselineRmse, Math.sqrt(5), 0.15); // a and -2 b have the variances 1 and 4
});

Deno.test("denseProbe() explains the share that is not noise, by the same way every time", () => {
  const [a, b] = [linearExamples(400, Math.sqrt(5), 5), linearExamples(400, Math.sqrt(5), 6)];
  const result = denseProbe(a, b, { seed: 3 });
  assertAlmostEquals(result.r2, 0.5, 0.05);
  assertEquals(denseProbe(a, b, { seed: 3 }), result);
});

Deno.test("denseProbe() takes no notice of constant features, or of where tokens lie", () => {
  const [a, b] = [linearExamples(50, 1, 7), linearExamples(50, 1, 8)];
  const wider = ({ values, targets, tokens, width }: DenseExamples): DenseExamples => ({
    ...{ targets, tokens, width: width + 2 },
    values: Float32Array.from({ length: values.length / width * (width + 2) }, (_, k) => {
      const [row, j] = [Math.floor(k / (width + 2)), k % (width + 2)];
      return j < width ? values[row * width + j] + 3 * (row % tokens) : j === width ? 0.1 : row % tokens;
    }),
  });
  assertAlmostEquals(denseProbe(wider(a), wider(b)).rmse, denseProbe(a, b).rmse, 1e-4);
});

Deno.test("denseProbe() refuses what does not fit", () => {
  assertThrows(() => denseProbe(train, { ...test, width: 4 }), RangeError, "values are not as many tokens of 4");
  assertThrows(() => denseProbe({ ...train, tokens: 7 }, test), RangeError, "not those of images of 7 tokens");
  assertThrows(
    () => denseProbe(train, linearExamples(2, 0, 0)),
    RangeError,
    "6 tokens of 8 an image, the test set 9 of 5",
  );
  assertThrows(() => denseProbe(train, test, { ridge: 0 }), RangeError, "above 0; got 0");
  const targets = test.targets.slice();
  targets[13] = 0;
  assertThrows(() => denseProbe(train, { ...test, targets }), RangeError, "Patch 1 of image 2 of the test set");
  const few = linearExamples(9, 1, 0);
  assertThrows(() => denseProbe(few, few), RangeError, "9 training images are too few");
  assert(denseProbe(few, few, { ridge: 1 }).r2 > 0);
  const flat = { ...few, targets: new Float32Array(81).fill(4) };
  assertThrows(() => denseProbe(flat, flat, { ridge: 1 }), RangeError, "there is nothing to predict");
});

Deno.test("pixelTokens() holds the pixels of each patch, patches in raster order", async () => {
  const pixels = Uint8Array.from({ length: 2 * 192 }, (_, i) => (i * 7919) >> 3);
  const images = { name: "two", classes: ["a"], pixels, width: 8, height: 8, labels: Int32Array.of(0, -1) };
  const { values, tokens, width, labels } = await pixelTokens(memoryDataset(images), 8, 4);
  assertEquals([tokens, width], [4, 48]);
  assertEquals(labels, images.labels);
  for (const [image, token, row, column] of [[0, 0, 0, 0], [0, 1, 0, 4], [1, 2, 4, 0], [1, 3, 4, 4]]) {
    const own: number[] = [];
    for (let i = 0; i < 48; i++) {
      own.push(pixels[((image * 8 + row + Math.floor(i / 12)) * 8 + column) * 3 + i % 12]);
    }
    const patch = values.subarray((image * 4 + token) * 48, (image * 4 + token + 1) * 48);
    assertEquals([...patch].map((value) => Math.round(255 * value)).sort(), own.sort());
  }
  await assertRejects(() => pixelTokens(memoryDataset(images), 8, 3), RangeError, "Patches of 3 pixels");
});

Deno.test("denseProbe() reads some depth from the pixels of scenes", async () => {
  const [drawn, others] = await Promise.all([
    scenes({ images: 80, size: 32 }),
    scenes({ images: 30, size: 32, split: "test" }),
  ]);
  const [a, b] = await Promise.all([drawn, others].map(async (dataset) => ({
    ...await pixelTokens(dataset, 32, 8),
    targets: patchDepths(dataset.scenes, 4),
  })));
  const { r2, rmse, baselineRmse } = denseProbe(a, b);
  assert(r2 > 0.05 && rmse < baselineRmse, `r2 ${r2}, rmse ${rmse}, baseline ${baselineRmse}`);
});
