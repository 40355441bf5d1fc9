import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { invarianceOf, lessPosition, regularisation, varianceAndCovariance } from "../../lib/jepa/regulariser.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { largestDifference } from "../training/reference/reference.ts";

const number = (x: tf.Tensor) => x.dataSync()[0];

Deno.test("lessPosition() takes off what the images share at a position", () => {
  const x = tf.tensor3d([[[1, 2], [3, 4]], [[5, 6], [9, 0]]]); // 2 images of 2 tokens
  const places = tf.tensor2d([[0, 2], [0, 1]], [2, 2], "int32"); // they share position 0 alone
  assertLess(largestDifference(lessPosition(x, places, 4), [-2, -2, 0, 0, 2, 2, 0, 0]), 1e-6);
});

Deno.test("lessPosition() leaves nothing of tokens that depend on their position alone", () => {
  const places = tf.tensor2d([[0, 1, 3], [1, 2, 3], [0, 2, 3]], [3, 3], "int32");
  const x: tf.Tensor = tf.gather(tf.tensor2d([[1, -2], [3, 5], [0.5, 7], [-4, 4]]), places); // [3, 3, 2]
  assertLess(largestDifference(lessPosition(x, places, 4), new Float32Array(18)), 1e-6);
});

Deno.test("varianceAndCovariance() of independent, spread dimensions is 0", () => {
  const { variance, covariance } = varianceAndCovariance(tf.tensor2d([[3, 3], [3, -3], [-3, 3], [-3, -3]]));
  assertEquals([number(variance), number(covariance)], [0, 0]);
});

Deno.test("varianceAndCovariance() sees dimensions that say the same, and those that say nothing", () => {
  const { variance, covariance } = varianceAndCovariance(tf.tensor2d([[0.5, 0.5, 0], [-0.5, -0.5, 0]]));
  // Deviations sqrt(1/4 + 1e-4) twice and sqrt(1e-4) = 0.01; both covariances off the diagonal are 1/4.
  assertAlmostEquals(number(variance), (2 * (1 - Math.sqrt(0.2501)) + 0.99) / 3, 1e-5);
  assertAlmostEquals(number(covariance), 2 * 0.25 ** 2 / 3, 1e-6);
});

Deno.test("invarianceOf() compares each crop with the other crop of its image", () => {
  const context = tf.tensor3d([[[1], [3]], [[0], [0]], [[5], [5]], [[1], [1]]]); // pooled: 2, 0, 5, 1
  const target = tf.tensor3d([[[5]], [[1]], [[2]], [[0]]]);
  assertEquals(number(invarianceOf(context, target)), 0);
  assertEquals(number(invarianceOf(context, tf.zerosLike(target))), (4 + 0 + 25 + 1) / 4);
});

Deno.test("regularisation() weighs its terms, and is nothing without weights", () => {
  const context = tf.randomNormal([4, 3, 2], 0, 1, "float32", 1),
    target = tf.randomNormal([4, 5, 2], 0, 1, "float32", 2);
  const places = tf.tensor2d([[0, 1, 2], [1, 2, 3], [2, 3, 4], [0, 2, 4]], [4, 3], "int32");
  const of = (variance: number, covariance: number, invariance: number) =>
    regularisation({ variance, covariance, invariance }, context, places, target);
  assertEquals(of(0, 0, 0), undefined);
  const sum = 2 * number(of(1, 0, 0)!) + 3 * number(of(0, 1, 0)!) + 4 * number(of(0, 0, 1)!);
  assertAlmostEquals(number(of(2, 3, 4)!), sum, 1e-5);
});
