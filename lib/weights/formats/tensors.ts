/**
 * Tensors outside TensorFlow: their element types by safetensors' names, in main memory or still in a file.
 *
 * @module
 */

/** The typed array that holds each dtype in memory; BF16, which JavaScript does not have, as its 16 bits. */
export type DtypeArrays = {
  BOOL: Uint8Array;
  U8: Uint8Array;
  I8: Int8Array;
  I16: Int16Array;
  U16: Uint16Array;
  F16: Float16Array;
  BF16: Uint16Array;
  I32: Int32Array;
  U32: Uint32Array;
  F32: Float32Array;
  F64: Float64Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
};

/** An element type, by the safetensors format's own name. */
export type Dtype = keyof DtypeArrays;

/** A tensor in main memory: `data` holds the product of `shape` elements in row-major order. */
export type HostTensor = { [D in Dtype]: { dtype: D; shape: number[]; data: DtypeArrays[D] } }[Dtype];

/** A tensor in a file, of which so far only the description has been read and checked. */
export interface StoredTensor {
  /** Its element type. */
  dtype: Dtype;
  /** Its dimensions, the slowest first. */
  shape: number[];
  /** Reads it; throws an Error that names the file where that has changed since, or is damaged. */
  read(): Promise<HostTensor>;
  /** Reads its bytes into memory that is there, with read()'s errors; only where the file holds them as they are wanted. */
  readInto?(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A tensor on its way into a file, whose values are asked for when their turn comes. */
export interface LentTensor {
  /** Its element type in the file. */
  dtype: Dtype;
  /** Its dimensions, the slowest first. */
  shape: readonly number[];
  /** Lends its bytes, little-endian and in row-major order, for as long as `use` takes. */
  lend(use: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>): Promise<void>;
}

/** The bytes behind a typed array. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** A tensor in main memory, lent as it is. */
export function lentValues({ dtype, shape, data }: HostTensor): LentTensor {
  return { dtype, shape, lend: (use) => use(bytesOf(data)) };
}

/** In the order in which safetensors' own implementation ranks them: smaller items come first. */
export const ARRAYS = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Float16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const satisfies Record<Dtype, unknown>;

/** Whether a value can be a dimension, a length or a place in a file. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** How many elements a tensor of this shape has. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

/** Whether a dtype holds floating-point numbers, which toFloat32() takes. */
export function isFloat(dtype: Dtype): boolean {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16" || dtype === "F64";
}

/** Rounds to bfloat16, to nearest with ties to even; a NaN stays one. */
export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (u) => {
    if ((u & 0x7fffffff) > 0x7f800000) return (u >>> 16) | 0x40;
    return (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  });
}

/** Rounds to float16, to nearest with ties to even; what is beyond its range (65504) becomes infinite. */
export function toFloat16(values: Float32Array): Float16Array<ArrayBuffer> {
  return new Float16Array(values);
}

/** The values of a floating-point tensor as float32: exact for F32, F16 and BF16, rounded for F64. */
export function toFloat32(tensor: HostTensor): Float32Array {
  if (tensor.dtype === "F32") return tensor.data;
  if (tensor.dtype === "F16" || tensor.dtype === "F64") return new Float32Array(tensor.data);
  if (tensor.dtype === "BF16") return new Float32Array(Uint32Array.from(tensor.data, (u) => u << 16).buffer);
  throw new TypeError(`A tensor of dtype ${tensor.dtype} holds no floating-point numbers.`);
}
