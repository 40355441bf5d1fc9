/**
 * A TF_Graph under construction: what a function that is being compiled records instead of executing.
 *
 * @module
 */
import { type Attribute, AttrKind, describeCall, setAttribute } from "./attributes.ts";
import { autocast, cast, type Precision } from "../autocast.ts";
import { describe as dtypeAndShape, DType } from "./dtypes.ts";
import { type EagerValue, release, share } from "./eager.ts";
import { type HostValues, newTensor } from "./host_tensors.ts";
import { checked, cString, int64s, library } from "../libraries/library.ts";
import { groupInputs, opDef } from "./op_defs.ts";

/** One output of an operation in a graph. */
export interface SymbolicValue {
  readonly graph: Graph;
  readonly op: Deno.PointerValue;
  readonly index: number;
  readonly shape: number[];
  /** TF_DataType in the graph; where it is bfloat16, tfjs believes float32. */
  readonly dtype: number;
}

/** A function made from a graph, to be called by name. */
export interface GraphFunction {
  readonly name: string;
  readonly pointer: Deno.PointerValue;
  /** Whether XLA compiles it to a kernel. */
  readonly xla: boolean;
  /** Functions that it calls, and those that these call. */
  readonly calls: readonly GraphFunction[];
  readonly outputs: readonly { shape: number[]; dtype: number }[];
}

/** The bytes of a TF_Output. */
function outputStruct({ op, index }: SymbolicValue): Uint8Array<ArrayBuffer> {
  return outputStructs([{ op, index }]);
}

function outputStructs(values: readonly { op: Deno.PointerValue; index: number }[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(16 * Math.max(1, values.length)));
  values.forEach(({ op, index }, i) => {
    view.setBigUint64(16 * i, Deno.UnsafePointer.value(op), true);
    view.setInt32(16 * i + 8, index, true);
  });
  return new Uint8Array(view.buffer);
}

/** Text that only equal values share. */
function constantKey(dtype: number, values: HostValues): string {
  if (dtype === DType.STRING) return JSON.stringify(values);
  return Array.from(values as ArrayLike<unknown>, (value) => Object.is(value, -0) ? "-0" : `${value}`).join();
}

/** How a graph is recorded. */
export interface GraphOptions {
  /** What matrix products compute in. */
  precision: Precision;
  /**
   * Whether fused() makes functions of its own in this graph, compiled by XLA (a graph that XLA compiles as a whole needs
   * none).
   */
  islands: boolean;
  /** Whether recomputed() keeps only its inputs for the gradient. */
  recompute: boolean;
}

/** A graph, and the values from outside that it uses. */
export class Graph {
  readonly precision: Precision;
  readonly islands: boolean;
  readonly recompute: boolean;
  readonly #pointer = library().TF_NewGraph();
  readonly #constants = new Map<string, SymbolicValue>();
  readonly #functions = new Map<string, GraphFunction>();
  #operations = 0;

  readonly #captures = new Map<
    EagerValue | SymbolicValue,
    { outer: EagerValue | SymbolicValue; inner: SymbolicValue }
  >();

  /** @param parent the graph whose trace this one interrupts, where it is a nested function's */
  constructor({ precision, islands, recompute }: GraphOptions, readonly parent?: Graph) {
    this.precision = precision;
    this.islands = islands;
    this.recompute = recompute;
  }

  /** Number of operations. */
  get size(): number {
    return this.#operations;
  }

  #finish(type: string, describe: () => string, build: (operation: Deno.PointerValue) => void): Deno.PointerValue {
    const tensorflow = library();
    // Not cString(): its cache would keep a name for each node.
    const name = new TextEncoder().encode(`${type}_${this.#operations++}\0`);
    const operation = tensorflow.TF_NewOperation(this.#pointer, cString(type), name);
    build(operation);
    return checked(describe, (tf, status) => tf.TF_FinishOperation(operation, status));
  }

  #output(op: Deno.PointerValue, index: number, describe: () => string): SymbolicValue {
    const struct = outputStructs([{ op, index }]);
    const shape = checked(describe, (tf, status) => {
      const rank = tf.TF_GraphGetTensorNumDims(this.#pointer, struct, status);
      if (rank < 0) return undefined;
      const dimensions = new BigInt64Array(Math.max(1, rank));
      if (rank > 0) tf.TF_GraphGetTensorShape(this.#pointer, struct, dimensions, rank, status);
      return Array.from(dimensions.subarray(0, rank), Number);
    });
    if (!shape || shape.some((dimension) => dimension < 0)) {
      throw new Error(
        `${describe()}: the output's shape depends on values, and a compiled function needs shapes that are known beforehand.`,
      );
    }
    return { graph: this, op, index, shape, dtype: library().TF_OperationOutputType(struct) };
  }

  /** An input of the function that this graph becomes. */
  placeholder(shape: readonly number[], dtype: number): SymbolicValue {
    const describe = () => "An input of a compiled function";
    const op = this.#finish("Placeholder", describe, (operation) => {
      setAttribute("graph", operation, { name: "dtype", type: AttrKind.TYPE, value: dtype });
      setAttribute("graph", operation, { name: "shape", type: AttrKind.SHAPE, value: shape });
    });
    return this.#output(op, 0, describe);
  }

  /** A constant; equal ones are one, for kernels make the same axes and shapes over and over. */
  constant(shape: readonly number[], dtype: number, values: HostValues): SymbolicValue {
    const key = `${dtypeAndShape(dtype, shape)} ${constantKey(dtype, values)}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const describe = () => "A constant of a compiled function";
    const op = this.#finish("Const", describe, (operation) => {
      setAttribute("graph", operation, { name: "dtype", type: AttrKind.TYPE, value: dtype });
      const tensor = newTensor(shape, dtype, values);
      checked(describe, (tf, status) => tf.TF_SetAttrTensor(operation, cString("value"), tensor, status));
      library().TF_DeleteTensor(tensor);
    });
    const value = this.#output(op, 0, describe);
    this.#constants.set(key, value);
    return value;
  }

  /** A value from outside, as an input of the function that this graph becomes. */
  capture(outer: EagerValue | SymbolicValue): SymbolicValue {
    let capture = this.#captures.get(outer);
    if (!capture) {
      // A handle of our own: the caller may dispose of its tensor, and the function goes on.
      const held = "handle" in outer ? share(outer) : outer;
      this.#captures.set(outer, capture = { outer: held, inner: this.placeholder(outer.shape, outer.dtype) });
    }
    return capture.inner;
  }

  /** Values from outside, in the order in which they became inputs; whoever calls the function releases the handles. */
  get captures(): (EagerValue | SymbolicValue)[] {
    return Array.from(this.#captures.values(), ({ outer }) => outer);
  }

  /**
   * Adds an operation as it is, in the types of its inputs.
   *
   * @param after operations that must have run before
   * @throws TensorFlowError that names the op, its inputs' types and shapes, and TensorFlow's reason.
   */
  operation(
    type: string,
    attributes: readonly Attribute[],
    inputs: readonly SymbolicValue[],
    outputs: number,
    after: readonly Deno.PointerValue[] = [],
  ): SymbolicValue[] {
    const describe = () => describeCall(type, inputs);
    const tensorflow = library();
    const { inferred } = opDef(type);
    const op = this.#finish(type, describe, (operation) => {
      for (const input of groupInputs(type, inputs)) {
        if (Array.isArray(input)) tensorflow.TF_AddInputList(operation, outputStructs(input), input.length);
        else tensorflow.TF_AddInput(operation, outputStruct(input));
      }
      for (const attribute of attributes) {
        if (!inferred.has(attribute.name)) setAttribute("graph", operation, attribute);
      }
      for (const earlier of after) tensorflow.TF_AddControlInput(operation, earlier);
    });
    return Array.from({ length: outputs }, (_, i) => this.#output(op, i, describe));
  }

  /** Adds an operation as tfjs asks for it: in the precision that the run computes it in. */
  add(
    type: string,
    attributes: readonly Attribute[],
    inputs: readonly SymbolicValue[],
    outputs: number,
  ): SymbolicValue[] {
    return this.operation(type, attributes, autocast(this, type, inputs), outputs);
  }

  /** Reads a variable whose handle is an input of this graph. */
  readVariable(variable: SymbolicValue, shape: readonly number[], dtype: number): SymbolicValue {
    const describe = () => "A variable of a compiled function";
    const op = this.#finish("ReadVariableOp", describe, (operation) => {
      library().TF_AddInput(operation, outputStruct(variable));
      setAttribute("graph", operation, { name: "dtype", type: AttrKind.TYPE, value: dtype });
    });
    const struct = outputStructs([{ op, index: 0 }]);
    checked(
      describe,
      (tf, status) => tf.TF_GraphSetTensorShape(this.#pointer, struct, int64s(shape), shape.length, status),
    );
    return this.#output(op, 0, describe);
  }

  /**
   * Assigns a variable after it has been read as `held`; returns the operation, to be among the function's control outputs.
   */
  assignVariable(
    variable: SymbolicValue,
    held: SymbolicValue,
    value: SymbolicValue,
    dtype: number,
  ): Deno.PointerValue {
    const exact = value.dtype === dtype ? value : cast(this, value, dtype);
    return this.#finish("AssignVariableOp", () => "A variable of a compiled function", (operation) => {
      library().TF_AddInput(operation, outputStruct(variable));
      library().TF_AddInput(operation, outputStruct(exact));
      library().TF_AddControlInput(operation, held.op);
      setAttribute("graph", operation, { name: "dtype", type: AttrKind.TYPE, value: dtype });
    });
  }

  /** Makes a function known to this graph, and those that it calls. */
  #know(fn: GraphFunction): void {
    if (this.#functions.has(fn.name)) return;
    fn.calls.forEach((called) => this.#know(called));
    this.#functions.set(fn.name, fn);
    const doing = () => `Function ${fn.name}`;
    checked(doing, (tf, status) => tf.TF_GraphCopyFunction(this.#pointer, fn.pointer, null, status));
  }

  /** Calls a function, which stays one of its own: neither is its inside merged with what surrounds it. */
  call(fn: GraphFunction, inputs: readonly SymbolicValue[]): SymbolicValue[] {
    this.#know(fn);
    // A plain call's inside would miss TensorFlow's passes over graphs, oneDNN's among them.
    const op = this.#finish(fn.xla ? fn.name : "PartitionedCall", () => describeCall(fn.name, inputs), (operation) => {
      if (fn.xla) {
        for (const input of inputs) library().TF_AddInput(operation, outputStruct(input));
      } else {
        library().TF_AddInputList(operation, outputStructs(inputs), inputs.length);
        const types = fn.outputs.map(({ dtype }) => dtype);
        setAttribute("graph", operation, { name: "Tout", type: AttrKind.TYPE, value: types });
        library().TF_SetAttrFuncName(operation, cString("f"), cString(fn.name), BigInt(fn.name.length));
      }
      for (const name of attributesOf(fn)) setAttribute("graph", operation, { name, type: AttrKind.BOOL, value: true });
    });
    return fn.outputs.map(({ shape, dtype }, index) => {
      // TensorFlow infers no shapes through a call.
      checked(() => fn.name, (tf, status) => {
        const struct = outputStructs([{ op, index }]);
        tf.TF_GraphSetTensorShape(this.#pointer, struct, int64s(shape), shape.length, status);
      });
      return { graph: this, op, index, shape, dtype };
    });
  }

  /** Gives up a graph that will not become a function. */
  discard(): void {
    for (const capture of this.captures) if ("handle" in capture) release(capture);
    library().TF_DeleteGraph(this.#pointer);
  }

  /**
   * Ends the graph: a function of its inputs, then of its captures, that also runs the control operations. With `xla`,
   * XLA compiles it whole when it is first called; without it, a function that is `nested` is kept out of its caller.
   */
  toFunction(
    name: string,
    { inputs, outputs, controls = [], xla, nested = xla }: {
      inputs: readonly SymbolicValue[];
      outputs: readonly SymbolicValue[];
      controls?: readonly Deno.PointerValue[];
      xla: boolean;
      nested?: boolean;
    },
  ): GraphFunction {
    const all = [...inputs, ...Array.from(this.#captures.values(), ({ inner }) => inner)];
    // An output must be the result of an operation, and each only once.
    const results = outputs.map((value) => this.operation("Identity", [], [value], 1)[0]);
    const controlOps = BigUint64Array.from(controls, (op) => Deno.UnsafePointer.value(op));
    const pointer = checked(() => `Function ${name}`, (tf, status) => {
      return tf.TF_GraphToFunctionWithControlOutputs(
        ...[this.#pointer, cString(name), 0, -1, null] as const,
        ...[all.length, outputStructs(all), results.length, outputStructs(results), null] as const,
        ...[controls.length, controls.length ? controlOps : new BigUint64Array(1), null, null] as const,
        ...[new Uint8Array(1), status] as const,
      );
    });
    library().TF_DeleteGraph(this.#pointer);
    // AttrValue { b: true }
    for (const attribute of nested ? attributesOf({ xla }) : []) {
      checked(() => `Function ${name}`, (tf, status) => {
        tf.TF_FunctionSetAttrValueProto(pointer, cString(attribute), new Uint8Array([0x28, 1]), 2n, status);
      });
    }
    const calls = [...this.#functions.values()];
    return { name, pointer, xla, calls, outputs: results.map(({ shape, dtype }) => ({ shape, dtype })) };
  }
}

/** What tells TensorFlow to leave a function as it is, and XLA to compile it. */
function attributesOf({ xla }: Pick<GraphFunction, "xla">): string[] {
  return xla ? ["_XlaMustCompile", "_noinline"] : ["_noinline"];
}

/** The type that tfjs is told. */
export function believedDType(dtype: number): number {
  return dtype === DType.BFLOAT16 ? DType.FLOAT : dtype;
}
