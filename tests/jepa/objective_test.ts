import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { patchify } from "../../lib/jepa/encoder.ts";
import {
  featureDeviation,
  jepaLoss,
  maskedInputTargets,
  pixelTargets,
  predictionCosines,
  smoothL1,
  targetRepresentations,
} from "../../lib/jepa/objective.ts";
import { isTrained } from "../../lib/nn/parameters.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import {
  architecture,
  cases,
  initialNetworks,
  largestDifference,
  stepInputs,
} from "../training/reference/reference.ts";

const number = (x: tf.Tensor) => x.dataSync()[0];

Deno.test("smoothL1() is quadratic up to 1 and linear from there, with the gradient clipped to 1", () => {
  const target = tf.tensor1d([0, 0, 0, 0]), predicted = tf.tensor1d([0.5, -1, 3, -5]);
  assertAlmostEquals(number(smoothL1(predicted, target)), (0.125 + 0.5 + 2.5 + 4.5) / 4, 1e-6);
  const gradient = tf.grad((x) => smoothL1(x, target))(predicted);
  assertLess(largestDifference(tf.mul(gradient, 4), [0.5, -1, 1, -1]), 1e-6);
});

Deno.test("targetRepresentations() are layer-normed before they are gathered", () => {
  const { pixels, targets } = stepInputs(0);
  const { all, blocks } = targetRepresentations(
    initialNetworks().targetEncoder,
    architecture,
    patchify(pixels, 4),
    targets,
  );
  assertEquals(blocks.shape, [2, 4, 4, 16]);
  const moments = tf.moments(all, -1);
  assertLess(largestDifference(moments.mean, new Float32Array(64)), 1e-5);
  assertLess(largestDifference(moments.variance, new Float32Array(64).fill(1)), 1e-3);
  const place = targets.dataSync()[4 * 4 + 4 * 2 + 1]; // block 1, image 2, second patch
  assertEquals(
    tf.slice(blocks, [1, 2, 1, 0], [1, 1, 1, 16]).dataSync(),
    tf.slice(all, [2, place, 0], [1, 1, 16]).dataSync(),
  );
});

Deno.test("pixelTargets() are the target blocks' pixels at any width, each patch with mean 0 and variance 1", () => {
  const { pixels, targets } = stepInputs(0), patches = patchify(pixels, 4), { targetEncoder } = initialNetworks();
  const { all, blocks, representations } = pixelTargets(targetEncoder, architecture, patches, targets);
  assertEquals([all.shape, blocks.shape, representations.shape], [[4, 16, 48], [2, 4, 4, 48], [4, 16, 16]]);
  const moments = tf.moments(all, -1);
  assertLess(largestDifference(moments.mean, new Float32Array(64)), 1e-5);
  assertLess(largestDifference(moments.variance, new Float32Array(64).fill(1)), 1e-3);
  const place = targets.dataSync()[4 * 4 + 4 * 2 + 1], at = [2, place, 0]; // block 1, image 2, second patch
  const own = tf.slice(patches, at, [1, 1, 48]), { mean, variance } = tf.moments(own);
  const expected = tf.div(tf.sub(own, mean), tf.sqrt(variance)).dataSync() as Float32Array;
  assertLess(largestDifference(tf.slice(blocks, [1, 2, 1, 0], [1, 1, 1, 48]), expected), 1e-3);
});

Deno.test("maskedInputTargets() see nothing but their block, whatever the image's other patches and the padding are", () => {
  const { pixels, targets } = stepInputs(0), patches = patchify(pixels, 4), { targetEncoder } = initialNetworks();
  const of = (...[seen, places, present]: [tf.Tensor, tf.Tensor, tf.Tensor?]) =>
    maskedInputTargets(targetEncoder, architecture, seen, places, present).blocks; // [2, 4, 4, 16]
  const usual = of(patches, targets);
  const kept = tf.sum(tf.oneHot(tf.reshape(tf.slice(targets, [1], [1]), [4, 4]), 16), 1); // [4, 16], of block 1
  const others = tf.where(tf.cast(tf.expandDims(kept, 2), "bool"), patches, tf.add(tf.mul(patches, -3), 1));
  const second = (blocks: tf.Tensor) => tf.slice(blocks, [1], [1]).dataSync() as Float32Array;
  assertEquals(second(of(others, targets)), second(usual));
  assertGreater(largestDifference(tf.slice(of(others, targets), [0], [1]), tf.slice(usual, [0], [1]).dataSync()), 0.1);

  const padded = tf.pad(targets, [[0, 0], [0, 0], [0, 2]]), present = tf.tensor1d([1, 1, 1, 1, 0, 0]);
  const unpadded = tf.slice(of(patches, padded, present), [0, 0, 0, 0], [2, 4, 4, 16]);
  assertLess(largestDifference(unpadded, usual.dataSync()), 1e-5);
});

Deno.test("featureDeviation() is 0 in a collapse and the pooled features' deviation else", () => {
  assertEquals(number(featureDeviation(tf.ones([4, 3, 2]))), 0);
  const x = tf.tensor3d([[[0, 5], [2, 5]], [[4, 5], [6, 5]]]); // pooled: [1, 5] and [5, 5]
  assertAlmostEquals(number(featureDeviation(x)), (2 + 0) / 2, 1e-6);
});

/** Representations of 2 images of 3 patches, D = 2, and one target block of two patches an image. */
function cosinesOf(all: number[], predicted: number[]): [number, number] {
  const everything = tf.tensor3d(all, [2, 3, 2]), places = tf.tensor3d([0, 2, 2, 1], [1, 2, 2], "int32");
  const targets = tf.tensor4d(
    [[0, 0], [0, 2], [1, 2], [1, 1]].flatMap(([i, n]) => all.slice(6 * i + 2 * n, 6 * i + 2 * n + 2)),
    [1, 2, 2, 2],
  );
  const { cosine, centredCosine } = predictionCosines(
    tf.tensor4d(predicted, [1, 2, 2, 2]),
    targets,
    everything,
    places,
  );
  return [number(cosine), number(centredCosine)];
}

Deno.test("predictionCosines() tell a prediction of the image from one of the position alone", () => {
  // By patch, image 0 and image 1: (3, 1) and (1, 3), (5, 0) and (5, 2), (-1, 4) and (-3, 4).
  const all = [3, 1, 5, 0, -1, 4, 1, 3, 5, 2, -3, 4];
  const truth = [3, 1, -1, 4, -3, 4, 5, 2], means = [2, 2, -2, 4, -2, 4, 5, 1];
  const [cosine, centred] = cosinesOf(all, truth);
  assertAlmostEquals(cosine, 1, 1e-6);
  assertAlmostEquals(centred, 1, 1e-6);

  const [plain, corrected] = cosinesOf(all, means); // what a predictor says that knows the position alone
  assertGreater(plain, 0.9);
  assertEquals(corrected, 0);

  const mirrored = truth.map((value, i) => 2 * means[i] - value);
  assertAlmostEquals(cosinesOf(all, mirrored)[1], -1, 1e-6);
});

Deno.test("predictionCosines() of a complete collapse are 1 and 0, and 0 where there is nothing", () => {
  const constant = Array.from({ length: 6 }, () => [0.3, -2]).flat();
  const [cosine, centred] = cosinesOf(constant, constant.slice(0, 8));
  assertAlmostEquals(cosine, 1, 1e-6);
  assertEquals(centred, 0);
  assertEquals(cosinesOf(new Array(12).fill(0), new Array(8).fill(0)), [0, 0]);
});

for (const [i, { variance, covariance, invariance, reports: [report] }] of cases.entries()) {
  Deno.test(`jepaLoss() has PyTorch's gradients in case ${i}`, () => {
    const { contextEncoder, predictor, targetEncoder } = initialNetworks();
    const inputs = stepInputs(0), patches = patchify(inputs.pixels, 4);
    const targets = targetRepresentations(targetEncoder, architecture, patches, inputs.targets);
    const places = [
      ...Object.keys(contextEncoder).filter(isTrained).map((name) => ({ network: "contextEncoder", name })),
      ...Object.keys(predictor).filter(isTrained).map((name) => ({ network: "predictor", name })),
    ];
    const networks = { contextEncoder, predictor } as Record<string, typeof predictor>;
    const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
      const given = { contextEncoder: { ...contextEncoder }, predictor: { ...predictor } } as typeof networks;
      places.forEach(({ network, name }, j) => given[network][name] = values[j]);
      const regulariser = { variance, covariance, invariance };
      const { loss } = jepaLoss(
        given as { contextEncoder: typeof predictor; predictor: typeof predictor },
        ...[architecture, regulariser, patches, targets, inputs] as const,
      );
      return loss as tf.Scalar;
    })(places.map(({ network, name }) => networks[network][name]));
    assertAlmostEquals(number(value), report.loss, 1e-5);
    places.forEach(({ network, name }, j) => {
      const norm = report.gradients[`${network}.${name}`];
      assertAlmostEquals(number(tf.norm(grads[j])), norm, 1e-5 * norm + 1e-7, `gradient of ${network}.${name}`);
    });
  });
}
