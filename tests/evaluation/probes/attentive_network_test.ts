import "../../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { attentiveLogits, attentiveShapes } from "../../../lib/evaluation/probes/attentive_network.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";
import reference from "../fixtures/attentive_probe.json" with { type: "json" };

const largest = (a: Tensor, b: Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

const tensorsOf = (values: Record<string, unknown>): Parameters =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.tensor(value as number[])]));

for (const { mlpRatio, heads, labels, tokens, logits, loss, parameters, gradients } of reference) {
  const kind = mlpRatio > 0 ? "with an MLP" : "without an MLP";

  Deno.test(`attentiveLogits() and their gradients are PyTorch's, ${kind}`, async () => {
    const p = tensorsOf(parameters), names = Object.keys(p), x = tf.tensor3d(tokens);
    const shapes = attentiveShapes({ width: 8, classes: 4, mlpRatio });
    assertEquals(Object.fromEntries(names.map((name) => [name, p[name].shape])), { ...shapes } as never);

    const step = compile((p: Parameters, x: Tensor) => ({
      logits: attentiveLogits(p, heads, x),
      ...tf.valueAndGrads((...values: Tensor[]) => {
        const own = attentiveLogits(Object.fromEntries(names.map((name, i) => [name, values[i]])), heads, x);
        const oneHot = tf.oneHot(tf.tensor1d(labels, "int32"), 4, 1, 0, "float32");
        return tf.mean(tf.sub(tf.logSumExp(own, 1), tf.sum(tf.mul(own, oneHot), 1))) as tf.Scalar;
      })(names.map((name) => p[name])),
    }), { name: "attentive_reference" });
    const result = await step(p, x);
    assertLess(largest(result.logits, tf.tensor2d(logits)), 2e-5);
    assertAlmostEquals(result.value.dataSync()[0], loss, 1e-5);
    for (const [name, gradient] of Object.entries(tensorsOf(gradients))) {
      assertLess(largest(result.grads[names.indexOf(name)], gradient), 2e-5, name);
    }
    step.dispose();
  });
}

Deno.test("attentiveLogits() do not depend on the order of the tokens, nor on their length and mean", () => {
  const p = tensorsOf(reference[0].parameters);
  const tokens = tf.randomNormal([2, 6, 8], 0, 1, "float32", 5);
  const logits = attentiveLogits(p, 2, tokens);
  assertLess(largest(attentiveLogits(p, 2, tf.reverse(tokens, 1)), logits), 1e-5);
  assertLess(largest(attentiveLogits(p, 2, tf.add(tf.mul(tokens, 3), 1)), logits), 1e-3);
});
