/**
 * Where the files of a zip archive lie, for archives that are larger than memory and whose files are stored as they are,
 * as PyTorch's are.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import yauzl from "npm:yauzl@3.4.0";
import { type FileParts, openParts } from "./file_parts.ts";

/** A file in an archive. */
export interface ZipRecord {
  /** Its name in the archive, with slashes. */
  name: string;
  /** Its length in bytes. */
  size: number;
  /**
   * Reads `length` of its bytes from the offset `at` on. Before the first read its checksum is compared.
   *
   * @throws Error that names archive and file where the checksum is another, or the file is compressed or encrypted
   */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes whose checksum is computed at once. */
const CHUNK = 1 << 24;

/** An archive's entry, as yauzl gives it. */
interface Entry {
  fileName: string;
  compressedSize: number;
  uncompressedSize: number;
  compressionMethod: number;
  generalPurposeBitFlag: number;
  crc32: number;
}

function zipRecord(file: FileParts, start: number, entry: Entry): ZipRecord {
  const { fileName: name, uncompressedSize: size, crc32: checksum } = entry;
  let checked: Promise<void> | undefined;
  const check = async () => {
    if (entry.compressionMethod !== 0 || entry.generalPurposeBitFlag & 1) {
      throw new Error(`${file.path} cannot be read: ${name} in it is compressed or encrypted, unlike PyTorch's own.`);
    }
    // PyTorch writes 0 where it was told not to compute checksums.
    if (checksum === 0) return;
    let sum = 0;
    for (let done = 0; done < size; done += CHUNK) {
      sum = crc32(await file.read(start + done, Math.min(CHUNK, size - done)), sum);
    }
    if (sum !== checksum) throw new Error(`${file.path} is damaged: the checksum of ${name} in it is wrong.`);
  };
  return {
    name,
    size,
    async read(at, length) {
      await (checked ??= check());
      return await file.read(start + at, length);
    },
  };
}

/**
 * The files of a zip archive by name, of any size (zip64 too).
 *
 * @throws Error that names the archive where it is damaged, or has a file twice
 */
export async function openZip(path: string): Promise<Map<string, ZipRecord>> {
  const file = await openParts(path);
  const fail = (why: string): never => {
    throw new Error(`${path} is not a valid zip archive: ${why}.`);
  };
  const records = new Map<string, ZipRecord>();
  let archive;
  try {
    archive = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true });
  } catch (error) {
    return fail((error as Error).message.replace(/\.$/, ""));
  }
  const closed = new Promise((resolve) => archive.once("close", resolve));
  try {
    for await (const entry of archive.eachEntry()) {
      const { fileName: name, compressedSize }: Entry = entry;
      if (records.has(name)) fail(`it holds ${name} twice`);
      const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      if (fileDataStart + compressedSize > file.size) fail(`it is cut short: ${name} ends behind the file's end`);
      records.set(name, zipRecord(file, fileDataStart, entry));
    }
  } catch (error) {
    if ((error as Error).message.startsWith(path)) throw error;
    fail((error as Error).message.replace(/\.$/, ""));
  } finally {
    archive.close();
    await closed;
  }
  return records;
}
