import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { TensorFlowError } from "../../../lib/tensorflow/libraries/library.ts";
import { assertClose, numbers, onCpu, type Plain, plain } from "../reference.ts";

type Op = (...inputs: Tensor[]) => Tensor | Tensor[];
const pair = (a: number[], b: number[]) => [numbers(a, 1, 0.5, 2), numbers(b, 2, 0.5, 2)];
const one = (...shape: number[]) => [numbers(shape, 3, -2, 2)];
const positive = (...shape: number[]) => [numbers(shape, 4, 0.3, 2)];

/** Every op that the kit uses, and others that users of `tf` will: what it computes, and of which inputs. */
const DIFFERENTIABLE: Record<string, [op: Op, inputs: () => Tensor[]]> = {
  "add": [(a, b) => tf.add(a, b), () => pair([2, 3], [2, 3])],
  "add to rows": [(a, b) => tf.add(a, b), () => pair([4, 2, 3], [3])],
  "sub of a scalar": [(a, b) => tf.sub(a, b), () => pair([], [2, 3])],
  "mul of columns and rows": [(a, b) => tf.mul(a, b), () => pair([4, 1], [1, 3])],
  "div": [(a, b) => tf.div(a, b), () => pair([2, 3], [2, 1])],
  "minimum": [(a, b) => tf.minimum(a, b), () => pair([3, 4], [3, 4])],
  "maximum": [(a, b) => tf.maximum(a, b), () => pair([3, 4], [3, 4])],
  "squaredDifference": [(a, b) => tf.squaredDifference(a, b), () => pair([3, 4], [3, 4])],
  "pow": [(a, b) => tf.pow(a, b), () => pair([3, 4], [4])],
  "abs": [(x) => tf.abs(x), () => one(7)],
  "neg": [(x) => tf.neg(x), () => one(7)],
  "square": [(x) => tf.square(x), () => one(7)],
  "sqrt": [(x) => tf.sqrt(x), () => positive(7)],
  "rsqrt": [(x) => tf.rsqrt(x), () => positive(7)],
  "exp": [(x) => tf.exp(x), () => one(7)],
  "log": [(x) => tf.log(x), () => positive(7)],
  "erf": [(x) => tf.erf(x), () => one(2, 7)],
  "relu": [(x) => tf.relu(x), () => one(2, 7)],
  "tanh": [(x) => tf.tanh(x), () => one(7)],
  "sigmoid": [(x) => tf.sigmoid(x), () => one(7)],
  "sum": [(x) => tf.sum(x), () => one(2, 3, 4)],
  "sum over axes": [(x) => tf.sum(x, [0, -1], true), () => one(2, 3, 4)],
  "mean": [(x) => tf.mean(x), () => one(2, 3, 4)],
  "mean over the last axis": [(x) => tf.mean(x, -1, true), () => one(2, 3, 4)],
  "max": [(x) => tf.max(x, -1, true), () => one(5, 4)],
  "min": [(x) => tf.min(x, 0), () => one(5, 4)],
  "softmax": [(x) => tf.softmax(x), () => one(2, 3, 4)],
  "logSoftmax": [(x) => tf.logSoftmax(x), () => one(3, 4)],
  "logSumExp": [(x) => tf.logSumExp(x, 1), () => one(3, 4)],
  "reshape": [(x) => tf.reshape(x, [-1, 2]), () => one(2, 3, 4)],
  "transpose": [(x) => tf.transpose(x, [2, 0, 1]), () => one(2, 3, 4)],
  "slice": [(x) => tf.slice(x, [0, 1, 0], [2, 2, 3]), () => one(2, 3, 4)],
  "tile": [(x) => tf.tile(x, [2, 1, 3]), () => one(2, 3, 1)],
  "expandDims and squeeze": [(x) => tf.squeeze(tf.expandDims(x, 1), [1]), () => one(2, 3)],
  "pad": [(x) => tf.pad(x, [[1, 0], [0, 2]], 0.5), () => one(2, 3)],
  "reverse": [(x) => tf.reverse(x, 1), () => one(2, 3)],
  "concat (a list input)": [(a, b) => tf.concat([a, b, a], 1), () => pair([2, 3], [2, 5])],
  "stack (a list input)": [(a, b) => tf.stack([a, b], 1), () => pair([2, 3], [2, 3])],
  "addN (a list input)": [(a, b) => tf.addN([a, b, a]), () => pair([2, 3], [2, 3])],
  "unstack": [(x) => tf.unstack(x, 1)[1], () => one(2, 3, 4)],
  "split": [(x) => tf.split(x, [1, 3], 1)[1], () => one(2, 4)],
  "gather of rows": [(x) => tf.gather(x, tf.tensor1d([2, 0, 2, 1], "int32")), () => one(3, 4)],
  "gather of columns": [(x) => tf.gather(x, tf.tensor2d([[3, 0], [1, 1]], [2, 2], "int32"), 1), () => one(3, 4)],
  "where": [(a, b) => tf.where(tf.tensor1d([1, 0, 1], "bool"), a, b), () => pair([3], [3])],
  "cumsum": [(x) => tf.cumsum(x, 1), () => one(2, 5)],
  "matMul of batches": [(a, b) => tf.matMul(a, b), () => pair([2, 3, 4, 5], [2, 3, 5, 2])],
};
for (const [left, right] of [[false, false], [false, true], [true, false], [true, true]]) {
  for (const batch of [[], [3]]) {
    const shapes = [[...batch, ...(left ? [5, 4] : [4, 5])], [...batch, ...(right ? [2, 5] : [5, 2])]];
    DIFFERENTIABLE[`matMul ${left} ${right} [${batch}]`] = [
      (a, b) => tf.matMul(a, b, left, right),
      () => pair(shapes[0], shapes[1]),
    ];
  }
}

/** What an op gives, and its gradients where it has them. */
function outcome([op, inputs]: [Op, () => Tensor[]], differentiable = true): Plain[] {
  return tf.tidy(() => {
    const given = inputs();
    const result = op(...given);
    if (!differentiable) return plain(result);
    const dy = numbers((result as Tensor).shape, 5);
    return plain([result, tf.grads(op as (...inputs: Tensor[]) => Tensor)(given, dy)]);
  });
}

Deno.test("ops and their gradients are those of tfjs's CPU backend", async () => {
  const cases = Object.entries(DIFFERENTIABLE);
  const expected = await onCpu(() => cases.map(([, each]) => outcome(each)));
  cases.forEach(([name, each], i) => assertClose(outcome(each), expected[i], 1e-5, name));
});

Deno.test("ops without gradients are those of tfjs's CPU backend", async () => {
  const integers = () => [tf.tensor1d([7, -7, 2], "int32"), tf.tensor1d([2, 2, -3], "int32")];
  const cases: Record<string, [op: Op, inputs: () => Tensor[]]> = {
    "cast to int32": [(x) => tf.cast(x, "int32"), () => one(9)],
    "cast from int32": [(x) => tf.cast(x, "float32"), () => integers().slice(1)],
    "cast to and from bool": [(x) => tf.cast(tf.cast(x, "bool"), "float32"), () => [tf.tensor1d([0, 2, -1])]],
    "integers": [(a, b) => tf.add(tf.mul(a, b), 1), integers],
    "floorDiv": [(a, b) => tf.floorDiv(a, b), integers],
    "int32 with float32": [(a, b) => tf.add(a, tf.mul(b, 0.5)), integers],
    "comparisons": [(a, b) => [tf.greater(a, b), tf.lessEqual(a, b), tf.equal(a, b)], () => pair([3, 3], [3])],
    "logical": [(a, b) => tf.logicalAnd(tf.cast(a, "bool"), tf.logicalNot(tf.cast(b, "bool"))), integers],
    "stridedSlice": [(x) => tf.stridedSlice(x, [0, 0], [4, 5], [2, 3]), () => one(4, 5)],
    "matMul of a batch and a matrix": [(a, b) => tf.matMul(a, b), () => pair([2, 4, 5], [5, 3])],
    "argMax": [(x) => tf.argMax(x, -1), () => one(3, 5)],
    "topk": [(x) => Object.values(tf.topk(x, 2)), () => one(3, 5)],
    "oneHot": [(x) => tf.oneHot(x, 4), () => [tf.tensor1d([3, 0, 1], "int32")]],
    "all the parts of unstack": [(x) => tf.unstack(x, -1), () => one(2, 3)],
    "linspace, range, fill and eye": [
      () => [tf.linspace(0, 1, 5), tf.range(3, 9, 2), tf.fill([2], 7), tf.eye(3)],
      () => [],
    ],
    "tensors without elements": [(x) => [tf.concat([x, tf.zeros([0, 3])]), tf.zeros([0, 3])], () => one(2, 3)],
  };
  const expected = await onCpu(() => Object.values(cases).map((each) => outcome(each, false)));
  Object.entries(cases).forEach(([name, each], i) => assertClose(outcome(each, false), expected[i], 1e-6, name));
});

Deno.test("arithmetic broadcasts any shapes as tfjs does", async () => {
  /** Two shapes that fit: each axis is full, or 1, or (on the left) missing. */
  const shapes = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 1, 2)), { maxLength: 4 }).chain((
    axes,
  ) =>
    fc.record({
      a: fc.constant(axes.map(([size, which]) => which === 1 ? 1 : size)),
      b: fc.nat(axes.length).map((from) => axes.slice(from).map(([size, which]) => which === 2 ? 1 : size)),
      op: fc.constantFrom("add", "sub", "mul", "div" as const),
    })
  );
  const samples = fc.sample(shapes, { numRuns: 60, seed: 1 });
  const compute = ({ a, b, op }: typeof samples[number]) =>
    outcome([(x, y) => tf[op as "add"](x, y), () => pair(a, b)]);
  const expected = await onCpu(() => samples.map(compute));
  samples.forEach((sample, i) => assertClose(compute(sample), expected[i], 1e-5, JSON.stringify(sample)));
});

Deno.test("matMul takes any sizes and transposes as tfjs does", async () => {
  const size = fc.integer({ min: 1, max: 9 });
  const cases = fc.sample(fc.tuple(fc.array(size, { maxLength: 1 }), size, size, size, fc.boolean(), fc.boolean()), {
    numRuns: 40,
    seed: 2,
  });
  const compute = ([batch, n, k, m, left, right]: typeof cases[number]) =>
    outcome([
      (a, b) => tf.matMul(a, b, left, right),
      () => pair([...batch, ...(left ? [k, n] : [n, k])], [...batch, ...(right ? [m, k] : [k, m])]),
    ]);
  const expected = await onCpu(() => cases.map(compute));
  cases.forEach((each, i) => assertClose(compute(each), expected[i], 1e-5, JSON.stringify(each)));
});

Deno.test("an op that cannot be executed is named, with its inputs and TensorFlow's reason, and the next one works", () => {
  const fail = () => tf.add(tf.ones([2, 3]), tf.ones([4, 5]));
  const { message } = assertThrows(fail, TensorFlowError, "Add(float32 [2, 3], float32 [4, 5]): ");
  assertStringIncludes(message, "Incompatible shapes: [2,3] vs. [4,5]");
  assertEquals([...tf.add(tf.ones([2]), 1).dataSync()], [2, 2]);
});

Deno.test("gather() refuses an index that is out of range", () => {
  const indices = tf.tensor1d([0, 3], "int32");
  assertThrows(
    () => tf.gather(tf.ones([3, 2]), indices),
    TensorFlowError,
    "GatherV2(float32 [3, 2], int32 [2], int32 [])",
  );
});

Deno.test("a tensor that was disposed of cannot be used", () => {
  const x = tf.ones([2]);
  x.dispose();
  assertThrows(() => tf.add(x, 1), Error, "disposed");
});
