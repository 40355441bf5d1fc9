import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import { dit, ditBlock, ditShapes, type DitSize, initialiseDit } from "../../lib/decoding/dit.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import fixture from "./fixtures/dit.json" with { type: "json" };

/** The sizes in fixtures/dit.py. */
const SIZE: DitSize = { image: 8, patch: 4, width: 8, depth: 2, heads: 2, condition: 5 };

function sines(shape: readonly number[], number: number, scale: number): Tensor {
  const length = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(Float32Array.from({ length }, (_, i) => scale * Math.sin(1.7 * i + number)), [...shape]);
}

const parameters = (): Parameters =>
  Object.fromEntries(Object.entries(ditShapes(SIZE)).map(([name, shape], i) => [name, sines(shape, i, 0.4)]));

function assertNear(actual: Tensor, expected: number[], within: number) {
  const values = actual.dataSync();
  assertEquals(values.length, expected.length);
  const largest = expected.reduce((worst, x, i) => Math.max(worst, Math.abs(x - values[i])), 0);
  assertLess(largest, within);
}

Deno.test("ditBlock() is PyTorch's", () => {
  tf.tidy(() => {
    const block = ditBlock(parameters(), "blocks.1", sines([2, 4, 8], 100, 1), sines([2, 8], 101, 1), 2);
    assertNear(block, fixture.block, 2e-5);
  });
});

Deno.test("dit() is PyTorch's, with a condition and without one", () => {
  tf.tidy(() => {
    const [noisy, representation] = [sines([2, 4, 48], 102, 1), sines([2, 5], 103, 1)];
    const predicted = dit(parameters(), SIZE, noisy, tf.tensor1d([3, 700]), representation, tf.tensor1d([1, 0]));
    assertNear(predicted, fixture.network, 1e-4);
  });
});

Deno.test("dit() without a condition does not depend on the representation; with one it does", () => {
  tf.tidy(() => {
    const p = parameters(), noisy = sines([1, 4, 48], 102, 1), time = tf.tensor1d([40]);
    const run = (number: number, kept: number) =>
      dit(p, SIZE, noisy, time, sines([1, 5], number, 1), tf.tensor1d([kept])).dataSync();
    assertEquals(run(1, 0), run(2, 0));
    assert(run(1, 1).some((x, i) => x !== run(2, 1)[i]));
  });
});

Deno.test("initialiseDit() begins with blocks that are the identity and an output of zero", () => {
  tf.tidy(() => {
    const p = initialiseDit(SIZE, 0), x = sines([2, 4, 8], 0, 1);
    assertEquals(ditBlock(p, "blocks.0", x, sines([2, 8], 1, 1), 2).dataSync(), x.dataSync());
    const out = dit(p, SIZE, sines([2, 4, 48], 2, 1), tf.tensor1d([0, 9]), sines([2, 5], 3, 1), tf.ones([2]));
    assertEquals(out.dataSync(), new Float32Array(2 * 4 * 48));
    assertEquals(p["blocks.0.mlp.fc1.weight"].dataSync(), initialiseDit(SIZE, 0)["blocks.0.mlp.fc1.weight"].dataSync());
    assert(
      p["blocks.0.mlp.fc1.weight"].dataSync()[0] !== initialiseDit(SIZE, 1)["blocks.0.mlp.fc1.weight"].dataSync()[0],
    );
  });
});
