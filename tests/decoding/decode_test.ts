import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { trainDecoder } from "../../lib/decoding/train_decoder.ts";
import { reconstruct, representImages, representPredictions } from "../../lib/decoding/decode.ts";
import { measureDecoder, psnr } from "../../lib/decoding/measures/measures.ts";
import { interpolate, sample, sampleBetween, sampleEach } from "../../lib/decoding/diffusion/sampler.ts";
import { loadDecoder, type PatchDecoder, type PooledDecoder, saveDecoder } from "../../lib/decoding/saved_decoder.ts";
import { encode, patchify } from "../../lib/jepa/encoder.ts";
import { multiBlock } from "../../lib/jepa/mask_samplers/multi_block.ts";
import { predict } from "../../lib/jepa/predictor.ts";
import { predictorShapes } from "../../lib/jepa/architectures.ts";
import { normalise } from "../../lib/nn/layers.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { randomStream } from "../../lib/random.ts";
import { tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import { BYTES, images, PATCHES, pixels, POOLED, SIDE, toyEncoder } from "./toy.ts";

const disposeAll = (tensors: unknown): void => tf.dispose(tensors as tf.TensorContainer);
const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const encoder = toyEncoder();
const pooled = (await trainDecoder({ ...POOLED, epochs: 250 }, encoder, images, { dir: `${root}/pooled` }))
  .decoder as PooledDecoder;
const patches = (await trainDecoder({ ...PATCHES, epochs: 60 }, encoder, images, { dir: `${root}/patches` }))
  .decoder as PatchDecoder;
const representations = await representImages(encoder, pixels);

/** Colours of images, [N, 3]: what a perfect encoder of the toy says. */
function colours(some: Uint8Array): Float32Array {
  const means = new Float32Array(some.length / BYTES * 3);
  some.forEach((byte, i) => means[Math.floor(i / BYTES) * 3 + i % 3] += byte * 3 / BYTES);
  return means;
}

Deno.test("representImages() averages the layer-normed tokens, of all patches or of some", async () => {
  const { size, parameters, preprocessing } = encoder;
  const block = [2, 3, 6, 7];
  const [all, some] = [await representImages(encoder, pixels), await representImages(encoder, pixels, block)];
  assertEquals(all.length, 32 * size.width);
  tf.tidy(() => {
    const input = patchify(uint8Tensor(pixels, [32, SIDE, SIDE, 3]), size.patch, preprocessing);
    const tokens = normalise(encode(parameters, size, input));
    const near = (actual: Float32Array, expected: tf.Tensor) =>
      assertLess(tf.max(tf.abs(tf.sub(expected.flatten(), tf.tensor1d(actual)))).dataSync()[0], 1e-5);
    near(all, tf.mean(tokens, 1));
    near(some, tf.mean(tf.gather(tokens, block, 1), 1));
  });
  await assertRejects(() => representImages(encoder, pixels.subarray(1)), RangeError, "are no images of 16 x 16");
});

Deno.test("representPredictions() averages what the predictor says of each block", async () => {
  const { size, parameters, preprocessing } = encoder, predictorSize = { width: 8, depth: 1, heads: 2 };
  const predictor = initialise(predictorShapes({ ...size, predictor: predictorSize }), 4);
  const sampler = multiBlock({ grid: [4, 4], blocks: 2, targetScale: [0.25, 0.25] });
  const masks = sampler(32, randomStream(0));
  const values = await representPredictions(encoder, { size: predictorSize, parameters: predictor }, pixels, masks);
  tf.tidy(() => {
    const context = tf.tensor2d(masks.context, [32, masks.contextLength], "int32");
    const targets = tf.tensor3d(masks.targets, [2, 32, masks.targetLength], "int32");
    const input = patchify(uint8Tensor(pixels, [32, SIDE, SIDE, 3]), size.patch, preprocessing);
    const seen = encode(parameters, size, input, context);
    const expected = tf.mean(predict(predictor, predictorSize, seen, context, targets), 2);
    assertEquals(values.length, expected.size);
    assertLess(tf.max(tf.abs(tf.sub(expected.flatten(), tf.tensor1d(values)))).dataSync()[0], 1e-5);
  });
  const given = { size: predictorSize, parameters: predictor };
  const wrong = () => representPredictions(encoder, given, pixels.subarray(0, BYTES), masks);
  await assertRejects(wrong, RangeError, "1 images have no masks for 32");
  disposeAll(predictor);
});

Deno.test("sample() gives the same image for the same seed and stream, whatever the batch", async () => {
  const options = { steps: 4, seed: 3 }, width = 16;
  const three = representations.subarray(0, 3 * width);
  const together = await sample(pooled, three, options);
  assertEquals(together.length, 3 * BYTES);
  assertEquals(together, await sample(pooled, three, options));
  const alone = await sample(pooled, three.subarray(width, 2 * width), { ...options, streams: [1] });
  const differences = alone.map((byte, i) => Math.abs(byte - together[BYTES + i]));
  assert(Math.max(...differences) <= 1); // products of other shapes round otherwise
  const batched = await sample(pooled, three, { ...options, batch: 2 });
  assert(batched.every((byte, i) => Math.abs(byte - together[i]) <= 1));
  assert((await sample(pooled, three, { ...options, seed: 4 })).some((byte, i) => byte !== together[i]));
  const [same, other] = [[7, 7, 7], [7, 8, 9]];
  const repeated = Float32Array.from({ length: 3 * width }, (_, i) => representations[i % width]);
  const equal = await sample(pooled, repeated, { ...options, streams: same });
  assert(equal.every((byte, i) => byte === equal[i % BYTES]));
  const unequal = await sample(pooled, repeated, { ...options, streams: other });
  assert(unequal.some((byte, i) => byte !== unequal[i % BYTES]));
});

Deno.test("sample() guided by 1 is not guided, by 0 forgets the representation, and by more differs", async () => {
  const options = { steps: 3, streams: [0, 0] }, two = representations.subarray(0, 32);
  const plain = await sample(pooled, two, options);
  assert((await sample(pooled, two, { ...options, guidance: 1 + 1e-6 })).every((x, i) => Math.abs(x - plain[i]) <= 1));
  const forgetful = await sample(pooled, two, { ...options, guidance: 0 });
  assertEquals(forgetful.subarray(0, BYTES), forgetful.subarray(BYTES));
  assert(plain.subarray(0, BYTES).some((byte, i) => byte !== plain[BYTES + i]));
  assert((await sample(pooled, two, { ...options, guidance: 3 })).some((byte, i) => Math.abs(byte - plain[i]) > 3));
});

Deno.test("sample() refuses what it cannot draw", async () => {
  const row = representations.subarray(0, 16);
  await assertRejects(() => sample(pooled, row.subarray(1)), RangeError, "15 numbers are no rows of 16");
  await assertRejects(() => sample(pooled, row, { streams: [1, 2] }), RangeError, "1 samples have as many streams");
  await assertRejects(() => sample(pooled, row, { guidance: -1 }), RangeError, "guidance is from 0 on");
  await assertRejects(() => sample(pooled, row, { steps: 0 }), RangeError, "sampled in 1 to 1000; got 0");
  await assertRejects(() => sample(pooled, row, { batch: 0 }), RangeError, "at least 1 sample");
  assertEquals((await sample(pooled, new Float32Array(0))).length, 0);
});

Deno.test("sampleEach() draws every representation's samples from the same noises", async () => {
  const options = { steps: 3, seed: 2 }, two = representations.subarray(0, 32);
  const drawn = await sampleEach(pooled, two, 3, options);
  const repeated = Float32Array.from({ length: 6 * 16 }, (_, i) => two[Math.floor(i / 48) * 16 + i % 16]);
  assertEquals(drawn, await sample(pooled, repeated, { ...options, streams: [0, 1, 2, 0, 1, 2] }));
  await assertRejects(() => sampleEach(pooled, two.subarray(1), 3), RangeError, "no rows of 16");
});

Deno.test("sampleBetween() goes from each representation to the next with one noise", async () => {
  const options = { steps: 3 }, width = 16, three = representations.subarray(0, 3 * width);
  const drawn = await sampleBetween(pooled, three, 3, options);
  assertEquals(drawn.length, 6 * BYTES);
  const ends = await sample(pooled, three, { ...options, streams: [0, 0, 0] });
  for (const [point, end] of [[0, 0], [2, 1], [3, 1], [5, 2]]) {
    const own = drawn.subarray(point * BYTES, (point + 1) * BYTES);
    assert(own.every((byte, i) => Math.abs(byte - ends[end * BYTES + i]) <= 1), `${point}`);
  }
  assertEquals((await sampleBetween(pooled, three.subarray(0, width), 3)).length, 0);
  await assertRejects(() => sampleBetween(pooled, three, 1), RangeError, "at least 2 points");
});

Deno.test("measureDecoder() finds sources by their samples, far above shuffled conditions", async () => {
  const encodeColours = (some: Uint8Array) => Promise.resolve(colours(some));
  const options = { steps: 10, diverse: 8, samples: 3 }, told: number[][] = [];
  const measures = await measureDecoder(pooled, representations, colours(pixels), encodeColours, {
    ...options,
    onProgress: (...progress) => told.push(progress),
  });
  const { images: count, retrieval, shuffled, diversity, diversityAcross } = measures;
  assertEquals([count, told.at(-1)], [32, [32 + 24, 32 + 24]]);
  assert(retrieval.top5 >= 60 && retrieval.top5 >= retrieval.top1, JSON.stringify(measures)); // chance: 15.6
  assert(shuffled.top5 <= 35, JSON.stringify(measures));
  assert(diversity > 0 && diversity < 0.7 * diversityAcross, JSON.stringify(measures));
  const mismatched = () => measureDecoder(pooled, representations, colours(pixels).subarray(1), encodeColours);
  await assertRejects(mismatched, RangeError, "no rows of as many images");
});

Deno.test("reconstruct() comes nearer to the images than their common average", async () => {
  const decoded = await reconstruct(encoder, patches, pixels);
  const average = new Uint8Array(pixels.length).fill(pixels.reduce((sum, x) => sum + x, 0) / pixels.length);
  const [own, baseline] = [psnr(decoded, pixels, BYTES), psnr(average, pixels, BYTES)];
  assert(own > baseline + 5, `${own} dB, the average ${baseline}`);
});

Deno.test("interpolate() goes in equal steps from one to the other", () => {
  const line = interpolate(Float32Array.of(0, 10), Float32Array.of(4, -10), 5);
  assertEquals([...line], [0, 10, 1, 5, 2, 0, 3, -5, 4, -10]);
  assertThrows(() => interpolate(new Float32Array(2), new Float32Array(3), 5), RangeError, "no line between");
  assertThrows(() => interpolate(new Float32Array(2), new Float32Array(2), 1), RangeError, "at least 2 points");
});

Deno.test("saveDecoder() in float16 is half as large and decodes nearly the same", async () => {
  await saveDecoder(`${root}/whole.safetensors`, patches);
  await saveDecoder(`${root}/half.safetensors`, patches, { dtype: "F16" });
  const bytes = async (name: string) => (await Deno.stat(`${root}/${name}.safetensors`)).size;
  assert(await bytes("half") < 0.6 * await bytes("whole"));
  const half = await loadDecoder(`${root}/half.safetensors`, "patches");
  const [a, b] = [await reconstruct(encoder, patches, pixels), await reconstruct(encoder, half, pixels)];
  assertAlmostEquals(psnr(a, pixels, BYTES), psnr(b, pixels, BYTES), 0.2);
  const wrong = () => loadDecoder(`${root}/half.safetensors`, "pooled");
  await assertRejects(wrong, Error, 'half.safetensors is a decoder of kind "patches", but one of kind "pooled"');

  await Deno.writeTextFile(`${root}/other.safetensors`, "");
  await assertRejects(() => loadDecoder(`${root}/other.safetensors`), Error, "other.safetensors");
  await assertRejects(() => loadDecoder(`${root}/pooled/checkpoint-00000500.safetensors`), Error, "is no decoder");
  const transformer = { ...POOLED, network: { image: SIDE, patch: 4, width: 16, depth: 1, heads: 2, condition: 16 } };
  const old = {
    config: transformer as unknown as typeof POOLED,
    parameters: {},
    standardisation: half.standardisation,
  };
  await saveDecoder(`${root}/old.safetensors`, old);
  const reading = () => loadDecoder(`${root}/old.safetensors`);
  await assertRejects(reading, Error, "old.safetensors holds no decoder of this version; train it again. A U-Net has");
  const broken = { ...patches, parameters: { ...patches.parameters, "decoder_pred.bias": tf.fill([48], 1e6) } };
  const saving = () => saveDecoder(`${root}/no.safetensors`, broken, { dtype: "F16" });
  await assertRejects(saving, RangeError, "decoder.decoder_pred.bias");
  disposeAll([half.parameters, half.standardisation]);
});
