/**
 * Where the time of a recorded piece of work went: to which kernels, with what they computed and what memory they went
 * through.
 *
 * @module
 */
import type { ThreadTrace } from "../../tensorflow/records/trace_recorder.ts";

/** All calls of one kernel on inputs of the same types and shapes. */
export interface KernelTime {
  /** An op of TensorFlow, such as "MatMul", or an island of fused(), such as "gelu gradient". */
  kernel: string;
  /** Types and shapes of its inputs, e.g. "bf16[512,34,192] x bf16[192,576]". */
  inputs: string;
  /** What kind of work it is, one of KINDS. */
  kind: Kind;
  calls: number;
  /** Milliseconds of the clock: where kernels run at a time, they share them. */
  ms: number;
  /** Of matrix products; else 0. */
  flops: number;
  /** Of its inputs and of what it allocated, each read or written once; 0 where it allocated nothing. */
  bytes: number;
}

/** What there is to know of a recording. */
export interface Profile {
  kernels: KernelTime[];
  /** Milliseconds in which TensorFlow was called but no kernel ran. */
  waiting: number;
  /** Milliseconds in which TensorFlow was at work. */
  called: number;
}

/** Kinds of kernels, by what their names begin with, the first that fits. */
const NAMES = {
  "matrix products": /^(_?Mkl|_?Fused|Native|Batch)*MatMul|^(_?Mkl|_?Fused|Native)*Conv/,
  "softmax": /^(log )?softmax/,
  "norms": /norm$|norm gradient$|^normalise/,
  "GELU": /gelu/,
  "heads apart and together": /^(split|merge) heads/,
  "biases and residuals": /^(bias|residual)/,
  "loss and measures": /smooth l1|cosines/,
  "optimiser and averages": /^(adamw|ema|squared norm)/,
  "casts between types": /^Cast$/,
  "tokens picked and put back":
    /^(GatherV2|UnsortedSegmentSum|Tile|(Mkl)?Concat|Slice|StridedSlice|Pad|BroadcastTo|Pack)/,
  "transposes and copies": /Transpose|^(Reshape|Identity|Unpack|Split|ExpandDims|Squeeze)/,
  "sums and the like":
    /^(Sum|AddN|Add|AddV2|Mul|Sub|Mean|Maximum|Minimum|Neg|RealDiv|Square|Sqrt|Rsqrt|Tanh|Erf|Exp|Log)/,
} as const;

/** What kernels may do. */
export type Kind = keyof typeof NAMES | "other";

const BYTES: Record<string, number> = {
  float: 4,
  bfloat16: 2,
  half: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
  double: 8,
};
const OP = /^([^:#\s]+):(\w+)(?:#shape=\((.*)\)#)?$/;
/** An op's output; or an island's, or its scratch memory, which are not told apart and name no op. */
const ALLOCATION = /requested_bytes=(\d+).*tf_op=(?:([^,]+),.*region_type=output|,)/;
const CALL = /^EagerExecute#.*is_func=1/;
/** Ops that only hand something on, or call others. */
const NOTHING =
  /^(_Arg|_Retval|_Recv|_Send|NoOp|Const|ReadVariableOp|AssignVariableOp|PartitionedCall|StatefulPartitionedCall|Placeholder)$/;

function kernelName(type: string): string {
  const island = /^(.*)_nested_\d+$/.exec(type);
  return island ? island[1].replaceAll("_", " ") : type.replace(/^_/, "");
}

function kindOf(kernel: string): Kind {
  return (Object.entries(NAMES).find(([, pattern]) => pattern.test(kernel))?.[0] ?? "other") as Kind;
}

const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1);

/** Types and dimensions of "float[2,3];bfloat16[4]". */
function parseShapes(text: string): { type: string; dimensions: number[] }[] {
  return Array.from(text.matchAll(/(\w+)\[([\d,]*)\]/g), ([, type, dimensions]) => ({
    type,
    dimensions: dimensions === "" ? [] : dimensions.split(",").map(Number),
  }));
}

/**
 * FLOPs of a product of matrices, however they are transposed: the output's size says which dimension is summed over; where
 * it is not known, the longest that both have, as in the gradient of a weight.
 */
function productFlops(inputs: readonly number[][], outputElements: number): number {
  const [a, b] = inputs;
  if (!b || a.length < 2 || b.length < 2) return 0;
  const batch = product((a.length >= b.length ? a : b).slice(0, -2));
  const [m, k] = a.slice(-2), [l, n] = b.slice(-2);
  const all = [[m, k, l, n], [m, k, n, l], [k, m, l, n], [k, m, n, l]].filter(([, summed, same]) => summed === same);
  const fitting = all.find(([rows, , , columns]) => batch * rows * columns === outputElements) ??
    all.toSorted(([, a], [, b]) => b - a)[0];
  return fitting ? 2 * batch * fitting[0] * fitting[1] * fitting[3] : 0;
}

interface Running {
  start: number;
  end: number;
  time: KernelTime;
}

/** What a recording says of kernels. */
export function profileOf(threads: readonly ThreadTrace[]): Profile {
  const kernels = new Map<string, KernelTime>(), running: Running[] = [], calls: { start: number; end: number }[] = [];
  for (const { events } of threads) {
    const allocated: { node?: string; time: number; bytes: number }[] = [];
    for (const { name, start, end } of events) {
      const allocation = name.startsWith("MemoryAllocation#") && ALLOCATION.exec(name);
      if (allocation) allocated.push({ node: allocation[2], time: start, bytes: Number(allocation[1]) });
      if (CALL.test(name)) calls.push({ start, end });
      const op = OP.exec(name);
      if (!op || NOTHING.test(op[2])) continue;
      const [, node, type, shape = ""] = op, kernel = kernelName(type), kind = kindOf(kernel);
      const written = allocated.filter((one) => (one.node === node || one.node === undefined) && one.time >= start).map(
        (
          { bytes },
        ) => bytes,
      );
      allocated.length = 0;
      const shapes = parseShapes(shape);
      const inputs = shapes.map(({ type, dimensions }) => `${shortType(type)}[${dimensions}]`).join(" x ");
      const key = `${kernel} ${inputs}`;
      let time = kernels.get(key);
      if (!time) kernels.set(key, time = { kernel, inputs, kind, calls: 0, ms: 0, flops: 0, bytes: 0 });
      time.calls++;
      const output = written.reduce((a, b) => a + b, 0);
      const read = shapes.reduce((sum, one) => sum + product(one.dimensions) * (BYTES[one.type] ?? 0), 0);
      if (output > 0) time.bytes += output + read; // else it may only have given its input another shape
      if (kind === "matrix products" && kernel.includes("MatMul")) {
        time.flops += productFlops(shapes.map((one) => one.dimensions), output / (BYTES[shapes[0]?.type] ?? 4));
      }
      running.push({ start, end, time });
    }
  }
  const busy = shareOut(running);
  const called = union(calls) / 1e6;
  return { kernels: [...kernels.values()], called, waiting: Math.max(0, called - busy / 1e6) };
}

const shortType = (type: string) => ({ float: "f32", bfloat16: "bf16" })[type] ?? type;

/** Gives each moment to the kernels that run in it, in equal parts; returns how many nanoseconds any ran. */
function shareOut(running: readonly Running[]): number {
  const edges = running.flatMap((one) => [{ at: one.start, one, begins: true }, { at: one.end, one, begins: false }])
    .sort((a, b) => a.at - b.at);
  const now = new Set<Running>();
  let before = 0, busy = 0;
  for (const { at, one, begins } of edges) {
    const passed = at - before;
    for (const { time } of now) time.ms += passed / now.size / 1e6;
    if (now.size > 0) busy += passed;
    if (begins) now.add(one);
    else now.delete(one);
    before = at;
  }
  return busy;
}

/** Nanoseconds that lie in any of these spans. */
function union(spans: readonly { start: number; end: number }[]): number {
  let total = 0, until = -Infinity;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    total += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return total;
}
