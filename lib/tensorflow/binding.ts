/**
 * The native side of tfjs-node-gpu's backend (its TFJSBinding), over TensorFlow's C API instead of the package's addon:
 * ops run eagerly, or go into a graph while compile() traces a function.
 *
 * @module
 */
import { type Attribute, AttrKind } from "./ops/attributes.ts";
import { DType, sizeOf } from "./ops/dtypes.ts";
import * as eager from "./ops/eager.ts";
import type { EagerValue } from "./ops/eager.ts";
import { believedDType, type Graph, type SymbolicValue } from "./ops/graph.ts";
import type { HostValues } from "./ops/host_tensors.ts";

/** Values that came from JavaScript during a trace: a constant in the graph, or a tensor where one is needed. */
interface HostValue {
  readonly host: HostValues;
  readonly shape: number[];
  readonly dtype: number;
  eager?: EagerValue;
}

type Value = EagerValue | SymbolicValue | HostValue;

/** Constants above this size are passed to the function instead of being written into it. */
const LARGEST_CONSTANT = 4096;

const values = new Map<number, Value>();
let nextId = 1;
let tracing: Graph | undefined;

const isEager = (value: Value): value is EagerValue => "handle" in value;
const isHost = (value: Value): value is HostValue => "host" in value;

/** The graph into which ops go at present. */
export function currentGraph(): Graph | undefined {
  return tracing;
}

/** Runs `fn` with its ops going into `graph`. */
export function traceInto<T>(graph: Graph, fn: () => T): T {
  const before = tracing;
  tracing = graph;
  try {
    return fn();
  } finally {
    tracing = before;
  }
}

/** Gives a value a number by which tfjs knows it. */
export function register(value: EagerValue | SymbolicValue): TensorMetadata {
  const id = nextId++;
  values.set(id, value);
  return new TensorMetadata(id, value.shape, believedDType(value.dtype));
}

function lookUp(id: number): Value {
  const value = values.get(id);
  if (!value) throw new Error("A tensor was used after it was disposed of.");
  return value;
}

const OUTSIDE =
  "A tensor that belongs to a function under compilation has no values yet: return it from the function " +
  "that you gave to compile(), or compute what you need from it there with tf operations (its shape is known).";

/** The tensor in TensorFlow's memory behind a number. */
export function eagerValue(id: number): EagerValue {
  const value = lookUp(id);
  if (isEager(value)) return value;
  if (isHost(value)) return value.eager ??= eager.fromHost(value.shape, value.dtype, value.host);
  throw new Error(OUTSIDE);
}

/** tfjs's gradients make ones and zeros of any size in JavaScript. */
function isUniform({ host }: HostValue): boolean {
  const numbers = host as Float32Array;
  return numbers.every((number) => number === numbers[0]);
}

function filled(graph: Graph, { host, shape, dtype }: HostValue): SymbolicValue {
  const dimensions = graph.constant([shape.length], DType.INT32, Int32Array.from(shape));
  return graph.add("Fill", [], [dimensions, graph.constant([], dtype, host.slice(0, 1) as HostValues)], 1)[0];
}

/** The value behind a number as the graph sees it: its own, a constant, or one captured from outside. */
export function symbolicValue(id: number, graph: Graph): SymbolicValue {
  const value = lookUp(id);
  if (isHost(value)) {
    if (sizeOf(value.shape) > LARGEST_CONSTANT) {
      return isUniform(value) ? filled(graph, value) : graph.capture(eagerValue(id));
    }
    return graph.constant(value.shape, value.dtype, value.host);
  }
  if (isEager(value)) return graph.capture(value);
  if (value.graph === graph) return value;
  for (let outer = graph.parent; outer; outer = outer.parent) {
    if (value.graph === outer) return graph.capture(value);
  }
  throw new Error(OUTSIDE);
}

/** What tfjs knows of a tensor: its number, shape and TF_DataType. */
export class TensorMetadata {
  constructor(readonly id: number, readonly shape: number[], readonly dtype: number) {}
}

const noSavedModels = (): never => {
  throw new Error("SavedModels are not supported by this backend: load the weights from safetensors instead.");
};

/** The binding, in the form that NodeJSKernelBackend takes. */
export const binding = {
  TF_FLOAT: DType.FLOAT,
  TF_INT32: DType.INT32,
  TF_INT64: DType.INT64,
  TF_BOOL: DType.BOOL,
  TF_COMPLEX64: DType.COMPLEX64,
  TF_STRING: DType.STRING,
  TF_RESOURCE: DType.RESOURCE,
  TF_UINT8: DType.UINT8,
  TF_ATTR_STRING: AttrKind.STRING,
  TF_ATTR_INT: AttrKind.INT,
  TF_ATTR_FLOAT: AttrKind.FLOAT,
  TF_ATTR_BOOL: AttrKind.BOOL,
  TF_ATTR_TYPE: AttrKind.TYPE,
  TF_ATTR_SHAPE: AttrKind.SHAPE,
  TF_ATTR_RESOURCE: AttrKind.RESOURCE,
  get TF_Version(): string {
    return eager.tensorflowVersion();
  },
  TensorMetadata,

  createTensor(shape: number[], dtype: number, data: HostValues): number {
    if (!tracing) return register(eager.fromHost(shape, dtype, data)).id;
    const id = nextId++;
    // The caller may reuse its array before the value is used.
    values.set(id, { host: data.slice() as HostValues, shape: [...shape], dtype });
    return id;
  },

  deleteTensor(id: number): void {
    const value = values.get(id);
    if (!value) return;
    values.delete(id);
    const held = isEager(value) ? value : isHost(value) ? value.eager : undefined;
    if (held) eager.release(held);
  },

  tensorDataSync(id: number): ReturnType<typeof eager.toHost> {
    return eager.toHost(eagerValue(id));
  },

  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): TensorMetadata[] {
    if (!tracing) return eager.execute(name, attributes, inputs.map(eagerValue), outputs).map(register);
    const graph = tracing;
    return graph.add(name, attributes, inputs.map((id) => symbolicValue(id, graph)), outputs).map(register);
  },

  // tfjs asks when its backend is made, reads the answer nowhere, and takes another backend where this throws: TensorFlow is
  // loaded by the first op instead, whose error reaches who called it.
  isUsingGpuDevice: () => false,
  getNumOfTensors: eager.liveHandles,
  getNumOfSavedModels: (): number => 0,
  loadSavedModel: noSavedModels,
  deleteSavedModel: noSavedModels,
  runSavedModel: noSavedModels,
};
