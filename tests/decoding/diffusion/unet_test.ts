import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  checkUnet,
  initialiseUnet,
  residualBlock,
  unet,
  unetShapes,
  type UnetSize,
} from "../../../lib/decoding/diffusion/unet.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { randomStream } from "../../../lib/random.ts";
import { disposeAll, type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";
import { largestDifference } from "../../training/reference/reference.ts";
import fixture from "./fixtures/diffusion.json" with { type: "json" };

/** The sizes in fixtures/diffusion.py. */
const SIZE: UnetSize = { image: 8, channels: [32, 48, 64], heads: 2, condition: 5 };

function sines(shape: readonly number[], number: number, scale: number): Tensor {
  const length = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(Float32Array.from({ length }, (_, i) => scale * Math.sin(1.7 * i + number)), [...shape]);
}

const parameters = (): Parameters =>
  Object.fromEntries(Object.entries(unetShapes(SIZE)).map(([name, shape], i) => [name, sines(shape, i, 0.1)]));

const inputs = () => ({
  noisy: sines([2, 8, 8, 3], 102, 1),
  time: tf.tensor1d([3, 700]),
  representation: sines([2, 5], 103, 1),
  kept: tf.tensor1d([1, 0]),
});

const predict = (p: Parameters, { noisy, time, representation, kept }: ReturnType<typeof inputs>) =>
  unet(p, SIZE, noisy, time, representation, kept);

/** Gradients of the output's mean square, by name. */
function gradients(p: Parameters, given: ReturnType<typeof inputs>): Parameters {
  const names = Object.keys(p);
  const lossOf = (...values: Tensor[]) =>
    tf.mean(tf.square(predict(Object.fromEntries(names.map((n, i) => [n, values[i]])), given)));
  const grads = tf.grads(lossOf)(names.map((name) => p[name]));
  return Object.fromEntries(names.map((name, i) => [name, grads[i]]));
}

const norm = (x: Tensor) => tf.norm(tf.reshape(x, [-1])).dataSync()[0];

Deno.test("residualBlock() is PyTorch's", () => {
  tf.tidy(() => {
    const block = residualBlock(parameters(), "down.1", sines([2, 4, 4, 32], 100, 1), sines([2, 256], 101, 1));
    assertLess(largestDifference(block, fixture.block), 1e-4);
  });
});

Deno.test("unet() and its gradients are PyTorch's, with a condition and without one", () => {
  tf.tidy(() => {
    assertLess(largestDifference(predict(parameters(), inputs()), fixture.network), 1e-4);
    for (const [name, gradient] of Object.entries(gradients(parameters(), inputs()))) {
      const [length, product] = (fixture.gradients as unknown as Record<string, number[]>)[name];
      assertAlmostEquals(norm(gradient) / length, 1, 1e-3, name);
      const found = tf.sum(tf.mul(gradient, sines(gradient.shape, 7, 1))).dataSync()[0];
      assertAlmostEquals(found / length, product / length, 1e-3, `${name}: ${found}, not ${product}`);
    }
  });
});

Deno.test("unet() of several blocks a level, with attention on one, is PyTorch's", () => {
  tf.tidy(() => {
    const size = { image: 8, channels: [32, 48], heads: 2, condition: 5, blocks: 2, attention: [4] };
    const shapes = Object.entries(unetShapes(size)), { noisy, time, representation, kept } = inputs();
    const p = Object.fromEntries(shapes.map(([name, shape], i) => [name, sines(shape, i, 0.1)]));
    assertLess(largestDifference(unet(p, size, noisy, time, representation, kept), fixture.deep), 1e-4);
    for (
      const [wrong, message] of [[{ attention: [3] }, "No level has a side of 3"], [{ blocks: 0 }, "at least 1 block"]]
    ) {
      assertThrows(() => checkUnet({ ...size, ...wrong as object }), RangeError, message as string);
    }
    assertThrows(
      () => checkUnet({ ...size, channels: [16, 48], heads: 3, attention: [8] }),
      RangeError,
      "heads do not divide",
    );
  });
});

Deno.test("unet() compiled gives what it gives eagerly, gradients too; in bfloat16 nearly", async () => {
  // As in training, no output is a small difference of large sums, which bfloat16 would not give.
  const random = randomStream(5), given = inputs();
  const normal = (name: string, shape: readonly number[]) => {
    const length = shape.reduce((product, n) => product * n, 1), inputs = length / shape[shape.length === 4 ? 3 : 0];
    const deviation = name.endsWith("weight") ? 1 / Math.sqrt(inputs) : 0.1;
    return tf.tensor(Float32Array.from({ length }, () => deviation * random.normal()), [...shape]);
  };
  const p = Object.fromEntries(Object.entries(unetShapes(SIZE)).map(([name, shape]) => [name, normal(name, shape)]));
  const eager = tf.tidy(() => ({ output: predict(p, given), gradients: gradients(p, given) }));
  const far = (a: Tensor, b: Tensor) => tf.tidy(() => norm(tf.sub(a, b)) / norm(b));
  // On a CPU without bfloat16 instructions the farthest is 0.052.
  for (const [precision, within] of [["float32", 1e-4], ["bfloat16", 0.08]] as const) {
    const both = compile((p: Parameters, given: ReturnType<typeof inputs>) => ({
      output: predict(p, given),
      gradients: gradients(p, given),
    }), { name: "both", precision });
    const found = await both(p, given);
    assertLess(far(found.output, eager.output), within, precision);
    for (const name of Object.keys(p)) {
      assertLess(far(found.gradients[name], eager.gradients[name]), within, `${precision} ${name}`);
    }
    disposeAll(found);
    both.dispose();
  }
  disposeAll([p, given, eager]);
});

Deno.test("unet() without a condition does not depend on the representation; with one it does", () => {
  tf.tidy(() => {
    const p = parameters(), noisy = sines([1, 8, 8, 3], 102, 1), time = tf.tensor1d([40]);
    const run = (number: number, kept: number) =>
      unet(p, SIZE, noisy, time, sines([1, 5], number, 1), tf.tensor1d([kept])).dataSync();
    assertEquals(run(1, 0), run(2, 0));
    assert(run(1, 1).some((x, i) => x !== run(2, 1)[i]));
  });
});

Deno.test("unet() of one level or of four gives images of the size that it takes", () => {
  tf.tidy(() => {
    for (const channels of [[16], [16, 32, 16, 48]]) {
      const size = { ...SIZE, channels }, { noisy, time, representation, kept } = inputs();
      const predicted = unet(initialiseUnet(size, 0), size, noisy, time, representation, kept);
      assertEquals(predicted.shape, [2, 8, 8, 3]);
    }
  });
});

Deno.test("initialiseUnet() begins with blocks that are their shortcuts and an output of zero", () => {
  tf.tidy(() => {
    const p = initialiseUnet(SIZE, 0), x = sines([2, 4, 4, 32], 0, 1), embedding = sines([2, 256], 1, 1);
    assertEquals(residualBlock(p, "down.0", x, embedding).dataSync(), x.dataSync());
    const shortcut = tf.conv2d(x as tf.Tensor4D, p["down.1.nin_shortcut.weight"] as tf.Tensor4D, 1, "same");
    assertEquals(residualBlock(p, "down.1", x, embedding).dataSync(), shortcut.dataSync());
    assertEquals(predict(p, inputs()).dataSync(), new Float32Array(2 * 8 * 8 * 3));
  });
});

Deno.test("initialiseUnet() follows from its seed, and keeps the mean square of what weights take", () => {
  tf.tidy(() => {
    const p = initialiseUnet(SIZE, 0), kernel = (seed: number) => initialiseUnet(SIZE, seed)["up.0.conv1.weight"];
    assertEquals(p["up.0.conv1.weight"].dataSync(), kernel(0).dataSync());
    assert(kernel(0).dataSync()[0] !== kernel(1).dataSync()[0]);
    assertAlmostEquals(norm(p["temb.dense.0.weight"]) ** 2 / 256, 1, 0.05); // a sum of squares of 1 for each output
    assertAlmostEquals(norm(kernel(0)) ** 2 / 32, 1, 0.05);
  });
});

Deno.test("checkUnet() says what does not fit", () => {
  checkUnet(SIZE);
  checkUnet({ ...SIZE, image: 7, channels: [16] });
  const refusals: [Partial<UnetSize>, string][] = [
    [{ channels: [] }, "at least one level, each of a multiple of 16 channels; got []."],
    [{ channels: [16, 24] }, "got [16,24]"],
    [{ channels: undefined }, "got undefined"],
    [{ image: 18 }, "A U-Net of 3 levels takes images of a multiple of 4 pixels, not of 18: take fewer levels"],
    [{ image: 0 }, "not of 0"],
    [{ heads: 5 }, "5 heads do not divide the last level's 64 channels"],
    [{ heads: -2 }, "-2 heads do not divide"],
  ];
  for (const [change, message] of refusals) {
    assertThrows(() => checkUnet({ ...SIZE, ...change }), RangeError, message);
    assertThrows(() => unetShapes({ ...SIZE, ...change }), RangeError, message);
  }
});
