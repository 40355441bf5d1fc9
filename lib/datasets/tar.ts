/**
 * Reads a gzipped tar archive that fits in memory.
 *
 * @module
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const BLOCK = 512;

/**
 * The regular files of a .tar.gz, by their names without the leading folder ("package/a.json" is "a.json").
 *
 * @throws Error if the bytes are not gzip, or the archive is cut short.
 */
export async function readTarGz(archive: Uint8Array): Promise<Map<string, Uint8Array>> {
  const tar: Uint8Array = await promisify(gunzip)(archive);
  const text = (start: number, length: number) =>
    new TextDecoder().decode(tar.subarray(start, start + length)).replace(/\0.*$/s, "");
  const files = new Map<string, Uint8Array>();
  // The header's fields (POSIX ustar): the name at 0, the size in octal at 124, the kind at 156. Two blocks of zeros
  // end the archive.
  for (let header = 0; header + BLOCK <= tar.length && tar[header] !== 0;) {
    const name = text(header, 100), size = parseInt(text(header + 124, 12), 8), kind = text(header + 156, 1);
    const start = header + BLOCK;
    if (!(start + size <= tar.length)) throw new Error(`the archive ends inside ${name}`);
    if (kind === "0" || kind === "") files.set(name.slice(name.indexOf("/") + 1), tar.subarray(start, start + size));
    header = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
