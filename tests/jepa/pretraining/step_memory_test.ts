import { assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { architecture } from "../../../lib/jepa/architectures.ts";
import { largestBatch, stepMemory, totalMemory } from "../../../lib/jepa/pretraining/step_memory.ts";
import { runProgram } from "../../tensorflow/program.ts";

Deno.test("stepMemory() is within two fifths of what a process takes, with activations kept and recomputed", async () => {
  const { peak } = await runProgram("step_peaks.ts", []);
  const size = {
    ...{ image: 32, patch: 4, width: 192, depth: 4, heads: 3, mlpRatio: 4 },
    predictor: { width: 96, depth: 2, heads: 3 },
  };
  const of = (batch: number, recompute: boolean) => {
    const options = { batch, precision: "float32", recompute } as const;
    return totalMemory(stepMemory(size, { contextLength: 20, targetLength: 12, blocks: 4 }, options)) / 1e6;
  };
  const another128 = of(256, false) - of(128, false), saved = of(128, false) - of(128, true);
  // How many operations TensorFlow has under way at once, on a busy machine more, is no part of the estimate.
  assertAlmostEquals(peak.twice - peak.kept, another128, 0.4 * another128);
  assertAlmostEquals(peak.kept - peak.recomputed, saved, 0.4 * saved);
});

Deno.test("stepMemory() of ViT-B/16's state is four bytes a number, seven times over", () => {
  const lengths = { contextLength: 60, targetLength: 36, blocks: 4 };
  const { weights, average, moments, gradients, rounded, activations } = stepMemory(architecture("B/16"), lengths, {
    ...{ batch: 0, precision: "float32", recompute: false },
  });
  // 85.65 million in the encoder, 11.0 million in the predictor.
  assertAlmostEquals(weights / 1e6, 4 * (85.65 + 11.02), 1);
  assertAlmostEquals(average / 1e6, 4 * 85.65, 1);
  assertEquals([moments, gradients, rounded, activations], [2 * weights, weights, 0, 0]);
});

Deno.test("largestBatch() is the last that fits", () => {
  const size = architecture("H/14"), lengths = { contextLength: 78, targetLength: 54, blocks: 4 };
  for (const recompute of [false, true]) {
    const how = { precision: "bfloat16", recompute } as const, capacity = 64e9;
    const batch = largestBatch(size, lengths, how, capacity);
    assertGreater(batch, 1);
    assertLess(totalMemory(stepMemory(size, lengths, { ...how, batch })), capacity);
    assertGreater(totalMemory(stepMemory(size, lengths, { ...how, batch: batch + 1 })), capacity);
    assertEquals(largestBatch(size, lengths, how, 1e9), 0, "not even the weights");
  }
});
