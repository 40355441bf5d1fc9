/**
 * Reads and writes safetensors files, the Hugging Face format for weights: 8 bytes of header length, a JSON header with
 * the dtype, shape and place of each tensor, then the tensors' bytes, little-endian, without gaps.
 *
 * Tensors are read and written one after the other, so a file may be larger than any single buffer, and than memory.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { fileKind, KIND_BYTES } from "./file_kind.ts";
import { openParts } from "./file_parts.ts";
import {
  ARRAYS,
  type Dtype,
  elementsOf,
  type HostTensor,
  isCount,
  type LentTensor,
  lentValues,
  type StoredTensor,
} from "./tensors.ts";
import { writeWhole } from "./whole_file.ts";

export { toBfloat16, toFloat16, toFloat32 } from "./tensors.ts";
export type { Dtype, DtypeArrays, HostTensor, LentTensor } from "./tensors.ts";

const DTYPES = Object.keys(ARRAYS) as Dtype[];

/** What the format has besides, down to four bits a number, and TensorFlow and this kit have not. */
const UNREAD = /^(F4|F6_E[23]M[23]|F8_E\dM\d(FNUZ)?|C64)$/;

/** The reference implementation's limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;
/** Bytes that are summed up at once, in well under a millisecond. */
const CHUNK = 1 << 22;

/**
 * The key in the metadata for checksums: CRC-32 in eight hexadecimal digits each, first the header's, with zeros in the
 * place of its own, then those of the tensors in the order in which they lie in the file. A CRC misses one damage in 2^32,
 * and costs next to nothing beside a disk, where SHA-256 would take half a minute of a core for 10 GB.
 */
const CHECKSUMS = "crc32_of_header_and_tensors";
const UNKNOWN = "00000000";

/** What is thrown where a file is not as it was written. */
export class DamagedFileError extends Error {
  /** As it is printed. */
  override name = "DamagedFileError";
}

/** A tensor's entry in the header; `begin` and `end` count from the end of the header. */
interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

/** Checks one tensor's entry of the header. */
function parseEntry(name: string, value: unknown, fail: (why: string) => never): Entry {
  if (typeof value !== "object" || value === null) fail(`the header's entry for tensor "${name}" is not an object`);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype === "string" && UNREAD.test(dtype)) {
    fail(
      `tensor "${name}" is of dtype ${dtype}, which the format has and the kit does not read: write it as F32, F16 or ` +
        "BF16 (in PyTorch, tensor.float())",
    );
  }
  if (!DTYPES.includes(dtype as Dtype)) fail(`tensor "${name}" has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) fail(`tensor "${name}" has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    fail(`tensor "${name}" has no valid data_offsets`);
  }
  const [begin, end] = offsets;
  const bytes = elementsOf(shape) * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT;
  if (bytes !== end - begin) {
    fail(`tensor "${name}" of dtype ${dtype} and shape [${shape}] takes ${bytes} bytes, but has ${end - begin}`);
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

/** Checks the header, and that its tensors fill the `dataBytes` that follow it without gap or overlap. */
function parseHeader(
  text: string,
  dataBytes: number,
  fail: (why: string) => never,
): { entries: Entry[]; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    fail("its header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) fail("its header is not a JSON object");
  const { __metadata__: metadata = {}, ...rest } = header as Record<string, unknown>;
  if (
    typeof metadata !== "object" || metadata === null || !Object.values(metadata).every((v) => typeof v === "string")
  ) {
    fail("its __metadata__ is not an object of strings");
  }
  const entries = Object.entries(rest).map(([name, value]) => parseEntry(name, value, fail));
  // JSON.parse() keeps the last of equal keys. A quote inside a string is escaped, so only keys match here.
  if ((text.match(/"data_offsets"\s*:\s*\[/g)?.length ?? 0) > entries.length) {
    fail("a tensor's name occurs twice in it");
  }

  let end = 0;
  for (const entry of [...entries].sort(isBehind)) {
    if (entry.begin < end) fail(`tensor "${entry.name}" overlaps the one before it`);
    if (entry.begin > end) fail(`the ${entry.begin - end} bytes before tensor "${entry.name}" belong to no tensor`);
    end = entry.end;
    if (end > dataBytes) {
      fail(`it is cut short: tensor "${entry.name}" ends ${end - dataBytes} bytes behind the file's end`);
    }
  }
  if (end < dataBytes) fail(`its last ${dataBytes - end} bytes belong to no tensor`);
  return { entries, metadata: metadata as Record<string, string> };
}

const hexadecimal = (checksum: number) => checksum.toString(16).padStart(8, "0");
const isBehind = (a: Entry, b: Entry) => a.begin - b.begin || a.end - b.end;

/** The checksum of bytes that follow on others. */
function checksumOf(bytes: Uint8Array, before = 0): number {
  let checksum = before;
  for (let at = 0; at < bytes.length; at += CHUNK) checksum = crc32(bytes.subarray(at, at + CHUNK), checksum);
  return checksum;
}

/** Checks the header's checksum, and gives the tensors'. */
function parseChecksums(text: string, given: string, entries: Entry[], fail: (what: string) => never) {
  const key = `"${CHECKSUMS}":"`, blank = text.replace(key + given.slice(0, 8), key + UNKNOWN);
  const own = hexadecimal(checksumOf(new TextEncoder().encode(blank)));
  if (given.length !== 8 * (entries.length + 1) || given.slice(0, 8) !== own) fail("its header");
  const inOrder = [...entries].sort(isBehind);
  return new Map(inOrder.map(({ name }, i) => [name, given.slice(8 * (i + 1), 8 * (i + 2))]));
}

/**
 * Reads and checks a safetensors file's header; the tensors are there in its order, to be read when they are wanted. Where
 * the file has checksums, what is read is held against them.
 *
 * @throws {DamagedFileError} naming the file, and the tensor if there is one, where the file is not valid to the last byte,
 *   or other bytes were written; Error where it changes while it is being read
 */
export async function openSafetensors(
  path: string,
): Promise<{ tensors: Record<string, StoredTensor>; metadata: Record<string, string> }> {
  const fail = (why: string): never => {
    throw new DamagedFileError(`${path} is not a safetensors file that can be read: ${why}.`);
  };
  const changed = (what: string): never => {
    throw new DamagedFileError(`${path} is damaged: ${what} is not what was written.`);
  };
  const file = await openParts(path);
  const { size } = file, start = await file.read(0, Math.min(KIND_BYTES, size));
  const kind = start[8] === "{".charCodeAt(0) ? undefined : fileKind(start);
  const failStart = (why: string) => fail(kind ?? why);
  if (size < 8) failStart(`it has ${size} bytes, fewer than the 8 that give the header's length`);
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER) {
    failStart(`its header would have ${length} bytes, more than the ${MAX_HEADER} that are allowed`);
  }
  if (length > size - 8) {
    failStart(`it is cut short: its header should end at byte ${length + 8}, the file has ${size}`);
  }
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.read(8, length));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    failStart("its header is not UTF-8");
  }
  const { entries, metadata: { [CHECKSUMS]: given, ...metadata } } = parseHeader(text, size - 8 - length, fail);
  const checksums = given === undefined ? undefined : parseChecksums(text, given, entries, changed);
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, StoredTensor] => {
    const readInto = async (bytes: Uint8Array<ArrayBuffer>) => {
      await file.readInto(8 + length + begin, bytes);
      if (checksums && checksums.get(name) !== hexadecimal(checksumOf(bytes))) changed(`tensor "${name}"`);
    };
    const read = async () => {
      const bytes = new Uint8Array(end - begin);
      await readInto(bytes);
      return { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) } as HostTensor;
    };
    return [name, { dtype, shape, read, readInto }];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

/**
 * Reads all tensors of a safetensors file, in the header's order, and its metadata.
 *
 * @throws {Error} as openSafetensors() does
 */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Record<string, HostTensor>; metadata: Record<string, string> }> {
  const { tensors, metadata } = await openSafetensors(path);
  const read = new Map<string, HostTensor>();
  for (const [name, tensor] of Object.entries(tensors)) read.set(name, await tensor.read());
  return { tensors: Object.fromEntries(read), metadata };
}

/** How a file is written. */
export interface SafetensorsOptions {
  /** Adds checksums to the metadata, against which openSafetensors() holds what it reads. */
  checksums?: boolean;
  /** Told of the bytes written so far; of all of them only once the file has its name. */
  onProgress?: (done: number, total: number) => void;
}

/** The bytes before the tensors; as many whatever the checksums are. */
function headOf(header: Record<string, unknown>, metadata: Record<string, string>, checksums?: string[]) {
  const encode = (own: string): Uint8Array<ArrayBuffer> => {
    const said = checksums ? { ...metadata, [CHECKSUMS]: [own, ...checksums].join("") } : metadata;
    const all = Object.keys(said).length ? { __metadata__: said, ...header } : header;
    const json = new TextEncoder().encode(JSON.stringify(all));
    const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
    new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
    head.set(json, 8);
    return head;
  };
  const head = encode(UNKNOWN);
  return checksums ? encode(hexadecimal(checksumOf(head.subarray(8)))) : head;
}

/**
 * Writes tensors and metadata as a safetensors file, one tensor after the other: those that are lent are asked for when
 * their turn comes. The bytes depend on names, values and metadata alone, not on the order in which tensors are given, and
 * are those of the reference implementation. The file is written as `path.part`, synced to the disk and renamed, so at
 * `path` there is always a whole file.
 *
 * @throws {Error} naming the tensor whose data does not fit its dtype and shape; or the file, how far it came and why it
 *   cannot be written; or what lending a tensor throws
 */
export async function writeSafetensors(
  path: string,
  tensors: Record<string, HostTensor | LentTensor>,
  metadata: Record<string, string> = {},
  { checksums, onProgress }: SafetensorsOptions = {},
): Promise<void> {
  const sorted = Object.entries(tensors).sort(([a, x], [b, y]) =>
    DTYPES.indexOf(y.dtype) - DTYPES.indexOf(x.dtype) || (a < b ? -1 : 1)
  );
  const header = new Map<string, { dtype: Dtype; shape: readonly number[]; data_offsets: [number, number] }>();
  let end = 0;
  for (const [name, tensor] of sorted) {
    const { dtype, shape } = tensor;
    if (name === "__metadata__") throw new Error(`${path}: a tensor must not be named __metadata__.`);
    if (!DTYPES.includes(dtype) || "data" in tensor && !(tensor.data instanceof ARRAYS[dtype])) {
      throw new Error(`${path}: the data of tensor "${name}" is not what dtype ${dtype} takes.`);
    }
    if (!shape.every(isCount) || "data" in tensor && elementsOf(shape) !== tensor.data.length) {
      const found = "data" in tensor ? `, but ${tensor.data.length} elements` : "";
      throw new Error(`${path}: tensor "${name}" has shape [${shape}]${found}.`);
    }
    const bytes = elementsOf(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
    header.set(name, { dtype, shape, data_offsets: [end, end += bytes] });
  }
  const entries = Object.fromEntries(header), sums = checksums ? sorted.map(() => UNKNOWN) : undefined;
  const start = headOf(entries, metadata, sums).length;

  await writeWhole(path, start + end, async (file) => {
    for (const [i, [name, tensor]] of sorted.entries()) {
      const [begin, end] = header.get(name)!.data_offsets;
      const write = async (bytes: Uint8Array<ArrayBuffer>) => {
        if (bytes.length !== end - begin) {
          throw new Error(`${path}: tensor "${name}" takes ${end - begin} bytes, but ${bytes.length} were lent.`);
        }
        await file.write(start + begin, bytes);
        if (sums) sums[i] = hexadecimal(checksumOf(bytes));
      };
      await ("data" in tensor ? lentValues(tensor) : tensor).lend(write);
    }
    await file.write(0, headOf(entries, metadata, sums));
  }, onProgress);
}
