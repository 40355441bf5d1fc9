/**
 * Tar archives: what they hold and where, and the files of a gzipped one that fits in memory.
 *
 * @module
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const BLOCK = 512;

/** A file in an archive. */
export interface TarMember {
  /** With its folders, as the archive spells it. */
  name: string;
  /** Where its bytes begin, from the archive's beginning. */
  offset: number;
  /** How many bytes it has. */
  size: number;
  /** What it is where it is no regular file, and has no bytes to be read. */
  odd?: string;
}

/** Kinds that are neither files nor folders. None of them has bytes, whatever its size says. */
const ODD_KINDS: Record<string, string> = {
  "1": "a hard link",
  "2": "a link",
  "3": "a device",
  "4": "a device",
  "6": "a FIFO",
};

/**
 * The files of a tar archive (POSIX ustar and pax, GNU), in its order, and links and the like, which are marked; folders
 * are passed over.
 *
 * @param read the bytes at offset .. offset + length - 1 of what holds the archive; fewer where it ends
 * @param start where the archive begins
 * @param end where it must have ended
 * @returns whether the archive has its mark of the end; one cut short between two files lacks it
 * @throws Error where it is no archive, or is cut short in a file
 */
export function* tarMembers(
  read: (offset: number, length: number) => Uint8Array,
  start: number,
  end: number,
): Generator<TarMember, boolean, void> {
  /** What extended headers say of the next member. */
  let next: { name?: string; size?: number } = {};
  for (let at = start; at + BLOCK <= end;) {
    const header = read(at, BLOCK);
    if (header.length < BLOCK) return false;
    if (header.every((byte) => byte === 0)) return true;
    const { kind, ...own } = parseHeader(header, at);
    const { name, ...stated } = ["L", "K", "x", "g"].includes(kind) ? own : { ...own, ...next };
    const offset = at + BLOCK, odd = ODD_KINDS[kind], size = odd === undefined && kind !== "5" ? stated.size : 0;
    if (!(offset + size <= end)) throw new Error(`the archive ends inside ${name}`);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (kind === "L") {
      next.name = text(read(offset, size)); // GNU: the name of the next member, where it is long
    } else if (kind === "x") {
      next = { ...next, ...parseExtended(read(offset, size), name) };
    } else if (kind === "0" || kind === "" || kind === "7") {
      next = {};
      yield { name, offset, size };
    } else if (kind !== "K" && kind !== "g") { // K is the long name that a link leads to
      next = {};
      if (kind !== "5") yield { name, offset, size, odd: odd ?? `neither a file nor a folder (its kind is "${kind}")` };
    }
  }
  return false;
}

/** The text up to its first zero. */
function text(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
}

/**
 * A header's fields (POSIX ustar): the name at 0, the size at 124, the checksum at 148, the kind at 156, "ustar" at 257,
 * and the folders before a name of more than 100 characters at 345, where GNU, whose "ustar" has blanks, has other things.
 */
function parseHeader(header: Uint8Array, at: number): { name: string; size: number; kind: string } {
  const field = (offset: number, length: number) => text(header.subarray(offset, offset + length));
  let sum = 0; // of all bytes, with blanks for the sum itself
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
  if (sum !== parseInt(field(148, 8), 8)) throw new Error(`it is no tar archive, or damaged at byte ${at}`);
  // GNU writes sizes from 8 GiB on as a binary number, and marks them by the first bit.
  const size = header[124] & 0x80
    ? header.subarray(125, 136).reduce((value, byte) => value * 256 + byte, 0)
    : parseInt(field(124, 12), 8);
  if (!Number.isSafeInteger(size)) throw new Error(`the archive's header at byte ${at} states no size`);
  const folders = header[262] === 0 && field(257, 6) === "ustar" ? field(345, 155) : "";
  return { name: (folders && folders + "/") + field(0, 100), size, kind: field(156, 1) };
}

/** What a pax header says of the next member, as lines of "length key=value". */
function parseExtended(bytes: Uint8Array, name: string): { name?: string; size?: number } {
  const found: { name?: string; size?: number } = {};
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(32, at), length = Number(text(bytes.subarray(at, Math.max(at, blank))));
    if (!(length > blank + 1 - at && at + length <= bytes.length)) {
      throw new Error(`the extended header ${name} in the archive cannot be read`);
    }
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, at + length - 1)), equals = record.indexOf("=");
    const key = record.slice(0, equals), value = record.slice(equals + 1);
    if (key === "path") found.name = value;
    if (key === "size") found.size = Number(value);
    at += length;
  }
  return found;
}

/**
 * The regular files of a .tar.gz, by their names without the leading folder ("package/a.json" is "a.json").
 *
 * @throws Error if the bytes are not gzip, or as tarMembers does
 */
export async function readTarGz(archive: Uint8Array): Promise<Map<string, Uint8Array>> {
  const tar: Uint8Array = await promisify(gunzip)(archive);
  const read = (offset: number, length: number) => tar.subarray(offset, offset + length);
  // gzip's own checksum says that the end is there
  const members = Array.from(tarMembers(read, 0, tar.length)).filter(({ odd }) => odd === undefined);
  return new Map(members.map(({ name, offset, size }) => [name.slice(name.indexOf("/") + 1), read(offset, size)]));
}
