import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { blockWeights, poolTokens, standardisationOf, standardiseBy } from "../../lib/decoding/representation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

Deno.test("poolTokens() averages the tokens that have weight", () => {
  const tokens = tf.tensor3d([[[1, 10], [2, 20], [3, 60]], [[0, 0], [4, 8], [0, 0]]]);
  const weights = tf.tensor2d([...blockWeights(3, [0, 2]), ...blockWeights(3, Int32Array.of(1))], [2, 3]);
  assertEquals([...poolTokens(tokens, weights).dataSync()], [2, 35, 4, 8]);
  for (const tensor of [tokens, weights]) tensor.dispose();
});

Deno.test("standardisationOf() brings its rows to mean 0 and deviation 1, and leaves constants finite", () => {
  const rows = Float32Array.of(1, 5, 100, 3, 5, 300, 5, 5, 200);
  const { mean, deviation } = standardisationOf(rows, 3);
  assertEquals([...mean.dataSync()], [3, 5, 200]);
  assertAlmostEquals(deviation.dataSync()[0], Math.sqrt(8 / 3), 1e-6);
  assertEquals(deviation.dataSync()[1], 1);
  const standardised = standardiseBy(tf.tensor2d(rows, [3, 3]), { mean, deviation }).dataSync();
  assertEquals([1, 4, 7].map((i) => standardised[i]), [0, 0, 0]);
  for (const column of [0, 2]) {
    const values = [0, 3, 6].map((i) => standardised[i + column]);
    assertAlmostEquals(values.reduce((sum, x) => sum + x, 0), 0, 1e-5);
    assertAlmostEquals(values.reduce((sum, x) => sum + x * x, 0) / 3, 1, 1e-5);
  }
  for (const tensor of [mean, deviation]) tensor.dispose();
});
