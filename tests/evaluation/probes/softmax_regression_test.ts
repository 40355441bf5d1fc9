import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import { softmaxRegression } from "../../../lib/evaluation/probes/softmax_regression.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import reference from "../fixtures/softmax_regression.json" with { type: "json" };

for (const { x, labels, weightDecay, weight, bias } of reference) {
  Deno.test(`softmaxRegression() finds scikit-learn's solution, of ${labels.length} rows with weight decay ${weightDecay}`, async () => {
    const rows = tf.tensor2d(x), regression = softmaxRegression(rows, Int32Array.from(labels), 4);
    const rowWeights = new Float32Array(labels.length).fill(1 / labels.length);
    const fitted = await regression.fit({ rowWeights, weightDecay });
    assert(fitted.converged);
    fitted.weight.forEach((value, i) => assertLess(Math.abs(value - weight.flat()[i]), 2e-3, `weight ${i}`));
    // All classes' biases can be raised alike.
    const mean = fitted.bias.reduce((a, b) => a + b) / 4;
    fitted.bias.forEach((value, i) => assertLess(Math.abs(value - mean - bias[i]), 2e-3, `bias ${i}`));
    regression.dispose();
    rows.dispose();
  });
}

Deno.test("softmaxRegression() counts rows by their weights: those of weight 0 are as good as absent", async () => {
  const [{ x, labels, weightDecay }] = reference;
  const solve = async (count: number, rows: number[][], own: number[]) => {
    const tensor = tf.tensor2d(rows), regression = softmaxRegression(tensor, Int32Array.from(own), 4);
    const rowWeights = Float32Array.from(own, (_, i) => i < count ? 1 / count : 0);
    const { weight } = await regression.fit({ rowWeights, weightDecay });
    regression.dispose();
    tensor.dispose();
    return weight;
  };
  const few = await solve(40, x.slice(0, 40), labels.slice(0, 40)), among = await solve(40, x, labels);
  assertEquals(few.length, 24);
  few.forEach((value, i) => assertLess(Math.abs(value - among[i]), 2e-3));
});
