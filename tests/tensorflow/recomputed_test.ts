import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compile } from "../../lib/tensorflow/compile.ts";
import { fused } from "../../lib/tensorflow/fused.ts";
import { recomputed } from "../../lib/tensorflow/recomputed.ts";
import { assertClose, numbers, plain } from "./reference.ts";

const squash = fused("squash", (x: Tensor, y: Tensor) => tf.tanh(tf.mul(x, y)));

/** A layer with a product and a kernel in it; its mask needs no gradient. */
const layer = recomputed("layer", (x, weight, mask) => {
  return squash(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), tf.mul(x, mask));
}, 1);

const inputs = [numbers([3, 3], 1, -1, 1), numbers([3, 3], 2, -1, 1), tf.tensor2d([[1, 0, 1]])];

/** The layer twice, and its gradients by x, weight and mask. */
const step = (...values: Tensor[]) =>
  tf.valueAndGrads((x: Tensor, weight: Tensor, mask: Tensor) =>
    tf.sum(tf.square(layer(layer(x, weight, mask), weight, mask))) as tf.Scalar
  )(values);

for (const jit of ["graph", "xla"] as const) {
  Deno.test(`recomputed(): value and gradients are those of the function itself (${jit})`, async () => {
    const kept = await compile(step, { jit })(...inputs),
      again = await compile(step, { jit, recompute: true })(...inputs);
    assertClose(plain(kept), plain(step(...inputs)), 1e-5);
    // By the mask there is none: it was said to be constant.
    const { value, grads: [x, weight, mask] } = again;
    assertClose(
      plain({ value, x, weight }),
      plain({ value: kept.value, x: kept.grads[0], weight: kept.grads[1] }),
      1e-6,
    );
    assertEquals([...mask.dataSync()], [0, 0, 0]);
  });
}

Deno.test("recomputed() puts the second computation out of the graph's sight, and does nothing unless it is asked to", async () => {
  const operations = async (recompute?: boolean) => {
    let count = 0;
    const told = {
      jit: "graph",
      recompute,
      onCompile: (made: { operations: number }) => count = made.operations,
    } as const;
    tf.dispose(await compile(step, told)(...inputs) as unknown as tf.TensorContainer);
    return count;
  };
  const kept = await operations();
  assertEquals(await operations(false), kept);
  assertGreater(kept, await operations(true));
});

Deno.test("recomputed() takes nothing from outside its arguments", async () => {
  const outside = tf.ones([3, 3]).square();
  const greedy = recomputed("greedy", (x) => tf.mul(x, outside));
  await assertRejects(
    () => compile((x: Tensor) => tf.grad((y: Tensor) => greedy(y))(x), { recompute: true, jit: "graph" })(inputs[0]),
    Error,
    "The function greedy_recomputed uses a tensor that is not among its inputs: pass it in.",
  );
});
