import { assertEquals, assertLess } from "@std/assert";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compile } from "../../lib/tensorflow/compile.ts";
import { numbers } from "./reference.ts";
import { runProgram } from "./program.ts";

const numHandles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;

Deno.test("tf.memory() counts the handles that TensorFlow holds, and dispose() frees them", () => {
  const before = numHandles(), ones = tf.ones([3]);
  const x = ones.square(); // tfjs writes the ones into TensorFlow when square() needs them
  assertEquals(numHandles(), before + 2);
  const y = tf.clone(x); // the same memory
  assertEquals(numHandles(), before + 2);
  tf.dispose([x, y]);
  assertEquals(numHandles(), before + 1);
  ones.dispose();
  assertEquals(numHandles(), before);
});

Deno.test("tidy() frees what it does not return, also when it throws", () => {
  const x = tf.tidy(() => tf.ones([4, 4]).square()) as tf.Tensor2D;
  const before = numHandles();
  const y = tf.tidy(() => tf.sum(tf.matMul(tf.exp(x), tf.relu(tf.gather(x, tf.tensor1d([0, 1, 2, 3], "int32"))))));
  assertEquals(numHandles(), before + 1);
  y.dispose();
  try {
    tf.tidy(() => {
      tf.exp(x).square();
      throw new Error("on the way");
    });
  } catch {
    // as it should
  }
  tf.tidy(() => tf.grads((a: Tensor) => tf.sum(tf.square(a)))([x]).length);
  assertEquals(numHandles(), before);
  x.dispose();
});

Deno.test("tracing and calling leave no handles behind but the results' and the captures', until dispose()", async () => {
  // Nothing is left to the garbage collector, which would change the count while the test waits.
  const [x, captured] = tf.tidy(() => [numbers([3, 3], 1).square(), numbers([3], 2).square()]);
  const before = numHandles();
  const compiled = compile((x: Tensor) => {
    const y = tf.add(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D), captured);
    return { y, gradients: tf.grads((a: Tensor) => tf.sum(tf.erf(a)))([y]) };
  });
  for (let i = 0; i < 3; i++) {
    const results = await compiled(x);
    assertEquals(numHandles(), before + 3);
    tf.dispose(results as unknown as tf.TensorContainer);
  }
  assertEquals(numHandles(), before + 1);
  compiled.dispose();
  assertEquals(numHandles(), before);
  tf.dispose([x, captured]);
});

Deno.test("tensors that nobody disposed of are freed once they are garbage", async () => {
  const { handles } = await runProgram("forgotten_tensors.ts", ["--v8-flags=--expose-gc"]);
  assertEquals(handles.kept, handles.before + 1);
});

Deno.test("200 training steps neither gather handles nor memory", async () => {
  const { handles, resident, losses } = await runProgram("train_200_steps.ts", ["--v8-flags=--expose-gc"]);
  assertEquals(handles.end, handles.start);
  assertLess(losses.end, losses.start / 2);
  assertLess(resident.end - resident.start, 24, "MB"); // V8's own heap comes and goes by as much
});

Deno.test("a large state is held once: a step needs room for a few new tensors, not for a new state", async () => {
  const { peak } = await runProgram("large_state.ts", []);
  assertLess(peak.tenth - peak.loaded, 256 + 128, "MB, for a state of 256 MB");
  assertLess(peak.tenth - peak.second, 64, "MB: steps do not add up"); // how many tensors are under way is chance
});
