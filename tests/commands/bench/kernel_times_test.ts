import { assertAlmostEquals, assertEquals } from "@std/assert";
import { profileOf } from "../../../lib/commands/bench/kernel_times.ts";

const MS = 1e6;

/** An op's events, in milliseconds: what it allocates for its output, and itself. */
const op = (node: string, type: string, shape: string, start: number, end: number, bytes = 0) => [
  ...bytes > 0
    ? [{
      name:
        `MemoryAllocation#allocator_name=cpu,requested_bytes=${bytes},addr=1,tf_op=${node},id=1,region_type=output,x=1#`,
      start: start * MS,
      end: start * MS,
    }]
    : [],
  { name: `${node}:${type}#shape=(${shape})#`, start: start * MS, end: end * MS },
];

Deno.test("profileOf() shares a moment among the kernels that run in it, and the rest is waiting", () => {
  const call = { name: "EagerExecute#eager_op=training_step_0,is_func=1#", start: 0, end: 10 * MS };
  const { kernels, waiting, called } = profileOf([
    { thread: "a", events: [...op("MatMul_1", "_MklMatMul", "float[2,3];float[3,4]", 1, 5, 32), call] },
    {
      thread: "b",
      events: [
        ...op("gelu_1", "gelu_nested_7", "bfloat16[2,4];float[4]", 3, 7, 16),
        { name: "ExecutorState::Process#id=3#", start: 2 * MS, end: 9 * MS },
        { name: "arg_1:_Arg", start: 8 * MS, end: 9 * MS },
      ],
    },
  ]);
  assertEquals(kernels.map(({ kernel, kind, inputs, calls }) => [kernel, kind, inputs, calls]), [
    ["MklMatMul", "matrix products", "f32[2,3] x f32[3,4]", 1],
    ["gelu", "GELU", "bf16[2,4] x f32[4]", 1],
  ]);
  // 1 to 3 alone, 3 to 5 in halves, 5 to 7 alone.
  assertEquals(kernels.map(({ ms }) => ms), [3, 3]);
  assertEquals(kernels.map(({ bytes }) => bytes), [24 + 48 + 32, 16 + 16 + 16]);
  assertAlmostEquals(called, 10);
  assertAlmostEquals(waiting, 4);
});

Deno.test("profileOf() counts a product's FLOPs by what its output holds", () => {
  const flops = (shape: string, elements: number) =>
    profileOf([{ thread: "a", events: op("m", "_MklBatchMatMulV2", shape, 0, 1, 4 * elements) }]).kernels[0].flops;
  assertEquals(flops("float[5,7];float[7,3]", 15), 2 * 5 * 7 * 3);
  assertEquals(flops("float[7,5];float[7,3]", 15), 2 * 5 * 7 * 3);
  assertEquals(flops("float[6,2,5,7];float[6,2,5,7]", 12 * 25), 2 * 12 * 5 * 7 * 5); // q k^T
  assertEquals(flops("float[6,2,5,7];float[6,2,5,7]", 12 * 49), 2 * 12 * 5 * 7 * 7); // a^T b
  assertEquals(flops("float[7,5];float[7,3]", 0), 2 * 5 * 7 * 3); // an output that was not allocated
  assertEquals(flops("float[90,3];float[90,3]", 0), 2 * 3 * 90 * 3); // the same, of a weight as wide as high
});
