/**
 * The header of NumPy's .npy files: a magic number, a version, and a Python dictionary (NEP 1).
 *
 * @module
 */

/** What a header says, and how many bytes it takes. */
export interface NpyHeader {
  /** The type of its numbers, such as "<f4". */
  descr: string;
  /** Whether the first dimension varies fastest. */
  fortranOrder: boolean;
  shape: number[];
  /** Where the numbers begin. */
  bytes: number;
}

/** Bytes in which the length of a header is known. */
export const NPY_START_BYTES = 12;

/**
 * Bytes before the numbers.
 *
 * @param start the first NPY_START_BYTES of a file, or all of a shorter one
 * @throws Error with the reason, as a clause, where it does not begin as an .npy file of version 1 to 3 does
 */
export function npyHeaderBytes(start: Uint8Array): number {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const magic = String.fromCharCode(...start.subarray(0, 6)), version = start[6];
  if (start.length < NPY_START_BYTES) throw new Error(`it has only ${start.length} bytes`);
  if (magic !== "\x93NUMPY" || !(version >= 1 && version <= 3)) throw new Error("it does not begin as one");
  return version === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
}

/**
 * Reads a header.
 *
 * @param file a file, or its beginning
 * @throws Error with the reason, as a clause, where it is none, or cut short
 */
export function parseNpyHeader(file: Uint8Array): NpyHeader {
  const bytes = npyHeaderBytes(file.subarray(0, NPY_START_BYTES));
  if (file.length < bytes) throw new Error("its header is cut short");
  const text = new TextDecoder("latin1").decode(file.subarray(0, bytes));
  const field = (name: string, pattern: string) => new RegExp(`'${name}': ${pattern}`).exec(text)?.[1];
  const descr = field("descr", "'([^']*)'"), tuple = field("shape", "\\(([\\d, ]*)\\)");
  if (descr === undefined) throw new Error("its header names no one type of numbers");
  if (tuple === undefined) throw new Error("its header gives no shape");
  const shape = tuple.split(",").map((length) => length.trim()).filter((length) => length !== "").map(Number);
  return { descr, fortranOrder: field("fortran_order", "(\\w+)") === "True", shape, bytes };
}
