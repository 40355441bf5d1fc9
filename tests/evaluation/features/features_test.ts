import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import type { Preprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { encode, patchify, pixelTensor } from "../../../lib/jepa/encoder.ts";
import {
  checkPair,
  columnMeans,
  extractFeatures,
  pixelFeatures,
  type TokenFeatures,
} from "../../../lib/evaluation/features/features.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const size = { image: 8, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 4 };
const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;

function images(length: number) {
  const random = randomStream(7);
  return memoryDataset({
    name: "noise",
    classes: ["a", "b"],
    pixels: Uint8Array.from({ length: length * 8 * 8 * 3 }, () => random.integer(256)),
    width: 8,
    height: 8,
    labels: Int32Array.from({ length }, (_, i) => i % 2),
  });
}

Deno.test("extractFeatures() averages encode() over the patches, whatever the batch", async () => {
  const encoder = initialise(encoderShapes(size), 1, "xavier"), dataset = images(7);
  const { pixels } = await dataset.centred(Uint32Array.from({ length: 7 }, (_, i) => i), 8);
  const expected = tf.tidy(() => tf.mean(encode(encoder, size, patchify(pixelTensor(pixels, 7, 8), 4)), 1).dataSync());
  for (const batch of [1, 3, 7, 100]) {
    const done: number[] = [];
    const features = await extractFeatures(encoder, size, dataset, { batch, onProgress: (n) => done.push(n) });
    assertEquals([features.values.length, features.width], [7 * 16, 16]);
    assertEquals([...features.labels], [0, 1, 0, 1, 0, 1, 0]);
    const differences = features.values.map((value, i) => Math.abs(value - expected[i]));
    assertLess(Math.max(...differences), 1e-5);
    assertEquals(done.at(-1), 7);
  }
  tf.dispose(encoder);
});

Deno.test("extractFeatures() compiles once for all batches and keeps no tensor", async () => {
  const encoder = initialise(encoderShapes(size), 1), dataset = images(10);
  await extractFeatures(encoder, size, dataset, { batch: 4 }); // puts the parameters into TensorFlow
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  await extractFeatures(encoder, size, dataset, { batch: 4 });
  await extractFeatures(encoder, size, dataset, { batch: 3, precision: "bfloat16" });
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
  tf.dispose(encoder);
});

Deno.test("extractFeatures() names the image whose features are not finite, and keeps no tensor", async () => {
  const encoder = initialise(encoderShapes(size), 1);
  encoder["norm.bias"].dispose();
  encoder["norm.bias"] = tf.fill([16], NaN);
  const dataset = images(3);
  await assertRejects(() => extractFeatures(encoder, size, dataset), Error, "Image 0 of noise");
  const before = handles();
  await assertRejects(() => extractFeatures(encoder, size, dataset), Error, "not finite");
  const broken = { ...dataset, centred: () => Promise.reject(new Error("image 2 cannot be read")) };
  await assertRejects(() => extractFeatures(encoder, size, broken), Error, "cannot be read");
  assert(handles() <= before);
  await assertRejects(() => extractFeatures(encoder, size, dataset, { batch: 0 }), RangeError, "got 0");
  tf.dispose(encoder);
});

Deno.test("extractFeatures() takes the last four blocks side by side, and patch by patch where it does not pool", async () => {
  const deep = { ...size, depth: 5 };
  const encoder = initialise(encoderShapes(deep), 1, "xavier"), dataset = images(5);
  const { pixels } = await dataset.centred(Uint32Array.from({ length: 5 }, (_, i) => i), 8);
  // An encoder with one block fewer ends in the output before the last, through the same norm.
  const expected = tf.tidy(() => {
    const patches = patchify(pixelTensor(pixels, 5, 8), 4);
    const layers = [2, 3, 4, 5].map((depth) => encode(encoder, { ...deep, depth }, patches));
    const tokens = tf.concat(layers, 2);
    return { tokens: tokens.dataSync(), pooled: tf.mean(tokens, 1).dataSync() };
  });
  const worst = (a: Float32Array, b: ArrayLike<number>) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  const pooled = await extractFeatures(encoder, deep, dataset, { layer: "last4", batch: 2 });
  assertEquals([pooled.width, pooled.values.length], [64, 5 * 64]);
  assertLess(worst(pooled.values, expected.pooled), 1e-5);
  const all = await extractFeatures(encoder, deep, dataset, { layer: "last4", pool: "none", batch: 2 });
  assertEquals([all.tokens, all.width, all.values.length], [4, 64, 5 * 4 * 64]);
  assertLess(worst(all.values, expected.tokens), 1e-5);
  const last = await extractFeatures(encoder, deep, dataset, { pool: "none" });
  assertEquals(last.width, 16);
  assertLess(worst(last.values.subarray(0, 16), expected.tokens.subarray(48, 64)), 1e-5);
  await assertRejects(() => extractFeatures(encoder, size, dataset, { layer: "last4" }), RangeError, "has 2 blocks");
  tf.dispose(encoder);
});

Deno.test("extractFeatures() follows a preprocessing: its square, its mean and its deviation", async () => {
  const encoder = initialise(encoderShapes(size), 1, "xavier"), dataset = images(3);
  const preprocessing: Preprocessing = {
    resize: 12,
    crop: 8,
    interpolation: "bilinear",
    mean: [0.1, 0.2, 0.3],
    deviation: [0.5, 1, 2],
  };
  const { pixels } = await dataset.centred(Uint32Array.of(0, 1, 2), preprocessing);
  const expected = tf.tidy(() =>
    tf.mean(encode(encoder, size, patchify(pixelTensor(pixels, 3, 8), 4, preprocessing)), 1).dataSync()
  );
  const { values } = await extractFeatures(encoder, size, dataset, { preprocessing });
  assertLess(Math.max(...values.map((value, i) => Math.abs(value - expected[i]))), 1e-5);
  const plain = await extractFeatures(encoder, size, dataset);
  assert(Math.max(...values.map((value, i) => Math.abs(value - plain.values[i]))) > 0.01);
  await assertRejects(
    () => extractFeatures(encoder, size, dataset, { preprocessing: { ...preprocessing, crop: 4 } }),
    RangeError,
    "squares of 4 pixels, but the encoder takes images of 8",
  );
  tf.dispose(encoder);
});

Deno.test("a data set without images has features without rows", async () => {
  const encoder = initialise(encoderShapes(size), 1);
  assertEquals((await extractFeatures(encoder, size, images(0))).values.length, 0);
  assertEquals((await pixelFeatures(images(0), 8)).width, 192);
  tf.dispose(encoder);
});

Deno.test("pixelFeatures() are the pixels in [0, 1], image after image", async () => {
  const dataset = images(300); // more than one of its batches
  const { values, width, labels } = await pixelFeatures(dataset, 8);
  const { pixels } = await dataset.centred(Uint32Array.from({ length: 300 }, (_, i) => i), 8);
  assertEquals([width, values.length, labels.length], [192, pixels.length, 300]);
  assert(values.every((value, i) => value === Math.fround(pixels[i] / 255)));
});

Deno.test("columnMeans() averages over the rows", () => {
  const means = columnMeans({ values: Float32Array.of(1, 2, 3, 6, 5, 1), width: 2, labels: Int32Array.of(0, 0, 0) });
  assertAlmostEquals(means[0], 3, 1e-12);
  assertAlmostEquals(means[1], 3, 1e-12);
});

Deno.test("checkPair() says why two sets do not fit together", () => {
  const set = (rows: number, width: number, label = 0) => ({
    values: new Float32Array(rows * width),
    width,
    labels: new Int32Array(rows).fill(label),
  });
  checkPair(set(2, 3), set(1, 3));
  const throws = (pair: Parameters<typeof checkPair>, includes: string) => {
    try {
      checkPair(...pair);
    } catch (error) {
      assert(error instanceof RangeError && error.message.includes(includes), String(error));
      return;
    }
    assert(false, `no error that says ${includes}`);
  };
  const tokens: TokenFeatures = { ...set(2, 3), tokens: 1 };
  // @ts-expect-error: features of patches are not features of images.
  checkPair(tokens, tokens);
  throws([set(2, 3), set(2, 4)], "3 wide, the test features 4");
  throws([set(0, 3), set(2, 3)], "training set holds no images");
  throws([set(2, 3), set(0, 3)], "test set holds no images");
  throws([set(2, 3), set(2, 3, -1)], "Image 0 of the test set has no label");
  throws([{ ...set(2, 3), values: new Float32Array(5) }, set(2, 3)], "2 labels, but 5 values");
});
