import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { architecture, encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { sineCosinePositions } from "../../lib/nn/positions.ts";

const ti = architecture("Ti/16");
const encoder = initialise(encoderShapes(ti), 7), predictor = initialise(predictorShapes(ti), 7);
const values = (p: Parameters, name: string) => p[name].dataSync() as Float32Array;

function statistics(x: Float32Array): { mean: number; deviation: number; largest: number } {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length);
  return { mean, deviation, largest: x.reduce((most, v) => Math.max(most, Math.abs(v)), 0) };
}

Deno.test("initialise() draws weights with deviation 0.02, the ends of branches with less in later blocks", () => {
  const expected: [Parameters, string, number][] = [
    [encoder, "patch_embed.proj.weight", 0.02],
    [encoder, "blocks.0.attn.qkv.weight", 0.02],
    [encoder, "blocks.11.mlp.fc1.weight", 0.02],
    [encoder, "blocks.0.attn.proj.weight", 0.02 / Math.sqrt(2)],
    [encoder, "blocks.11.attn.proj.weight", 0.02 / Math.sqrt(24)],
    [encoder, "blocks.5.mlp.fc2.weight", 0.02 / Math.sqrt(12)],
    [predictor, "predictor_embed.weight", 0.02],
    [predictor, "predictor_blocks.5.mlp.fc2.weight", 0.02 / Math.sqrt(12)],
    [predictor, "predictor_proj.weight", 0.02],
  ];
  for (const [p, name, deviation] of expected) {
    const x = values(p, name), found = statistics(x);
    // Five standard errors of the deviation and of the mean of x.length normal numbers.
    assertAlmostEquals(found.deviation, deviation, 5 * deviation / Math.sqrt(2 * x.length), `deviation of ${name}`);
    assertAlmostEquals(found.mean, 0, 5 * deviation / Math.sqrt(x.length), `mean of ${name}`);
  }
  const token = statistics(values(predictor, "mask_token"));
  assertAlmostEquals(token.deviation, 0.02, 0.008);
});

Deno.test("initialise() without the rescale draws the ends of branches as all other weights, from the same numbers", () => {
  const plain = {
    ...initialise(encoderShapes(ti), 7, "normal", false),
    ...initialise(predictorShapes(ti), 7, "normal", false),
  };
  for (const name of ["blocks.0.attn.proj.weight", "blocks.11.mlp.fc2.weight", "predictor_blocks.5.mlp.fc2.weight"]) {
    const x = values(plain, name);
    assertAlmostEquals(statistics(x).deviation, 0.02, 5 * 0.02 / Math.sqrt(2 * x.length), name);
  }
  const layer = 12,
    rescaled = values(encoder, "blocks.11.mlp.fc2.weight"),
    own = values(plain, "blocks.11.mlp.fc2.weight");
  own.forEach((x, i) => assertAlmostEquals(rescaled[i], x / Math.sqrt(2 * layer), 1e-8));
  assertEquals(values(plain, "blocks.3.mlp.fc1.weight"), values(encoder, "blocks.3.mlp.fc1.weight"));
});

Deno.test("initialise() sets biases to 0, norms to 1 and positions to theirs", () => {
  for (const p of [encoder, predictor]) {
    for (const [name, tensor] of Object.entries(p)) {
      if (name.endsWith(".bias")) assert(tensor.dataSync().every((x: number) => x === 0), name);
      if (/norm\d?\.weight$/.test(name)) assert(tensor.dataSync().every((x: number) => x === 1), name);
    }
  }
  assertEquals(values(encoder, "pos_embed"), sineCosinePositions(192, 14));
  assertEquals(values(predictor, "predictor_pos_embed"), sineCosinePositions(96, 14));
});

Deno.test("initialise() with Xavier patches fills [-bound, bound] of the patch embedding evenly", () => {
  const name = "patch_embed.proj.weight", bound = Math.sqrt(6 / (192 + 768));
  const xavier = initialise({ [name]: encoderShapes(ti)[name] }, 7, "xavier");
  const { deviation, largest } = statistics(values(xavier, name));
  assertLess(largest, bound);
  assertAlmostEquals(largest, bound, 0.001 * bound);
  assertAlmostEquals(deviation, bound / Math.sqrt(3), 0.01 * bound);
});

Deno.test("initialise() gives a parameter the same values for a seed, whatever else is drawn", () => {
  const name = "blocks.3.attn.qkv.weight";
  const alone = initialise({ [name]: encoderShapes(ti)[name] }, 7);
  assertEquals(values(alone, name), values(encoder, name));
  assertNotEquals(values(encoder, "blocks.4.attn.qkv.weight"), values(encoder, name));
  assertNotEquals(values(initialise({ [name]: [576, 192] }, 8), name), values(encoder, name));
});
