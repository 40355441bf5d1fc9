/**
 * NumPy's .npy format for one float32 array: a magic number, a header that is a Python dictionary, and the numbers,
 * little-endian and row-major (NEP 1).
 *
 * @module
 */
import { NPY_START_BYTES, type NpyHeader, npyHeaderBytes, parseNpyHeader } from "../../npy_header.ts";
import { openParts } from "./file_parts.ts";

const MAGIC = "\x93NUMPY\x01\x00";
/** Length of every header that is written, a multiple of 64: so it can be written anew when the rows are counted. */
export const NPY_HEADER_BYTES = 128;

/** The first NPY_HEADER_BYTES of a file that holds a float32 array of this shape. */
export function npyHeader(shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = NPY_HEADER_BYTES - MAGIC.length - 2;
  if (dictionary.length >= length) throw new RangeError(`An .npy file of shape [${shape}] has too many dimensions.`);
  const text = `${MAGIC}${String.fromCharCode(length, 0)}${dictionary.padEnd(length - 1)}\n`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * Reads an .npy file of float32 numbers in row-major order.
 *
 * @throws Error naming the file where it is anything else, or not whole
 */
export async function readNpy(path: string): Promise<{ shape: number[]; values: Float32Array<ArrayBuffer> }> {
  const fail = (why: string): never => {
    throw new Error(`${path} is not an .npy file of float32 numbers: ${why}.`);
  };
  const file = await openParts(path);
  let header: NpyHeader;
  try {
    const start = await file.read(0, Math.min(file.size, NPY_START_BYTES));
    header = parseNpyHeader(await file.read(0, Math.min(file.size, npyHeaderBytes(start))));
  } catch (error) {
    return fail((error as Error).message);
  }
  const { descr, fortranOrder, shape, bytes: start } = header, bytes = shape.reduce((product, n) => product * n, 4);
  if (descr !== "<f4") fail(`it holds ${descr}, not <f4`);
  if (fortranOrder) fail("its order is not row-major");
  if (file.size !== start + bytes) {
    fail(`shape [${shape}] takes ${bytes} bytes, but the file has ${file.size - start}`);
  }
  return { shape, values: new Float32Array((await file.read(start, bytes)).buffer) };
}
