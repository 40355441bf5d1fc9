/**
 * Values between JavaScript and TensorFlow: typed arrays, strings and 64-bit integers to and from TF_Tensor.
 *
 * @module
 */
import { describe, DType, sizeOf } from "./dtypes.ts";
import { int64s, library } from "../libraries/library.ts";

/** Values of a tensor in JavaScript: as tfjs holds them, 64-bit integers too. */
export type HostValues =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | BigInt64Array
  | Uint8Array[]
  | number[]
  | boolean[]
  | string[];

/** A TF_TString takes 24 bytes (tensorflow/core/platform/ctstring.h). */
const TSTRING_BYTES = 24;

type Bytes = Exclude<HostValues, unknown[]>;
const encoder = new TextEncoder();

/** The values in the element type's own layout; 16-bit floats travel as their bits. */
function toTypedArray(dtype: number, values: HostValues, size: number): Bytes {
  const numbers = values as ArrayLike<number>;
  switch (dtype) {
    case DType.FLOAT:
    case DType.COMPLEX64:
      return values instanceof Float32Array ? values : Float32Array.from(numbers);
    case DType.DOUBLE:
      return values instanceof Float64Array ? values : Float64Array.from(numbers);
    case DType.INT32:
      return values instanceof Int32Array ? values : Int32Array.from(numbers);
    case DType.BOOL:
    case DType.UINT8:
      return values instanceof Uint8Array ? values : Uint8Array.from(numbers);
    case DType.BFLOAT16:
    case DType.HALF:
      if (values instanceof Uint16Array) return values;
      break;
    case DType.INT64:
      // tfjs hands 64-bit scalars over as an Int32Array of two words.
      if (values instanceof Int32Array && values.length === 2 * size) return new BigInt64Array(values.slice().buffer);
      return values instanceof BigInt64Array ? values : BigInt64Array.from(Array.from(numbers, BigInt));
  }
  throw new Error(`A tensor of type ${describe(dtype, [])} cannot be made from a ${values.constructor.name}.`);
}

/** The memory of a TF_Tensor, valid until it is deleted. */
export function bytesOf(tensor: Deno.PointerValue): Uint8Array<ArrayBuffer> {
  const tensorflow = library();
  const size = Number(tensorflow.TF_TensorByteSize(tensor));
  if (size === 0) return new Uint8Array();
  return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(tensorflow.TF_TensorData(tensor)!, size));
}

/** A new TF_Tensor with nothing in its memory yet, of a type of fixed size; the caller deletes it. */
export function allocateTensor(shape: readonly number[], dtype: number, byteLength: number): Deno.PointerValue {
  return library().TF_AllocateTensor(dtype, int64s(shape), shape.length, BigInt(byteLength));
}

/**
 * A new TF_Tensor that holds a copy of the values; the caller deletes it.
 *
 * @throws Error where the number of values is not that of the shape.
 */
export function newTensor(shape: readonly number[], dtype: number, values: HostValues): Deno.PointerValue {
  const size = sizeOf(shape);
  const array = dtype === DType.STRING ? values as string[] : toTypedArray(dtype, values, size);
  const expected = dtype === DType.COMPLEX64 ? 2 * size : size;
  if (array.length !== expected) {
    throw new Error(`A tensor ${describe(dtype, shape)} needs ${expected} values, but was given ${array.length}.`);
  }
  if (Array.isArray(array)) return newStrings(int64s(shape), shape.length, array);
  const tensor = allocateTensor(shape, dtype, array.byteLength);
  bytesOf(tensor).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return tensor;
}

/** A new TF_Tensor, a scalar string whose bytes stay where they are: they have to be there as long as it is. */
export function viewString(bytes: Uint8Array<ArrayBuffer>): Deno.PointerValue {
  const tensorflow = library();
  const tensor = tensorflow.TF_AllocateTensor(DType.STRING, int64s([]), 0, BigInt(TSTRING_BYTES));
  const string = tensorflow.TF_TensorData(tensor);
  tensorflow.TF_StringInit(string);
  tensorflow.TF_StringAssignView(string, bytes, BigInt(bytes.length));
  return tensor;
}

function newStrings(
  dimensions: BigInt64Array<ArrayBuffer>,
  rank: number,
  values: readonly (Uint8Array | string)[],
): Deno.PointerValue {
  const tensorflow = library();
  const size = BigInt(values.length * TSTRING_BYTES);
  const tensor = tensorflow.TF_AllocateTensor(DType.STRING, dimensions, rank, size);
  const start = values.length ? Deno.UnsafePointer.value(tensorflow.TF_TensorData(tensor)) : 0n;
  values.forEach((value, i) => {
    const string = Deno.UnsafePointer.create(start + BigInt(i * TSTRING_BYTES));
    const bytes = typeof value === "string" ? encoder.encode(value) : value as Uint8Array<ArrayBuffer>;
    tensorflow.TF_StringInit(string);
    tensorflow.TF_StringCopy(string, bytes.length ? bytes : new Uint8Array(1), BigInt(bytes.length));
  });
  return tensor;
}

/** Copies a TF_Tensor's values out and deletes it. Strings come as bytes, as tfjs holds them. */
export function takeValues(tensor: Deno.PointerValue): Exclude<HostValues, number[] | boolean[] | string[]> {
  const tensorflow = library();
  const dtype = tensorflow.TF_TensorType(tensor);
  try {
    if (dtype === DType.STRING) {
      const count = Number(tensorflow.TF_TensorByteSize(tensor)) / TSTRING_BYTES;
      const start = Deno.UnsafePointer.value(tensorflow.TF_TensorData(tensor));
      return Array.from({ length: count }, (_, i) => {
        const string = Deno.UnsafePointer.create(start + BigInt(i * TSTRING_BYTES));
        const size = Number(tensorflow.TF_StringGetSize(string));
        const data = tensorflow.TF_StringGetDataPointer(string);
        return size ? new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data!, size).slice(0)) : new Uint8Array();
      });
    }
    const { buffer } = bytesOf(tensor).slice();
    switch (dtype) {
      case DType.FLOAT:
      case DType.COMPLEX64:
        return new Float32Array(buffer);
      case DType.DOUBLE:
        return new Float64Array(buffer);
      case DType.INT32:
        return new Int32Array(buffer);
      case DType.INT64:
        return new BigInt64Array(buffer);
      case DType.BFLOAT16:
      case DType.HALF:
        return new Uint16Array(buffer);
      case DType.BOOL:
      case DType.UINT8:
        return new Uint8Array(buffer);
    }
    throw new Error(`Values of type ${describe(dtype, [])} cannot be read.`);
  } finally {
    tensorflow.TF_DeleteTensor(tensor);
  }
}
