import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { block, layerNorm, linear, normalise } from "../../lib/nn/layers.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { initialNetworks, largestDifference } from "../training/reference/reference.ts";

Deno.test("linear() is W x + b over the last axis", () => {
  const p = { "l.weight": tf.tensor2d([[1, 2], [3, 4], [5, 6]]), "l.bias": tf.tensor1d([0.5, 0, -1]) };
  const y = linear(p, "l", tf.tensor3d([[[1, 10], [0, 1]]]));
  assertEquals(y.shape, [1, 2, 3]);
  assertEquals([...y.dataSync()], [21.5, 43, 64, 2.5, 4, 5]);
});

Deno.test("layerNorm() and normalise() centre and scale the last axis", () => {
  const x = tf.tensor2d([[1, 2, 3, 6], [-1, 5, 0, 0]]);
  const p = { "n.weight": tf.tensor1d([2, 2, 2, 2]), "n.bias": tf.tensor1d([1, 1, 1, 1]) };
  const normalised = normalise(x).arraySync() as number[][];
  const affine = layerNorm(p, "n", x).arraySync() as number[][];
  for (const [r, row] of normalised.entries()) {
    assertAlmostEquals(row.reduce((sum, v) => sum + v, 0) / 4, 0, 1e-6);
    assertAlmostEquals(row.reduce((sum, v) => sum + v * v, 0) / 4, 1, 1e-4);
    row.forEach((v, i) => assertAlmostEquals(affine[r][i], 2 * v + 1, 1e-4));
  }
});

Deno.test("normalise() keeps constant rows finite", () => {
  assertEquals(largestDifference(normalise(tf.ones([2, 8])), new Float32Array(16)), 0);
});

Deno.test("block() computes the same for some tokens as for all", () => {
  const p = initialNetworks().contextEncoder;
  const x = tf.randomNormal([2, 7, 16], 0, 1, "float32", 5);
  const all = block(p, "blocks.1", x, 2);
  const last = block(p, "blocks.1", x, 2, { from: 4 });
  assertEquals(last.shape, [2, 3, 16]);
  assertLess(largestDifference(last, tf.slice(all, [0, 4, 0]).dataSync()), 5e-6);
});

Deno.test("block() does not care about the order of tokens", () => {
  const p = initialNetworks().contextEncoder;
  const x = tf.randomNormal([1, 5, 16], 0, 1, "float32", 6);
  const there = block(p, "blocks.0", tf.reverse(x, 1), 2);
  assertLess(largestDifference(there, tf.reverse(block(p, "blocks.0", x, 2), 1).dataSync()), 1e-5);
});

Deno.test("layerNorm() and block() take an epsilon", () => {
  const width = 4, x = tf.tensor3d([[[2, -2, 2, -2]]]); // variance 4
  const p = Object.fromEntries(
    Object.entries(encoderShapes({ image: 1, patch: 1, width, depth: 1, heads: 1, mlpRatio: 1 }))
      .map(([name, shape]): [string, tf.Tensor] => [name, tf.zeros([...shape])]),
  );
  // Attention adds nothing; the MLP passes on what is positive.
  p["blocks.0.norm2.weight"] = tf.ones([width]);
  p["blocks.0.mlp.fc1.weight"] = tf.mul(tf.eye(width), 100);
  p["blocks.0.mlp.fc2.weight"] = tf.mul(tf.eye(width), 0.01);
  for (const [epsilon, norm] of [[undefined, 1], [12, 0.5]]) {
    assertAlmostEquals(layerNorm(p, "blocks.0.norm2", x, epsilon).dataSync()[0], norm!, 1e-5);
    assertAlmostEquals(block(p, "blocks.0", x, 1, { epsilon }).dataSync()[0], 2 + norm!, 1e-5);
  }
});
