import "../tensorflow/loaded.ts";
import { assertEquals, assertLess } from "@std/assert";
import { predict } from "../../lib/jepa/predictor.ts";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compile } from "../../lib/tensorflow/compile.ts";
import shared from "./fixtures/shared_context.json" with { type: "json" };
import {
  architecture,
  expected,
  initialNetworks,
  largestDifference,
  stepInputs,
} from "../training/reference/reference.ts";

const { predictor } = initialNetworks();
const { context, targets } = stepInputs(0);
const given = expected("representation");
const representation = tf.tensor(given.values, given.shape);

Deno.test("predict() does as PyTorch does with one run for each block", () => {
  const predicted = predict(predictor, architecture.predictor, representation, context, targets);
  assertEquals(predicted.shape, [2, 4, 4, 16]);
  assertLess(largestDifference(predicted, expected("predictions").values), 1e-5);
});

Deno.test("predict() makes each block's prediction without regard to the others", () => {
  const both = predict(predictor, architecture.predictor, representation, context, targets);
  const second = predict(predictor, architecture.predictor, representation, context, tf.slice(targets, [1], [1]));
  assertLess(largestDifference(second, tf.slice(both, [1], [1]).dataSync()), 1e-6);
});

for (const [name, padding] of [["whole", 0], ["padded", 1]] as const) {
  Deno.test(`predict() with a shared context does as PyTorch's attention with a mask (${name})`, async () => {
    const { shape, predicted, gradient } = shared[name], [, batch, length] = shape;
    const ones = (count: number) => tf.tensor1d(Array.from({ length: count }, (_, i) => i < count - padding ? 1 : 0));
    const present = padding ? { context: ones(6), targets: ones(4) } : undefined;
    const size = { ...architecture.predictor, sharedContext: true };
    const of = (x: Tensor) =>
      tf.slice(predict(predictor, size, x, context, targets, present), [0, 0, 0, 0], [2, batch, length, 16]);
    const run = compile((x: Tensor) => ({
      predicted: of(x),
      gradient: tf.grad((x: Tensor) => tf.sum(tf.square(of(x))))(x),
    }), { jit: "graph" });
    const results = await run(representation);
    assertEquals(results.predicted.shape, shape);
    assertLess(largestDifference(results.predicted, Float32Array.from(predicted)), 1e-5);
    assertLess(largestDifference(results.gradient, Float32Array.from(gradient)), 1e-4);
    run.dispose();
  });
}
