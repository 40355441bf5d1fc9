/**
 * TensorFlow's numbers for element types (TF_DataType), their sizes and names.
 *
 * @module
 */

/** TF_DataType of the types that the kit uses. */
export const DType = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  STRING: 7,
  COMPLEX64: 8,
  INT64: 9,
  BOOL: 10,
  BFLOAT16: 14,
  HALF: 19,
  RESOURCE: 20,
} as const;

const NAMES: Record<number, string> = {
  [DType.FLOAT]: "float32",
  [DType.DOUBLE]: "float64",
  [DType.INT32]: "int32",
  [DType.UINT8]: "uint8",
  [DType.STRING]: "string",
  [DType.COMPLEX64]: "complex64",
  [DType.INT64]: "int64",
  [DType.BOOL]: "bool",
  [DType.BFLOAT16]: "bfloat16",
  [DType.HALF]: "float16",
  [DType.RESOURCE]: "resource",
};

/** "float32 [2, 3]", for messages. */
export function describe(dtype: number, shape: readonly number[]): string {
  return `${NAMES[dtype] ?? `type ${dtype}`} [${shape.join(", ")}]`;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}
