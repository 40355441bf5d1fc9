import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { lendBytes, type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../lib/tensorflow/compile.ts";
import { Variables } from "../../lib/tensorflow/variables.ts";
import { assertClose, numbers, plain } from "./reference.ts";

const numHandles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
const read = <T>(variables: Variables<T>) => {
  const state = variables.read();
  const values = plain(state).map(({ values }) => values);
  tf.dispose(state as tf.TensorContainer);
  return values;
};

interface Swapped {
  a: Tensor;
  inner: { b: Tensor };
}

for (const jit of ["graph", "xla"] as const) {
  Deno.test(`compileUpdate() updates the state in place and returns the result (${jit})`, async () => {
    const before = numHandles();
    const initial = { w: tf.tensor1d([1, 2]), count: tf.scalar(0, "int32"), fixed: tf.ones([2]) };
    const variables = new Variables(initial);
    const step = compileUpdate(
      ({ w, count, fixed }: typeof initial, x: Tensor) => ({
        state: {
          fixed,
          count: tf.add(count, tf.scalar(1, "int32")) as tf.Scalar,
          w: tf.add(w, tf.mul(x, fixed)) as tf.Tensor1D,
        }, // any order
        result: { before: w, sum: tf.sum(w) },
      }),
      variables,
      { jit },
    );
    const x = tf.tensor1d([10, 20]);
    const sums: number[] = [];
    for (let i = 0; i < 3; i++) {
      const result = await step(x);
      sums.push(result.sum.dataSync()[0]);
      assertEquals([...result.before.dataSync()], [1 + 10 * i, 2 + 20 * i]);
      tf.dispose(result);
    }
    assertEquals(sums, [3, 33, 63]);
    assertEquals(read(variables), [[31, 62], [3], [1, 1]]);
    assertEquals([...initial.w.dataSync()], [1, 2], "the caller's tensor is the caller's");

    variables.dispose();
    step.dispose();
    tf.dispose([x, ...Object.values(initial)]);
    assert(numHandles() <= before);
  });

  Deno.test(`every value that an update reads is the one before it (${jit})`, async () => {
    // Large enough for a write to overtake a read that does not hold it up.
    const variables = new Variables<Swapped>({ a: tf.zeros([200_000]), inner: { b: tf.ones([200_000]) } });
    const swap = compileUpdate(
      ({ a, inner: { b } }: Swapped) => ({
        state: { a: b, inner: { b: a } },
        result: [tf.mean(tf.exp(tf.sin(a))), tf.mean(tf.exp(tf.sin(b)))],
      }),
      variables,
      { jit },
    );
    const outcomes = [1, Math.exp(Math.sin(1))];
    for (let i = 0; i < 10; i++) {
      const result = plain(await swap()).map(({ values }) => values[0]);
      result.forEach((value, j) => assertEquals(Math.abs(value - outcomes[(i + j) % 2]) < 1e-3, true, `${result}`));
    }
    variables.dispose();
  });
}

Deno.test("updates that are asked for at once run one after another, in order, of whichever function", async () => {
  const variables = new Variables({ v: tf.scalar(0) });
  type State = { v: Tensor };
  const append = compileUpdate(({ v }: State, digit: Tensor) => {
    const next = tf.add(tf.mul(v, 10), digit);
    return { state: { v: next }, result: next };
  }, variables as Variables<State>);
  const halve = compileUpdate(
    ({ v }: State) => ({ state: { v: tf.div(v, 2) }, result: v }),
    variables as Variables<State>,
  );
  const digits = [1, 2, 3, 4].map((digit) => {
    const argument = tf.scalar(digit).square().sqrt();
    const result = append(argument);
    argument.dispose(); // the call holds on to it
    return result;
  });
  const halved = halve(), last = append(tf.scalar(0));
  const results = await Promise.all([...digits, halved, last]);
  assertEquals(results.map((result) => result.dataSync()[0]), [1, 12, 123, 1234, 1234, 6170]);
  variables.dispose();
});

Deno.test("an update that fails leaves the queue going", async () => {
  const variables = new Variables({ v: tf.tensor1d([1, 2]) as Tensor });
  const pick = compileUpdate(
    ({ v }: { v: Tensor }, index: Tensor) => ({
      state: { v: tf.add(v, 1) },
      result: tf.gather(v, index),
    }),
    variables,
    { jit: "graph" },
  );
  const index = (i: number) => tf.tensor1d([i], "int32");
  const [first, second, third] = [pick(index(0)), pick(index(5)), pick(index(1))];
  assertEquals([...(await first).dataSync()], [1]);
  await assertRejects(() => second, Error, "not in [0, 2)");
  assertEquals((await third).shape, [1]);
  variables.dispose();
});

Deno.test("an update in bfloat16 keeps its state in float32", async () => {
  const variables = new Variables({ w: numbers([4, 4], 1) });
  const exact = plain(tf.matMul(numbers([4, 4], 1) as tf.Tensor2D, numbers([4, 4], 1) as tf.Tensor2D));
  const step = compileUpdate(
    ({ w }: { w: Tensor }) => ({
      state: { w: tf.matMul(w as tf.Tensor2D, w as tf.Tensor2D) as Tensor },
      result: null,
    }),
    variables,
    { precision: "bfloat16" },
  );
  await step();
  assertClose(plain(variables.read()), exact, 2e-2);
  variables.dispose();
});

Deno.test("read() gives tensors that outlive the next update", async () => {
  const variables = new Variables({ w: tf.ones([3]) as Tensor });
  const double = compileUpdate(({ w }: { w: Tensor }) => ({ state: { w: tf.mul(w, 2) }, result: null }), variables);
  const before = variables.read();
  await double();
  assertEquals([...before.w.dataSync()], [1, 1, 1]);
  assertEquals(read(variables), [[2, 2, 2]]);
  variables.dispose();
});

Deno.test("assign() replaces the state, whatever the order of its entries", () => {
  const variables = new Variables({ a: tf.zeros([2]), b: tf.zeros([2]), c: [tf.scalar(0)] });
  variables.assign({ c: [tf.scalar(3)], b: tf.fill([2], 2), a: tf.ones([2]) });
  assertEquals(read(variables), [[1, 1], [2, 2], [3]]);
  variables.dispose();
});

Deno.test("assign() refuses a state that does not fit, by the tensor's path, and changes nothing", () => {
  const variables = new Variables<Record<string, Tensor>>({ a: tf.zeros([2]), b: tf.zeros([3]) });
  const refuse = (state: Record<string, Tensor>, message: string) =>
    assertThrows(() => variables.assign(state), Error, message);
  refuse({ a: tf.ones([2]), b: tf.ones([4]) }, "state.b is float32 [3], but was given float32 [4].");
  refuse({ a: tf.ones([2]), b: tf.ones([3], "int32") }, "state.b is float32 [3], but was given int32 [3].");
  refuse({ a: tf.ones([2]) }, "The state to be assigned lacks state.b.");
  refuse({ a: tf.ones([2]), b: tf.ones([3]), c: tf.ones([1]) }, "has state.c, for which there is no variable.");
  assertEquals(read(variables), [[0, 0], [0, 0, 0]]);
  variables.dispose();
});

Deno.test("variables of clones have memory of their own, so that the first update is in place, too", async () => {
  const weight = numbers([64], 1), initial = { trained: weight, average: tf.clone(weight) };
  const variables = new Variables(initial);
  const { trained, average } = variables.read();
  const addressOf = (tensor: Tensor) => lendBytes(tensor, (bytes) => Promise.resolve(Deno.UnsafePointer.of(bytes)));
  const [one, other] = await Promise.all([addressOf(trained), addressOf(average)]);
  assert(!Deno.UnsafePointer.equals(one, other));
  assertEquals(await average.data(), await weight.data());
  variables.dispose();
  tf.dispose([weight, initial.average, trained, average]);
});
