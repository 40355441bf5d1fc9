import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { type Tensor, tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import { compile, type CompileOptions } from "../../lib/tensorflow/compile.ts";
import { assertClose, checkGradients, deviation, numbers, plain } from "./reference.ts";

const JITS = ["graph", "xla"] as const;

/** Two layers with a softmax between, and a loss: products, reductions, broadcasting and a gather. */
function network(x: Tensor, w1: Tensor, w2: Tensor): Tensor {
  const hidden = tf.softmax(tf.matMul(x as tf.Tensor2D, w1 as tf.Tensor2D));
  const centred = tf.sub(hidden, tf.mean(hidden, -1, true));
  const scaled = tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-3)));
  const some = tf.gather(scaled, tf.tensor1d([3, 0, 0, 2], "int32"));
  return tf.erf(tf.matMul(some as tf.Tensor2D, w2 as tf.Tensor2D, false, true));
}
const weights = () => [numbers([5, 8], 1), numbers([8, 6], 2), numbers([3, 6], 3)];

/** Whether a tensor's values become the others'. */
const same = (actual: unknown, expected: unknown, tolerance = 1e-5) =>
  assertClose(plain(actual), plain(expected), tolerance);

for (const jit of JITS) {
  Deno.test(`compile() gives what eager execution gives (${jit})`, async () => {
    const compiled = compile((...inputs: Tensor[]) => network(inputs[0], inputs[1], inputs[2]), { jit });
    const [x, w1, w2] = weights();
    for (const scale of [1, 3]) same(await compiled(x, tf.mul(w1, scale), w2), network(x, tf.mul(w1, scale), w2));
  });

  Deno.test(`compile() records gradients (${jit})`, async () => {
    const inputs = weights();
    const step = (x: Tensor, w1: Tensor, w2: Tensor) =>
      tf.valueAndGrads((...ws: Tensor[]) => tf.sum(tf.square(network(x, ws[0], ws[1]))) as tf.Scalar)([w1, w2]);
    const [x, w1, w2] = inputs;
    same(await compile(step, { jit })(x, w1, w2), step(x, w1, w2), 2e-5);

    const gradients = compile(
      (dy: Tensor, ...xs: Tensor[]) => tf.grads((...all) => network(all[0], all[1], all[2]))(xs, dy),
      {
        jit,
      },
    );
    checkGradients(
      (...all) => network(all[0], all[1], all[2]),
      inputs,
      5e-3,
      await gradients(numbers([4, 3], 99), ...inputs),
    );
  });
}

Deno.test("compile() takes and returns records and arrays, nested, with constants among them", async () => {
  const compiled = compile((p: { layers: { w: Tensor; b: Tensor }[]; scale: number }, [x]: [Tensor]) => ({
    sums: p.layers.map(({ w, b }) => tf.add(tf.mul(x, w), tf.mul(b, p.scale))),
    given: { x },
    layers: p.layers.length,
    nothing: null,
  }));
  const layer = (v: number) => ({ w: tf.fill([2], v), b: tf.ones([2]) });
  const result = await compiled({ layers: [layer(2), layer(3)], scale: 10 }, [tf.tensor1d([1, 2])]);
  assertEquals(result.sums.map((sum) => [...sum.dataSync()]), [[12, 14], [13, 16]]);
  assertEquals([...result.given.x.dataSync()], [1, 2]);
  assertEquals([result.layers, result.nothing], [2, null]);
});

Deno.test("compile() returns one tensor in two places, constants, and captured tensors", async () => {
  const captured = tf.tensor1d([5, 6]);
  const compiled = compile((x: Tensor) => [x, x, tf.ones([2]), captured]);
  assertEquals((await compiled(tf.zeros([2]))).map((each) => [...each.dataSync()]), [[0, 0], [0, 0], [1, 1], [5, 6]]);
});

Deno.test("captured tensors stay, also when their owner disposes of them", async () => {
  const small = tf.tensor1d([1, 2, 3]), large = tf.range(0, 5000).square();
  const fromHost = tf.tensor1d(Float32Array.from({ length: 5000 }, (_, i) => i));
  const compiled = compile((x: Tensor) => tf.add(tf.mul(tf.sum(small), x), tf.add(tf.max(large), tf.max(fromHost))));
  const expected = 6 * 2 + 4999 ** 2 + 4999;
  const before = await compiled(tf.scalar(2));
  tf.dispose([small, large, fromHost]);
  const after = await compiled(tf.scalar(2));
  assertEquals([before.dataSync()[0], after.dataSync()[0]], [expected, expected]);
});

Deno.test("arguments may be disposed of while the call runs", async () => {
  const compiled = compile((x: Tensor) => tf.sum(tf.square(x)));
  const x = tf.fill([1000], 2).square();
  const running = compiled(x);
  x.dispose();
  assertEquals((await running).dataSync()[0], 16000);
});

Deno.test("equal values of tensors made in the function do not make different constants one", async () => {
  const compiled = compile((x: Tensor) => ({
    zeros: tf.div(x, tf.scalar(0)),
    negative: tf.div(x, tf.scalar(-0)),
    strings: [tf.tensor1d(["a,b", "c"]), tf.tensor1d(["a", "b,c"])],
    integers: [tf.scalar(1, "int32"), tf.scalar(1)],
  }), { jit: "graph" }); // XLA knows no strings.
  const { zeros, negative, strings, integers } = await compiled(tf.scalar(1));
  assertEquals([zeros.dataSync()[0], negative.dataSync()[0]], [Infinity, -Infinity]);
  assertEquals(strings.map((each) => each.arraySync() as unknown), [["a,b", "c"], ["a", "b,c"]]);
  assertEquals(integers.map(({ dtype }) => dtype), ["int32", "float32"]);
});

Deno.test("large constants that are not uniform keep their values", async () => {
  const values = Float32Array.from({ length: 6000 }, (_, i) => i % 7);
  const compiled = compile((x: Tensor) => [tf.add(tf.tensor1d(values), x), tf.add(tf.ones([6000]), x)]);
  const [varied, uniform] = await compiled(tf.scalar(1));
  assertEquals(deviation(varied.dataSync(), values.map((v) => v + 1)), 0);
  assertEquals(new Set(uniform.dataSync()), new Set([2]));
});

Deno.test("a signature is compiled once, and onCompile is told of each", async () => {
  const told: Parameters<NonNullable<CompileOptions["onCompile"]>>[0][] = [];
  let runs = 0;
  const compiled = compile(function scaled({ x, by }: { x: Tensor; by: number | string }) {
    runs++;
    return tf.mul(x, Number(by));
  }, { onCompile: (compilation) => told.push(compilation) });
  const call = async (x: Tensor, by: number | string) => [...(await compiled({ x, by })).dataSync()];

  assertEquals(await call(tf.ones([2]), 2), [2, 2]);
  assertEquals(await call(tf.zeros([2]), 2), [0, 0]);
  assertEquals(told.length, 1);
  assertEquals(told[0].name, "scaled");
  assertStringIncludes(told[0].signature, "float32 [2]");
  assertGreater(told[0].operations, 0);
  assertGreater(told[0].seconds, 0);

  assertEquals(await call(tf.ones([2]), 3), [3, 3]); // another constant
  assertEquals(await call(tf.ones([2]), "3"), [3, 3]); // of another type
  assertEquals(await call(tf.ones([1, 2]), 3), [3, 3]); // another shape
  assertEquals(await call(tf.ones([2], "int32"), 3), [3, 3]); // another type of tensor
  assertEquals([told.length, runs, new Set(told.map(({ signature }) => signature)).size], [5, 5, 5]);
  assertEquals(await call(tf.ones([2]), 2), [2, 2]);
  assertEquals(told.length, 5);

  compiled.dispose();
  assertEquals(await call(tf.ones([2]), 2), [2, 2]);
  assertEquals(told.length, 6);
});

Deno.test("arguments whose records differ in names or order do not share a compilation", async () => {
  const compiled = compile((p: Record<string, Tensor>) => tf.sub(p.a, p.b));
  const [one, two] = [tf.scalar(1), tf.scalar(2)];
  assertEquals((await compiled({ a: one, b: two })).dataSync()[0], -1);
  assertEquals((await compiled({ b: two, a: one })).dataSync()[0], -1);
});

for (const jit of JITS) {
  Deno.test(`bfloat16 stays within 2% of float32 and returns float32 (${jit})`, async () => {
    const inputs = weights();
    const step = (x: Tensor, w1: Tensor, w2: Tensor) => {
      const loss = (...ws: Tensor[]) => tf.mean(tf.square(network(x, ws[0], ws[1]))) as tf.Scalar;
      return {
        y: network(x, w1, w2),
        product: tf.matMul(w2 as tf.Tensor2D, w2 as tf.Tensor2D, false, true),
        ...tf.valueAndGrads(loss)([w1, w2]),
      };
    };
    const [x, w1, w2] = inputs;
    const [exact, reduced] = [step(x, w1, w2), await compile(step, { jit, precision: "bfloat16" })(x, w1, w2)];
    same(reduced, exact, 2e-2);
    const difference = deviation(reduced.product.dataSync(), exact.product.dataSync());
    assertGreater(difference, 1e-4, "products were not computed in bfloat16");
  });
}

Deno.test("in bfloat16, data movement and arithmetic mix with float32", async () => {
  const mixed = (a: Tensor, b: Tensor) => {
    const product = tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D); // bfloat16 in the graph
    return {
      joined: tf.concat([product, b], 0),
      stacked: tf.stack([product, b]),
      parts: tf.unstack(tf.transpose(tf.reshape(product, [2, 2, 4]), [1, 0, 2])),
      padded: tf.pad(product as tf.Tensor2D, [[0, 1], [0, 0]], 0.5),
      chosen: tf.where(tf.greater(product, 0), product, b),
      sum: tf.addN([product, b]),
      rows: tf.gather(product, tf.tensor1d([1, 0], "int32")),
      tiled: tf.tile(product, [1, 2]),
      integers: tf.cast(tf.mul(product, 0), "int32"),
      reduced: tf.max(product, -1),
    };
  };
  const [a, b] = [numbers([4, 4], 1), numbers([4, 4], 2)];
  same(await compile(mixed, { precision: "bfloat16" })(a, b), mixed(a, b), 2e-2);
});

Deno.test("bytes go into a compiled function as they are", async () => {
  const compiled = compile((images: Tensor) => tf.mean(tf.div(tf.cast(images, "float32"), 255), [1, 2]));
  const images = uint8Tensor(new Uint8Array(2 * 2 * 2 * 3).map((_, i) => i * 10), [2, 2, 2, 3]);
  const means = await compiled(images);
  assertEquals(means.shape, [2, 3]);
  same(means, tf.tensor2d([[45, 55, 65], [165, 175, 185]]).div(255));
});

Deno.test("concurrent calls of one function do not disturb each other, nor does one that fails", async () => {
  const compiled = compile((x: Tensor, indices: Tensor) => tf.gather(tf.square(x), indices), { jit: "graph" });
  const calls = Array.from({ length: 12 }, (_, i) => {
    const indices = tf.tensor1d([i % 4 === 3 ? 9 : 1], "int32");
    return compiled(tf.fill([3], i), indices).then((y) => y.dataSync()[0], (error: Error) => error.message);
  });
  for (const [i, result] of (await Promise.all(calls)).entries()) {
    if (i % 4 === 3) assertStringIncludes(`${result}`, "indices[0] = 9 is not in [0, 3)");
    else assertEquals(result, i * i);
  }
});

Deno.test("timers fire while a compiled function runs", async () => {
  const chain = compile((x: Tensor) => {
    let y = x;
    for (let i = 0; i < 24; i++) y = tf.matMul(y as tf.Tensor2D, x as tf.Tensor2D);
    return tf.sum(y);
  });
  const x = tf.randomUniform([900, 900], 0, 1e-3);
  (await chain(x)).dispose();
  let fired = 0;
  const timer = setInterval(() => fired++, 5);
  const start = performance.now();
  try {
    (await chain(x)).dispose();
  } finally {
    clearInterval(timer);
  }
  const elapsed = performance.now() - start;
  assert(elapsed > 50, `the call took ${elapsed} ms: too short to tell`);
  assertGreater(fired, elapsed / 5 / 10, `in ${elapsed} ms`); // a tenth of what an idle machine would fire
});

Deno.test("what fails while a function runs is told with its name", async () => {
  const pick = compile((x: Tensor, i: Tensor) => tf.gather(x, i), { name: "pick", jit: "graph" });
  await assertRejects(() => pick(tf.ones([3]), tf.tensor1d([7], "int32")), Error, "The compiled function pick");
});
