import "../../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { lars } from "../../../lib/evaluation/linear/lars.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";
import reference from "../fixtures/lars.json" with { type: "json" };

/** Parameters of all cases as networks side by side. */
const stacked = (of: (network: typeof reference[number]) => { weight: number[][]; bias: number[] }): Parameters => ({
  "head.weight": tf.tensor3d(reference.map((network) => of(network).weight)),
  "head.bias": tf.tensor2d(reference.map((network) => of(network).bias)),
});

const zeros = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, tf.zerosLike(value)]));

const rates = (learningRate: number[], weightDecay: number[]) => ({
  learningRate: tf.tensor1d(learningRate),
  weightDecay: tf.tensor1d(weightDecay),
});

Deno.test("lars() trains networks side by side as timm's optimiser and the formula train each of them", async () => {
  // With weight decay and without, and from weights of zero, which have no norm to move a share of.
  assertEquals(reference.map(({ weightDecay }) => weightDecay), [0, 0.5, 0]);
  const step = compile(lars, { name: "lars" });
  let parameters = stacked((network) => network), velocity = zeros(parameters);
  for (let i = 0; i < 3; i++) {
    const own = rates(reference.map((n) => n.learningRates[i]), reference.map((n) => n.weightDecay));
    ({ parameters, velocity } = await step(parameters, stacked((network) => network.gradients[i]), velocity, own));
  }
  const expected = stacked((network) => network.after);
  for (const [name, value] of Object.entries(expected)) {
    assertLess(tf.max(tf.abs(tf.sub(value, parameters[name]))).dataSync()[0], 1e-5, name);
  }
  step.dispose();
});

Deno.test("lars() moves a matrix by 0.001 of its norm at a learning rate of 1, whatever the gradient's", () => {
  for (const size of [1e-6, 1, 1e6]) {
    const parameters = { "head.weight": tf.tensor2d([[3, 4]]) },
      gradients = { "head.weight": tf.tensor2d([[0, size]]) };
    const next = lars(parameters, gradients, zeros(parameters), rates([1], [0])).parameters["head.weight"].dataSync();
    assertEquals(next[0], 3);
    assertAlmostEquals(next[1], 4 - 0.005, 1e-6);
  }
});

Deno.test("lars() leaves a matrix without gradient and decay where it is, and a bias to its gradient alone", () => {
  const parameters = { "head.weight": tf.tensor2d([[3, 4]]), "head.bias": tf.tensor2d([[2, -2]]) };
  const gradients = { "head.weight": tf.zeros([1, 2]), "head.bias": tf.tensor2d([[1, 0]]) };
  const still = lars(parameters, gradients, zeros(parameters), rates([10], [0])).parameters;
  assertEquals(Array.from(still["head.weight"].dataSync()), [3, 4]);
  assertEquals(Array.from(still["head.bias"].dataSync()), [-8, -2]);
  // A decay alone is a gradient towards zero: the matrix becomes shorter by its share.
  const { "head.weight": decayed, "head.bias": bias } =
    lars(parameters, gradients, zeros(parameters), rates([10], [0.1])).parameters;
  decayed.dataSync().forEach((value, i) => assertAlmostEquals(value, [3, 4][i] * 0.99, 1e-6));
  assertEquals(Array.from(bias.dataSync()), [-8, -2]);
});
