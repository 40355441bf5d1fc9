import { assertEquals, assertGreater } from "@std/assert";
import { block, layerNorm, linear, normalise } from "../../lib/nn/layers.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compile } from "../../lib/tensorflow/compile.ts";
import { fused, kernel, sumOfRows } from "../../lib/tensorflow/fused.ts";
import { assertClose, checkGradients, deviation, numbers, plain } from "./reference.ts";

const MODES = [{ jit: "graph" }, { jit: "xla" }] as const;

type TensorFunction = (...inputs: Tensor[]) => Tensor;

/** The value and the gradients of a function, eager against compiled, and against finite differences. */
async function check(
  fn: TensorFunction,
  inputs: Tensor[],
  modes: readonly { jit: "graph" | "xla" }[] = MODES,
): Promise<void> {
  const eager = { value: fn(...inputs), gradients: tf.grads(fn)(inputs, numbers(fn(...inputs).shape, 99)) };
  checkGradients(fn, inputs, 5e-3, eager.gradients);
  for (const mode of modes) {
    const step = compile(
      (dy: Tensor, ...xs: Tensor[]) => ({ value: fn(...xs), gradients: tf.grads(fn)(xs, dy) }),
      mode,
    );
    const compiled = await step(numbers(eager.value.shape, 99), ...inputs);
    assertClose(plain(compiled), plain(eager), 2e-5, mode.jit);
    step.dispose();
  }
}

/** A chain like those of the layers: broadcasting, a reduction, and an input that comes twice. */
const chain = (x: Tensor, scale: Tensor) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.mul(tf.erf(tf.mul(centred, scale)), tf.rsqrt(tf.add(tf.sum(tf.square(centred), -1, true), 0.1)));
};

Deno.test("fused() computes its function and the function's gradient, eagerly and compiled", async () => {
  await check(fused("chain", chain) as TensorFunction, [numbers([3, 4], 1), numbers([4], 2, 0.5, 2)]);
});

Deno.test("fused functions follow one another and use one another, and their inputs may come twice", async () => {
  const inner = fused("inner", (x: Tensor) => tf.tanh(tf.mul(x, 2)));
  const outer = fused("outer", (x: Tensor, y: Tensor) => tf.mul(inner(x), tf.exp(y)));
  const fn = (x: Tensor, w: Tensor) => tf.matMul(outer(inner(x), x) as tf.Tensor2D, outer(w, w) as tf.Tensor2D);
  await check(fn as TensorFunction, [numbers([2, 3], 1, -0.5, 0.5), numbers([3, 2], 2, -0.5, 0.5)]);
});

Deno.test("a fused chain is one operation of the graph, its gradient another", async () => {
  const operations: number[] = [];
  const count = async (fn: TensorFunction) => {
    const gradients = (x: Tensor, scale: Tensor) => tf.grads(fn)([x, scale]);
    const step = compile(gradients, { jit: "graph", onCompile: (told) => operations.push(told.operations) });
    tf.dispose(await step(numbers([3, 4], 1), numbers([4], 2)));
    step.dispose();
  };
  await count(fused("counted", chain) as TensorFunction);
  await count(chain as TensorFunction);
  assertGreater(operations[1], 3 * operations[0]);
});

Deno.test("kernel() gives several results", async () => {
  const statistics = kernel("statistics", (x: Tensor) => [tf.sum(x), tf.max(x, 0), tf.cast(tf.mul(x, 10), "int32")]);
  const x = numbers([3, 2], 1);
  for (const mode of MODES) {
    assertClose(plain(await compile((x: Tensor) => statistics(x), mode)(x)), plain(statistics(x)), 1e-6, mode.jit);
  }
});

Deno.test("fused() keeps activations in bfloat16 where it is told to, and gives float32 outside", async () => {
  const step = (store: "float32" | "activation") => {
    const scaled = fused(`scaled_${store}`, (x: Tensor) => tf.mul(x, 1.001), store);
    return compile((x: Tensor) => scaled(x), { jit: "graph", precision: "bfloat16" });
  };
  const x = numbers([64], 1);
  const [exact, reduced] = [await step("float32")(x), await step("activation")(x)];
  assertEquals([exact.dtype, reduced.dtype], ["float32", "float32"]);
  const expected = tf.mul(x, 1.001).dataSync();
  assertEquals(deviation(exact.dataSync(), expected) < 1e-6, true);
  const far = deviation(reduced.dataSync(), expected);
  assertEquals([far > 1e-5, far < 4e-3], [true, true], `deviation ${far}`);
});

Deno.test("sumOfRows() adds up in float32 what is kept in bfloat16, and in float32 gives what tfjs does", async () => {
  // Added up in bfloat16 ones would end at 256, twos at 512. Rounded once, 3000 is 3008, 6000 is 6016, 900 is 904.
  const x = tf.tile(tf.tensor3d([1, 2, 0.3], [1, 1, 3]), [2, 1500, 1]);
  const step = (precision: "float32" | "bfloat16", kept: (x: Tensor) => Tensor) =>
    compile((x: Tensor) => sumOfRows(kept(x)), { jit: "graph", precision })(x);
  const half = fused("kept_in_bfloat16", (x: Tensor) => tf.mul(x, 1), "activation");
  assertEquals([...(await step("bfloat16", half)).dataSync()], [3008, 6016, 904]);
  for (const precision of ["float32", "bfloat16"] as const) {
    assertClose(plain(await step(precision, (x) => tf.mul(x, 1))), plain(tf.sum(x, [0, 1])), 1e-4);
  }
});

/** Parameters of one block of width 4, far enough from zero for every path to matter. */
function blockParameters(): Parameters {
  const shapes = {
    "b.norm1.weight": [4],
    "b.norm1.bias": [4],
    "b.attn.qkv.weight": [12, 4],
    "b.attn.qkv.bias": [12],
    "b.attn.proj.weight": [4, 4],
    "b.attn.proj.bias": [4],
    "b.norm2.weight": [4],
    "b.norm2.bias": [4],
    "b.mlp.fc1.weight": [8, 4],
    "b.mlp.fc1.bias": [8],
    "b.mlp.fc2.weight": [4, 8],
    "b.mlp.fc2.bias": [4],
  };
  return Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, numbers(shape, i, -0.8, 0.8)]));
}

// XLA takes seconds to compile a block as a whole, so each mode gets one of the two.
for (const [from, jit] of [[0, "graph"], [1, "xla"]] as const) {
  Deno.test(`block() from token ${from}: value and gradients by input and by parameter (${jit})`, async () => {
    const parameters = blockParameters();
    const names = Object.keys(parameters);
    const fn = (x: Tensor, ...values: Tensor[]) =>
      block(Object.fromEntries(names.map((name, i) => [name, values[i]])), "b", x, 2, { from });
    const values = names.map((name) => parameters[name]);
    await check(fn as TensorFunction, [numbers([2, 3, 4], 50, -1.5, 1.5), ...values], [{ jit }]);
  });
}

Deno.test("layerNorm(), normalise() and linear(): values and gradients", async () => {
  const [x, scale, shift] = [numbers([2, 2, 4], 1, -2, 2), numbers([4], 2, 0.5, 2), numbers([4], 3)];
  await check(
    (x, weight, bias) => layerNorm({ "n.weight": weight, "n.bias": bias }, "n", x),
    [x, scale, shift],
  );
  await check(normalise, [x]);
  await check(
    (x, weight, bias) => linear({ "l.weight": weight, "l.bias": bias }, "l", x),
    [x, numbers([3, 4], 4), numbers([3], 5)],
  );
});

Deno.test("a block in bfloat16 stays within 3% of float32, value and gradients", async () => {
  const p = blockParameters();
  const names = Object.keys(p);
  const loss = (x: Tensor, values: Tensor[]) =>
    tf.mean(tf.square(block(Object.fromEntries(names.map((name, i) => [name, values[i]])), "b", x, 2))) as tf.Scalar;
  const step = (x: Tensor, values: Tensor[]) => tf.valueAndGrads((...all: Tensor[]) => loss(x, all))(values);
  const x = numbers([2, 3, 4], 50, -1.5, 1.5), values = names.map((name) => p[name]);
  const reduced = await compile(step, { jit: "graph", precision: "bfloat16" })(x, values);
  assertClose(plain(reduced), plain(step(x, values)), 3e-2);
});
