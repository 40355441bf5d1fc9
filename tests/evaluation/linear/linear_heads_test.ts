import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import { newNorm, normaliseBatch, normaliseBy } from "../../../lib/evaluation/linear/batch_norm.ts";
import { lars } from "../../../lib/evaluation/linear/lars.ts";
import { headLogits, type LinearHeads, newHeads, trainHeads } from "../../../lib/evaluation/linear/linear_heads.ts";
import { nesterov } from "../../../lib/evaluation/linear/nesterov.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { randomStream } from "../../../lib/random.ts";
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import fixture from "../fixtures/transfer_heads.json" with { type: "json" };

const random = randomStream(3);
const normal = (...shape: number[]): Tensor =>
  tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()), shape);

const largest = (a: Tensor, b: Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

Deno.test("newHeads() gives all heads the same small random weights and no biases", () => {
  const { parameters: { "head.weight": weight, "head.bias": bias }, velocity } = newHeads(3, 40, 50, randomStream(1));
  assertEquals([weight.shape, bias.shape], [[3, 40, 50], [3, 40]]);
  const values = weight.dataSync(), deviation = Math.hypot(...values) / Math.sqrt(values.length);
  assert(deviation > 0.0095 && deviation < 0.0105, `${deviation}`);
  assertEquals(values.slice(0, 2000), values.slice(4000));
  for (const zero of [bias, ...Object.values(velocity)]) assert(zero.dataSync().every((value) => value === 0));
});

Deno.test("headLogits() are each head's own products", () => {
  const parameters = { "head.weight": normal(2, 3, 5), "head.bias": normal(2, 3) }, x = normal(4, 5);
  const logits = tf.unstack(headLogits(parameters, x), 1);
  const weights = tf.unstack(parameters["head.weight"]), biases = tf.unstack(parameters["head.bias"]);
  logits.forEach((own, head) => {
    const expected = tf.add(tf.matMul(x as tf.Tensor2D, weights[head] as tf.Tensor2D, false, true), biases[head]);
    assertLess(largest(own, expected), 1e-6);
  });
});

Deno.test("trainHeads() follows the gradient of each head's own mean cross-entropy", () => {
  const parameters: Parameters = { "head.weight": normal(2, 3, 5), "head.bias": normal(2, 3) };
  const velocity: Parameters = { "head.weight": normal(2, 3, 5), "head.bias": normal(2, 3) };
  const x = normal(7, 5), oneHot = tf.oneHot(tf.tensor1d([0, 2, 1, 1, 0, 2, 2], "int32"), 3, 1, 0, "float32");
  const rates = { learningRate: tf.tensor1d([50, 2]), weightDecay: tf.tensor1d([0.1, 0]) };
  // The sum of the heads' losses by tfjs's own functions: no head's parameters are in another's loss.
  const { grads } = tf.valueAndGrads((weight: Tensor, bias: Tensor) => {
    const probabilities = tf.softmax(headLogits({ "head.weight": weight, "head.bias": bias }, x)); // [B, H, C]
    return tf.neg(tf.div(tf.sum(tf.mul(tf.log(probabilities), tf.expandDims(oneHot, 1))), 7)) as tf.Scalar;
  })([parameters["head.weight"], parameters["head.bias"]]);
  const expected = lars(parameters, { "head.weight": grads[0], "head.bias": grads[1] }, velocity, rates);
  const next = trainHeads({ parameters, velocity }, x, oneHot, tf.fill([7, 2], 1 / 7), rates);
  for (const name of Object.keys(parameters)) {
    assertLess(largest(next.parameters[name], expected.parameters[name]), 1e-4, name);
    assertLess(largest(next.velocity[name], expected.velocity[name]), 1e-6, name);
    assert(largest(next.parameters[name], parameters[name]) > 0.1);
  }
});

for (const { batchNorm, ...after } of fixture.after) {
  Deno.test(`trainHeads() by nesterov() does as PyTorch does, ${batchNorm ? "with" : "without"} batch norm`, () => {
    let heads: LinearHeads = {
      parameters: { "head.weight": tf.tensor3d([fixture.weight]), "head.bias": tf.tensor2d([fixture.bias]) },
      velocity: { "head.weight": tf.zeros([1, 3, 4]), "head.bias": tf.zeros([1, 3]) },
    };
    let norm = newNorm(4);
    fixture.batches.forEach(({ x, labels }, step) => {
      const { normalised, running } = normaliseBatch(tf.tensor2d(x), norm);
      const oneHot = tf.oneHot(tf.tensor1d(labels, "int32"), 3, 1, 0, "float32");
      const rates = {
        learningRate: tf.tensor1d([fixture.learningRates[step]]),
        weightDecay: tf.tensor1d([fixture.weightDecay]),
      };
      const weights = tf.fill([labels.length, 1], 1 / labels.length);
      heads = trainHeads(heads, batchNorm ? normalised : tf.tensor2d(x), oneHot, weights, rates, nesterov);
      norm = running;
    });
    assertLess(largest(heads.parameters["head.weight"], tf.tensor3d([after.weight])), 1e-5);
    assertLess(largest(heads.parameters["head.bias"], tf.tensor2d([after.bias])), 1e-5);
    const x = tf.tensor2d(fixture.batches[0].x);
    const logits = headLogits(heads.parameters, batchNorm ? normaliseBy(x, norm) : x);
    assertLess(largest(tf.squeeze(logits, [1]), tf.tensor2d(after.logits)), 1e-4);
  });
}

Deno.test("trainHeads() leaves rows of no weight out", () => {
  const parameters: Parameters = { "head.weight": normal(1, 3, 5), "head.bias": normal(1, 3) };
  const zeros: Parameters = { "head.weight": tf.zeros([1, 3, 5]), "head.bias": tf.zeros([1, 3]) };
  const x = normal(4, 5), oneHot = tf.oneHot(tf.tensor1d([0, 2, 1, 1], "int32"), 3, 1, 0, "float32");
  const rates = { learningRate: tf.tensor1d([2]), weightDecay: tf.tensor1d([0]) };
  const heads = { parameters, velocity: zeros }, weights = tf.tensor2d([[0.5], [0.5], [0], [0]]);
  const some = trainHeads(heads, x, oneHot, weights, rates);
  const rows = (of: Tensor) => tf.slice(of, [0, 0], [2, -1]);
  const alone = trainHeads(heads, rows(x), rows(oneHot), rows(weights), rates);
  for (const name of Object.keys(parameters)) assertLess(largest(some.parameters[name], alone.parameters[name]), 1e-6);
});
