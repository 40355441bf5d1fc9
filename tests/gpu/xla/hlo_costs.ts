/**
 * What the kernels of a compiled step compute and move, read from XLA's text of the optimised module, and how long a device of
 * given rates would take at best: a roofline, which no kernel reaches and which shows where the time must go.
 *
 * @module
 */

/** One kernel. */
export interface Kernel {
  /** XLA's opcode, with a fusion's kind or a library call's name; "product" is in it where it multiplies matrices. */
  kind: string;
  /** Name in the module, without its number. */
  name: string;
  /** Shape of what it writes. */
  shape: string;
  /** Of its matrix products. */
  flops: number;
  /** Bytes of its operands, each counted once, and of its results. */
  bytes: number;
}

/** What a device does at best. */
export interface Device {
  /** FLOP/s of matrix products, sustained. */
  products: number;
  /** Bytes a second, sustained. */
  memory: number;
  /** Seconds that starting a kernel takes. */
  launch: number;
}

interface Instruction {
  name: string;
  shape: string;
  opcode: string;
  operands: string[];
  /** All that follows the operands. */
  rest: string;
}

const BYTES: Record<string, number> = {
  ...{ pred: 1, s8: 1, u8: 1, s16: 2, u16: 2, f16: 2, bf16: 2, s32: 4, u32: 4, f32: 4, s64: 8, u64: 8, f64: 8 },
};

const product = (numbers: number[]) => numbers.reduce((all, n) => all * n, 1);
const dimensions = (text: string) => text.split(",").filter((n) => n !== "").map(Number);

/** The arrays of a shape, which may be a tuple: element type and dimensions of each. */
function arraysOf(shape: string): { type: string; dims: number[] }[] {
  return [...shape.matchAll(/\b([a-z]+\d*)\[([\d,]*)\]/g)].map(([, type, dims]) => ({ type, dims: dimensions(dims) }));
}

function bytesOf(shape: string): number {
  return arraysOf(shape).reduce((sum, { type, dims }) => {
    if (!(type in BYTES)) throw new Error(`The HLO has arrays of ${type}, whose size is not known here.`);
    return sum + BYTES[type] * product(dims);
  }, 0);
}

/** The end of the bracket that opens at `start`. */
function closing(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if ("({[".includes(text[i])) depth++;
    else if (")}]".includes(text[i]) && --depth === 0) return i;
  }
  throw new Error(`A bracket of the HLO is never closed: ${text.slice(start, start + 80)}`);
}

/** `%name = shape opcode(operands), rest`, or undefined for another line. */
function instructionOf(line: string): Instruction | undefined {
  const text = line.replace(/\/\*.*?\*\//g, "");
  const [head, name] = /^\s+(?:ROOT )?%([\w.-]+) = /.exec(text) ?? [];
  if (head === undefined) return undefined;
  const end = text[head.length] === "(" ? closing(text, head.length) + 1 : text.indexOf(" ", head.length);
  const [call, opcode] = /^ ([\w-]+)\(/.exec(text.slice(end)) ?? [];
  if (call === undefined) return undefined;
  const open = end + call.length - 1, close = closing(text, open);
  const operands = [...text.slice(open, close).matchAll(/%([\w.-]+)/g)].map(([, operand]) => operand);
  return { name, shape: text.slice(head.length, end), opcode, operands, rest: text.slice(close + 1) };
}

type Computations = Map<string, Instruction[]>;

function computationsOf(hlo: string): { computations: Computations; entry: string } {
  const computations: Computations = new Map();
  let current: Instruction[] = [], entry = "";
  for (const line of hlo.split("\n")) {
    const [start, isEntry, name] = /^(ENTRY )?%?([\w.-]+) \(.*\) -> .*\{/.exec(line) ?? [];
    if (start !== undefined) {
      computations.set(name, current = []);
      if (isEntry) entry = name;
      continue;
    }
    const instruction = instructionOf(line);
    if (instruction) current.push(instruction);
  }
  if (entry === "") throw new Error("The text has no ENTRY computation: it is no HLO module.");
  return { computations, entry };
}

const called = (rest: string, by: string) => new RegExp(`${by}=%([\\w.-]+)`).exec(rest)?.[1];
const shapesIn = (body: Instruction[]) => new Map(body.map(({ name, shape }) => [name, shape]));

/** 2 x the values of the result x the length of what is summed over. */
function productFlops(result: string, left: string, contracted: number[]): number {
  const [{ dims }] = arraysOf(left);
  return 2 * product(arraysOf(result)[0].dims) * product(contracted.map((axis) => dims[axis]));
}

/** FLOPs of the products in a computation and in what it calls. */
function flopsIn(name: string, computations: Computations): number {
  const body = computations.get(name) ?? [], shapes = shapesIn(body);
  return body.reduce((sum, { opcode, shape, operands, rest }) => {
    const inner = called(rest, "calls");
    if (inner) return sum + flopsIn(inner, computations);
    if (opcode !== "dot") return sum;
    const contracted = dimensions(/lhs_contracting_dims=\{([\d,]*)\}/.exec(rest)![1]);
    return sum + productFlops(shape, shapes.get(operands[0])!, contracted);
  }, 0);
}

function contains(name: string, opcode: string, computations: Computations): boolean {
  return (computations.get(name) ?? []).some((instruction) => {
    const inner = called(instruction.rest, "calls");
    return instruction.opcode === opcode || (inner !== undefined && contains(inner, opcode, computations));
  });
}

/** Instructions that no kernel runs for. */
const FREE = new Set([
  ...["parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id", "replica-id"],
]);

function kernelOf(instruction: Instruction, shapes: Map<string, string>, computations: Computations): Kernel {
  const { name, shape, opcode, operands, rest } = instruction;
  const written = bytesOf(shape);
  let read = [...new Set(operands)].reduce((sum, operand) => sum + bytesOf(shapes.get(operand) ?? ""), 0);
  let kind = opcode, flops = 0, unused = 0;
  const inner = called(rest, "calls"), library = /custom_call_target="([^"]*)"/.exec(rest)?.[1];
  if (inner) {
    flops = flopsIn(inner, computations);
    kind = `${opcode} ${/kind=(\w+)/.exec(rest)?.[1] ?? ""}${flops ? " product" : ""}`;
    // A gather reads the rows that it is asked for, not the whole table.
    if (contains(inner, "gather", computations)) read = Math.min(read, 2 * written);
  } else if (opcode === "dot") {
    const contracted = dimensions(/lhs_contracting_dims=\{([\d,]*)\}/.exec(rest)![1]);
    [kind, flops] = ["dot product", productFlops(shape, shapes.get(operands[0])!, contracted)];
  } else if (library?.includes("gemm") || library?.includes("matmul")) {
    const contracted = dimensions(/"lhs_contracting_dimensions":\[([^\]]*)\]/.exec(rest)![1].replaceAll('"', ""));
    [kind, flops] = [`${library} product`, productFlops(shape, shapes.get(operands[0])!, contracted)];
    // cuBLAS' workspace is no result.
    unused = arraysOf(shape).slice(1).reduce((sum, { type, dims }) => sum + (type === "s8" ? product(dims) : 0), 0);
  } else if (library) kind = library;
  return { kind, name: name.replace(/[.\d]+$/, ""), shape, flops, bytes: read + written - unused };
}

/**
 * The kernels of a compiled module, in the order of its text.
 *
 * @param hlo XLA's text of a module after its passes, `*after_optimizations.txt`
 * @throws Error where it is no such text, or has arrays of an unknown type
 */
export function kernelsOf(hlo: string): Kernel[] {
  const { computations, entry } = computationsOf(hlo);
  const visit = (name: string): Kernel[] => {
    const body = computations.get(name)!, shapes = shapesIn(body);
    return body.flatMap((instruction) => {
      if (FREE.has(instruction.opcode)) return [];
      if (instruction.opcode === "call") return visit(called(instruction.rest, "to_apply")!);
      return [kernelOf(instruction, shapes, computations)];
    });
  };
  return visit(entry);
}

/** Seconds that a kernel takes at best. */
export function secondsOf({ flops, bytes }: Pick<Kernel, "flops" | "bytes">, device: Device): number {
  return Math.max(flops / device.products, bytes / device.memory) + device.launch;
}
