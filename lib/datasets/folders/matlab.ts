/**
 * Reads a struct array from a MATLAB 5 file, the format of ImageNet's meta.mat ("MAT-File Format", The MathWorks, level 5).
 *
 * @module
 */
import { inflateSync } from "node:zlib";

/** The value of a struct's field: a text, or numbers in column-major order. */
export type FieldValue = string | number[];

/** Types of data elements. */
const MATRIX = 14, COMPRESSED = 15;
/** Classes of arrays: a struct, text, and from double (6) to uint32 (13) numbers. */
const STRUCT = 2, CHAR = 4, DOUBLE = 6, UINT32 = 13;

/** How a number of each type is read. */
const NUMBERS: Record<number, { bytes: number; read: (view: DataView, at: number) => number }> = {
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  7: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  9: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};
/** Types of text besides those of whole numbers, which are character codes. */
const ENCODINGS: Record<number, string> = { 16: "utf-8", 17: "utf-16le" };

interface Element {
  type: number;
  data: Uint8Array;
}

/** An element after another: a tag of its type and length, then its data, to a multiple of 8 bytes. */
function* elements(bytes: Uint8Array): Generator<Element, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) throw new Error("it ends inside an element's tag");
    const word = view.getUint32(at, true), short = word >>> 16; // up to 4 bytes of data stand in the tag itself
    const type = short > 0 ? word & 0xffff : word, length = short > 0 ? short : view.getUint32(at + 4, true);
    const start = at + (short > 0 ? 4 : 8), end = start + length;
    if (end > bytes.length || short > 4) throw new Error("it ends inside an element");
    yield { type, data: bytes.subarray(start, end) };
    at = type === COMPRESSED ? end : at + (short > 0 ? 8 : 8 + Math.ceil(length / 8) * 8);
  }
}

/** The next element, which is a part of an array. */
function part(parts: Iterator<Element>, what: string): Element {
  const { value, done } = parts.next();
  if (done) throw new Error(`an array lacks its ${what}`);
  return value;
}

function numbers({ type, data }: Element): number[] {
  const format = NUMBERS[type];
  if (!format) throw new Error(`it has numbers of the type ${type}, which is not understood`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.length / format.bytes }, (_, i) => format.read(view, i * format.bytes));
}

function text(element: Element): string {
  const encoding = ENCODINGS[element.type];
  if (encoding) return new TextDecoder(encoding).decode(element.data);
  return numbers(element).map((code) => String.fromCharCode(code)).join("");
}

/** An array's class, name and extent, which come before its values. */
function openArray(data: Uint8Array) {
  const parts = elements(data);
  const kind = numbers(part(parts, "flags"))[0] & 0xff;
  const count = numbers(part(parts, "dimensions")).reduce((product, side) => product * side, 1);
  if (count > data.length) throw new Error(`an array of ${data.length} bytes states ${count} values`);
  return { parts, kind, count, name: text(part(parts, "name")) };
}

function fieldValue({ type, data }: Element): FieldValue {
  if (type !== MATRIX) throw new Error(`a field is of the type ${type}, not an array`);
  if (data.length === 0) return []; // an empty array may be nothing but its tag
  const { parts, kind, count } = openArray(data);
  if (kind !== CHAR && !(kind >= DOUBLE && kind <= UINT32)) throw new Error(`a field is an array of class ${kind}`);
  const values = part(parts, "values"), value = kind === CHAR ? text(values) : numbers(values);
  if (!parts.next().done) throw new Error("a field has complex numbers");
  if (value.length !== count) throw new Error(`a field has ${value.length} values for ${count}`);
  return value;
}

/**
 * The elements of a struct array.
 *
 * @param file the file's bytes
 * @param variable the array's name
 * @returns for each element its fields by name, in column-major order
 * @throws Error where the file is cut short or no MATLAB 5 file with little-endian numbers, has no such array, or the
 *   array has fields other than of text and real numbers
 */
export function readStructs(file: Uint8Array, variable: string): Record<string, FieldValue>[] {
  if (new TextDecoder().decode(file.subarray(124, 128)) !== "\0\x01IM") throw new Error("it is no MATLAB 5 file");
  for (const outer of elements(file.subarray(128))) {
    const inner = outer.type === COMPRESSED ? part(elements(inflateSync(outer.data)), "content") : outer;
    if (inner.type !== MATRIX) continue;
    const { parts, kind, count, name } = openArray(inner.data);
    if (name !== variable) continue;
    if (kind !== STRUCT) throw new Error(`"${variable}" is an array of class ${kind}, not a struct`);
    const length = numbers(part(parts, "length of field names"))[0];
    const names = text(part(parts, "field names")); // of that length each, filled up with zeros
    if (!(length > 0 && names.length >= length)) throw new Error(`"${variable}" has no fields`);
    const fields = Array.from(
      { length: names.length / length },
      (_, i) => names.slice(i * length, (i + 1) * length).replace(/\0.*$/s, ""),
    );
    return Array.from(
      { length: count },
      () => Object.fromEntries(fields.map((field) => [field, fieldValue(part(parts, `field ${field}`))])),
    );
  }
  throw new Error(`it has no array "${variable}"`);
}
