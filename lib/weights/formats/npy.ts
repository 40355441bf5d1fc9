/**
 * NumPy's .npy format for one float32 array: a magic number, a header that is a Python dictionary, and the numbers,
 * little-endian and row-major (NEP 1).
 *
 * @module
 */
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
  if (file.size < 10) fail(`it has only ${file.size} bytes`);
  const start = await file.read(0, 10);
  if (String.fromCharCode(...start.subarray(0, 8)) !== MAGIC) fail("it does not begin as one of version 1.0");
  const length = start[8] + 256 * start[9];
  if (file.size < 10 + length) fail("its header is cut short");
  const header = new TextDecoder("latin1").decode(await file.read(10, length));
  const field = (name: string, pattern: string) => new RegExp(`'${name}': ${pattern}`).exec(header)?.[1];
  const kind = field("descr", "'([^']*)'");
  if (kind !== "<f4") fail(`it holds ${kind}, not <f4`);
  if (field("fortran_order", "(\\w+)") !== "False") fail("its order is not row-major");
  const tuple = field("shape", "\\(([\\d, ]*)\\)") ?? fail("its header gives no shape");
  const shape = tuple.split(",").map((text) => text.trim()).filter((text) => text !== "").map(Number);
  const bytes = shape.reduce((product, n) => product * n, 4);
  if (file.size !== 10 + length + bytes) {
    fail(`shape [${shape}] takes ${bytes} bytes, but the file has ${file.size - 10 - length}`);
  }
  return { shape, values: new Float32Array((await file.read(10 + length, bytes)).buffer) };
}
