import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compile, type CompileOptions, compileUpdate } from "../../lib/tensorflow/compile.ts";
import { fused } from "../../lib/tensorflow/fused.ts";
import { TensorFlowError } from "../../lib/tensorflow/libraries/library.ts";
import { Variables } from "../../lib/tensorflow/variables.ts";
import "./loaded.ts";

const numHandles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;

/** The message with which a call of the compiled function fails; what the attempt held must be free again. */
async function failure(
  fn: (x: Tensor) => unknown,
  options: CompileOptions = {},
  type: new (message: string) => Error = Error,
): Promise<string> {
  const x = tf.ones([2, 3]).square(), captured = tf.ones([2]).square();
  const compiled = compile((x: Tensor) => {
    tf.add(captured, 1);
    return fn(x);
  }, { name: "step", ...options });
  const before = numHandles();
  const { message } = await assertRejects(() => compiled(x), type);
  // Fewer, where the garbage collector has just found what earlier tests forgot.
  assert(numHandles() <= before, "handles left behind");
  // The next compilation is none the worse.
  const double = compile((x: Tensor) => tf.mul(x, 2));
  const y = await double(x);
  assertEquals([...y.dataSync()], [2, 2, 2, 2, 2, 2]);
  double.dispose();
  tf.dispose([x, y, captured]);
  return message;
}

Deno.test("reading a value during the trace is refused, with what to do instead", async () => {
  const reads: ((x: Tensor) => unknown)[] = [
    (x) => tf.add(x, tf.sum(x).dataSync()[0]),
    (x) => tf.mul(x, tf.max(x).arraySync() as number),
    (x) => tf.valueAndGrad((y: Tensor) => (tf.mean(y).dataSync(), tf.mean(y) as tf.Scalar))(x),
  ];
  for (const read of reads) {
    const message = await failure(read);
    assertStringIncludes(message, "has no values yet");
    assertStringIncludes(message, "return it from the function");
  }
});

Deno.test("an asynchronous function is refused, whatever it does later", async () => {
  const promise = "the result of step is a promise; a compiled function takes and returns tensors";
  assertStringIncludes(await failure(async (x) => tf.add(x, (await x.data())[0]), {}, TypeError), promise);
  assertStringIncludes(await failure((x) => tf.whereAsync(tf.greater(x, 0)), {}, TypeError), promise);
  assertStringIncludes(
    await failure((x) => tf.booleanMaskAsync(x, tf.tensor1d([1, 0], "bool")), {}, TypeError),
    promise,
  );
  const nested = await failure((x) => ({ mask: { rows: tf.whereAsync(x) } }), {}, TypeError);
  assertStringIncludes(nested, "the result of step.mask.rows is a promise");
});

Deno.test("a shape that depends on values is refused by the op's name", async () => {
  const message = await failure((x) => tf.unique(tf.reshape(x, [6])).values);
  assertStringIncludes(message, "UniqueV2(float32 [6]");
  assertStringIncludes(message, "the output's shape depends on values");
});

Deno.test("an op of wrong shapes is named in a trace, with the shapes and TensorFlow's words", async () => {
  for (const jit of ["graph", "xla"] as const) {
    const message = await failure((x) => tf.add(x, tf.ones([4, 5])), { jit }, TensorFlowError);
    assertStringIncludes(message, "Add(float32 [2, 3], float32 [4, 5]): ");
    assertStringIncludes(message, "Dimensions must be equal, but are 2 and 4");
  }
});

Deno.test("an op of wrong shapes is named inside fused() as well", async () => {
  const shifted = fused("shifted", (x: Tensor, y: Tensor) => tf.sub(x, y));
  const message = await failure((x) => shifted(x, tf.ones([4, 5])), {}, TensorFlowError);
  assertStringIncludes(message, "Sub(float32 [2, 3], float32 [4, 5]): ");
});

Deno.test("arguments and results of other kinds are refused by their place", async () => {
  const compiled = compile((_: unknown) => tf.ones([1]));
  const of = async (value: unknown) => (await assertRejects(() => compiled(value), TypeError)).message;
  assertStringIncludes(await of({ pixels: new Float32Array(3) }), "arguments[0].pixels is a Float32Array");
  assertStringIncludes(await of([new Map()]), "arguments[0][0] is a Map");
  assertStringIncludes(await of(() => 1), "arguments[0] is a function");
  assertStringIncludes(await of(Promise.resolve(1)), "arguments[0] is a promise");
  assertStringIncludes(await failure((x) => ({ loss: [x, () => x] })), "the result of step.loss[1] is a function");
});

Deno.test("a disposed tensor is refused, as argument and as capture", async () => {
  const gone = tf.ones([2]).square();
  gone.dispose();
  const add = compile((x: Tensor) => tf.add(x, 1));
  await assertRejects(() => add(gone), Error, "used after it was disposed of");
  assertStringIncludes(await failure((x) => tf.add(x, tf.sum(gone))), "used after it was disposed of");
});

Deno.test("a compiled function cannot be called inside another", async () => {
  const inner = compile((x: Tensor) => tf.square(x), { name: "inner" });
  const message = await failure((x) => inner(x));
  assertStringIncludes(message, "inner is compiled and cannot be called inside another compiled function");
});

Deno.test("a tensor that escaped from a trace cannot be used outside", async () => {
  let escaped: Tensor;
  await compile((x: Tensor) => escaped = tf.keep(tf.square(x)))(tf.ones([2]));
  for (const use of [() => escaped.data(), () => tf.add(escaped, 1)]) {
    await assertRejects(async () => await use(), Error, "belongs to a function under compilation");
  }
  await assertRejects(() => compile((x: Tensor) => tf.add(escaped, x))(tf.ones([2])), Error, "has no values yet");
});

Deno.test("fused() takes nothing from outside its arguments", async () => {
  const outside = tf.ones([2]).square();
  const message = await failure((x) => fused("greedy", (y: Tensor) => tf.add(y, tf.sum(outside)))(x));
  assertStringIncludes(message, "greedy uses a tensor that is not among its inputs: pass it in.");
});

Deno.test("an update must return the state it was given, tensor by tensor", async () => {
  type State = { weights: { a: Tensor; b: Tensor }; count: Tensor };
  const initial = { weights: { a: tf.ones([2]), b: tf.ones([3]) }, count: tf.scalar(0, "int32") };
  const variables = new Variables<State>(initial);
  const of = async (wrong: (state: State) => unknown) => {
    const step = compileUpdate((state: State) => wrong(state) as { state: State; result: null }, variables, {
      name: "step",
    });
    return (await assertRejects(() => step(), Error)).message;
  };
  const returned = "The state that step returns";
  assertEquals(
    await of(({ weights, count }) => ({ state: { weights: { a: weights.a }, count } })),
    `${returned} lacks state.weights.b.`,
  );
  assertEquals(
    await of((state) => ({ state: { ...state, extra: state.count } })),
    `${returned} has state.extra, for which there is no variable.`,
  );
  assertEquals(
    await of(({ weights, count }) => ({ state: { weights: { a: weights.b, b: weights.a }, count } })),
    "state.weights.a is float32 [2], but step returned float32 [3].",
  );
  assertEquals(
    await of((state) => ({ state: { ...state, count: tf.add(state.count, 0.5) } })),
    "state.count is int32 [], but step returned float32 [].",
  );
  assertStringIncludes(await of(() => undefined), `${returned} lacks state.weights.a, state.weights.b, state.count.`);
  assertStringIncludes(await of(() => Promise.resolve(null)), "the result of step is a promise");
  assertEquals([...variables.read().weights.b.dataSync()], [1, 1, 1]);
  variables.dispose();
});
