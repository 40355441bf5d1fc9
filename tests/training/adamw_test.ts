import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { tf } from "../../lib/tensorflow/backend.ts";
import {
  adamw,
  biasCorrections,
  clipFactor,
  globalNorm,
  type Moments,
  movingAverage,
  type UpdateScalars,
} from "../../lib/training/adamw.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";

function scalars(t: number, learningRate: number, weightDecay: number, clip = 1): UpdateScalars {
  const { correction1, correction2 } = biasCorrections(t);
  const values = { learningRate, weightDecay, correction1, correction2, clip };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, tf.scalar(value)]),
  ) as unknown as UpdateScalars;
}

const zeros = (p: Parameters): Moments => {
  const like = () => Object.fromEntries(Object.entries(p).map(([name, value]) => [name, tf.zerosLike(value)]));
  return { first: like(), second: like() };
};

Deno.test("adamw() finds the minimum of a badly scaled quadratic", () => {
  const scale = tf.tensor1d([100, 1, 0.01]), minimum = tf.tensor1d([1, -2, 3]);
  let parameters: Parameters = { "x.weight": tf.zeros([3]) }, moments = zeros(parameters);
  for (let t = 1; t <= 400; t++) {
    const gradients = { "x.weight": tf.mul(scale, tf.sub(parameters["x.weight"], minimum)) };
    const rate = 0.05 * (1 - (t - 1) / 400);
    ({ parameters, moments } = adamw(parameters, gradients, moments, scalars(t, rate, 0)));
  }
  assertLess(tf.max(tf.abs(tf.sub(parameters["x.weight"], minimum))).dataSync()[0], 0.01);
});

Deno.test("adamw() moves by the learning rate in its first step, whatever the gradient's size", () => {
  const parameters = { "x.bias": tf.tensor1d([1, 1, 1]) };
  const next = adamw(parameters, { "x.bias": tf.tensor1d([1e-3, -50, 0]) }, zeros(parameters), scalars(1, 0.1, 0));
  const [up, down, still] = next.parameters["x.bias"].dataSync();
  assertAlmostEquals(up, 0.9, 1e-5);
  assertAlmostEquals(down, 1.1, 1e-6);
  assertEquals(still, 1);
});

Deno.test("adamw() decays matrices by learning rate times weight decay, and nothing else", () => {
  const names = ["blocks.0.mlp.fc1.weight", "patch_embed.proj.weight", "blocks.0.norm1.weight", "norm.weight"]
    .concat(["blocks.0.attn.qkv.bias", "predictor_norm.weight"]);
  const parameters: Parameters = Object.fromEntries(names.map((name) => [name, tf.tensor1d([2])]));
  const gradients = Object.fromEntries(names.map((name) => [name, tf.tensor1d([0])]));
  const next = adamw(
    { ...parameters, pos_embed: tf.tensor1d([2]) },
    gradients,
    zeros(parameters),
    scalars(1, 0.1, 0.5),
  );
  const after = Object.entries(next.parameters).map(([name, value]) => [name, value.dataSync()[0]] as const);
  for (const [name, value] of after) {
    assertAlmostEquals(
      value,
      ["blocks.0.mlp.fc1.weight", "patch_embed.proj.weight"].includes(name) ? 1.9 : 2,
      1e-6,
      name,
    );
  }
  assertEquals(after.length, names.length + 1);
});

Deno.test("adamw() scales each parameter's learning rate, and with it what is decayed, by its factor", () => {
  const parameters: Parameters = Object.fromEntries(
    ["a.weight", "b.weight"].map((name) => [name, tf.tensor1d([2, 2])]),
  );
  const gradients = { "a.weight": tf.tensor1d([3, 0]), "b.weight": tf.tensor1d([3, 0]) };
  const factor = (name: string) => name === "a.weight" ? 0.25 : 1;
  const next = adamw(parameters, gradients, zeros(parameters), scalars(1, 0.1, 0.5), factor);
  const [a, b] = ["a.weight", "b.weight"].map((name) => next.parameters[name].dataSync());
  assertAlmostEquals(a[0], 2 - 0.25 * (0.1 + 0.1), 1e-6);
  assertAlmostEquals(a[1], 2 - 0.25 * 0.1, 1e-6);
  assertAlmostEquals(b[0], 2 - (0.1 + 0.1), 1e-6);
  assertEquals([...next.moments.first["a.weight"].dataSync()], [...next.moments.first["b.weight"].dataSync()]);
});

Deno.test("adamw() keeps moments of the clipped gradient", () => {
  const parameters = { "x.weight": tf.tensor1d([0]) };
  const { moments } = adamw(parameters, { "x.weight": tf.tensor1d([8]) }, zeros(parameters), scalars(1, 0.1, 0, 0.25));
  assertAlmostEquals(moments.first["x.weight"].dataSync()[0], 0.1 * 2, 1e-6);
  assertAlmostEquals(moments.second["x.weight"].dataSync()[0], 0.001 * 4, 1e-8);
});

Deno.test("clipFactor() brings a norm above the limit to it, and leaves others", () => {
  const gradients = { a: tf.tensor1d([3, 0]), b: tf.tensor2d([[0], [4]]) };
  const norm = globalNorm(gradients);
  assertAlmostEquals(norm.dataSync()[0], 5, 1e-6);
  assertAlmostEquals(clipFactor(norm, 1).dataSync()[0], 0.2, 1e-6);
  assertEquals(clipFactor(norm, 5.1).dataSync()[0], 1);
  assertEquals(clipFactor(tf.scalar(0), 1).dataSync()[0], 1);
});

Deno.test("movingAverage() takes in the fast parameters, and leaves positions", () => {
  const slow = { w: tf.tensor1d([1, 2]), pos_embed: tf.tensor1d([7]) };
  const fast = { w: tf.tensor1d([3, -2]), pos_embed: tf.tensor1d([9]) };
  const average = movingAverage(slow, fast, tf.scalar(0.75));
  assertEquals([...average.w.dataSync()], [1.5, 1]);
  assertEquals([...average.pos_embed.dataSync()], [7]);
});

Deno.test("adamw() keeps as much of its second moments as it is told", () => {
  const beta2 = 0.95, parameters = { "x.bias": tf.tensor1d([1]) }, gradients = { "x.bias": tf.tensor1d([2]) };
  const { correction1, correction2 } = biasCorrections(1, beta2);
  assertAlmostEquals(correction2, 0.05, 1e-12);
  const given = { ...scalars(1, 0.1, 0), correction1: tf.scalar(correction1), correction2: tf.scalar(correction2) };
  const moments = { first: { "x.bias": tf.zeros([1]) }, second: { "x.bias": tf.tensor1d([8]) } };
  const next = adamw(parameters, gradients, moments, given, undefined, beta2);
  assertAlmostEquals(next.moments.second["x.bias"].dataSync()[0], 0.95 * 8 + 0.05 * 4, 1e-5);
  const usual = adamw(parameters, gradients, moments, given);
  assertAlmostEquals(usual.moments.second["x.bias"].dataSync()[0], 0.999 * 8 + 0.001 * 4, 1e-5);
});
