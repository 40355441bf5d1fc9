/**
 * What TensorFlow says of its own ops: which inputs are lists, and which attributes follow from the inputs. Read from the
 * OpList protocol buffer (tensorflow/core/framework/op_def.proto) that the library returns.
 *
 * @module
 */
import { library } from "../libraries/library.ts";

/** One input of an op. */
export interface InputArg {
  /** Attribute that holds its element type, where it is not fixed: inputs with the same one must have the same type. */
  typeAttr?: string;
  /** The input is a list of tensors: attribute that holds their number, or their types. */
  listAttr?: string;
}

/** The part of an OpDef that the kit needs. */
export interface OpDef {
  inputs: InputArg[];
  /** Attributes that TensorFlow infers from the inputs. */
  inferred: Set<string>;
}

/** The fields of a protocol buffer message, for wire types 0 (varint) and 2 (bytes), which are all that OpDef uses. */
function* fields(bytes: Uint8Array): Generator<[field: number, value: Uint8Array]> {
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1, byte;
    do {
      byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte & 0x80);
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    const isBytes = (key & 7) === 2;
    const value = varint();
    yield [key >>> 3, isBytes ? bytes.subarray(at, at + value) : new Uint8Array()];
    if (isBytes) at += value;
  }
}

const decoder = new TextDecoder();
let encoded: Map<string, Uint8Array> | undefined;
const decoded = new Map<string, OpDef>();

/** Every op's OpDef by name, still encoded: there are 1,500, and a program uses a few dozen. */
function encodedOps(): Map<string, Uint8Array> {
  const tensorflow = library();
  const buffer = tensorflow.TF_GetAllOpList()!; // TF_Buffer { const void* data; size_t length; ... }
  const view = new Deno.UnsafePointerView(buffer);
  const list = new Uint8Array(
    Deno.UnsafePointerView.getArrayBuffer(view.getPointer(0)!, Number(view.getBigUint64(8))).slice(0),
  );
  tensorflow.TF_DeleteBuffer(buffer);
  const ops = new Map<string, Uint8Array>();
  for (const [, op] of fields(list)) {
    for (const [field, name] of fields(op)) {
      if (field === 1) ops.set(decoder.decode(name), op);
    }
  }
  return ops;
}

/**
 * The definition of an op.
 *
 * @throws Error where TensorFlow has no op of that name.
 */
export function opDef(name: string): OpDef {
  const known = decoded.get(name);
  if (known) return known;
  const op = (encoded ??= encodedOps()).get(name);
  if (!op) throw new Error(`TensorFlow has no op named ${name}.`);
  const definition: OpDef = { inputs: [], inferred: new Set() };
  for (const [field, arg] of fields(op)) {
    if (field !== 2) continue; // input_arg
    const input: InputArg = {};
    for (const [key, value] of fields(arg)) {
      if (key === 4) input.typeAttr = decoder.decode(value); // type_attr
      if (key === 5 || key === 6) input.listAttr = decoder.decode(value); // number_attr, type_list_attr
    }
    definition.inputs.push(input);
    for (const attr of [input.typeAttr, input.listAttr]) if (attr) definition.inferred.add(attr);
  }
  decoded.set(name, definition);
  return definition;
}

/**
 * Groups a flat list of an op's inputs by its arguments: single inputs as they are, list inputs as arrays. As in the
 * kernels of tfjs-node-gpu, an op has at most one list.
 */
export function groupInputs<T>(name: string, inputs: readonly T[]): (T | T[])[] {
  const args = opDef(name).inputs;
  const lists = args.filter((arg) => arg.listAttr).length;
  const listLength = inputs.length - (args.length - lists);
  if (lists > 1 || listLength < 0 || (lists === 0 && listLength !== 0)) {
    throw new Error(`Op ${name} takes ${args.length} inputs (${lists} of them lists), but was given ${inputs.length}.`);
  }
  let at = 0;
  return args.map((arg) => arg.listAttr ? inputs.slice(at, at += listLength) : inputs[at++]);
}
