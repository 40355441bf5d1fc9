import "../tensorflow/loaded.ts";
import { assertEquals, assertLess } from "@std/assert";
import { predict } from "../../lib/jepa/predictor.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
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
