/**
 * Reading parts of a file that may be larger than any buffer, and that must stay the same until all are read.
 *
 * @module
 */

import { readError } from "../../os_error.ts";

/** Bytes a single read asks for: the operating system takes no more than 2 GiB, and a timer may want its turn. */
const CHUNK = 1 << 26;

/** A file to be read in parts. It is open only while one is read. */
export interface FileParts {
  /** Where it is. */
  path: string;
  /** Its length in bytes. */
  size: number;
  /**
   * Reads `length` bytes from the offset `at` on, where the file has them.
   *
   * @throws Error that names the file where it has changed since openParts(), or is gone
   */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** As read(), into memory that is there: as many bytes as it takes. */
  readInto(at: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/**
 * Looks at a file whose parts are to be read.
 *
 * @throws Error that names the path where there is no file, or one that may not be read
 */
export async function openParts(path: string): Promise<FileParts> {
  const cannot = (error: unknown): never => {
    throw readError(path, error);
  };
  const { isFile, isDirectory, size, mtime } = await Deno.stat(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) return cannot(error);
    throw new Deno.errors.NotFound(`There is no file ${path}: is the path right?`, { cause: error });
  });
  // To open a FIFO would wait for somebody to write into it.
  if (!isFile) throw new Error(`${path} is ${isDirectory ? "a folder" : "a FIFO, a socket or a device"}, not a file.`);
  const changed = () => new Error(`${path} was changed while it was being read: read it again.`);
  const readInto = async (at: number, bytes: Uint8Array<ArrayBuffer>) => {
    using file = await Deno.open(path).catch((error) => {
      throw error instanceof Deno.errors.NotFound ? changed() : cannot(error);
    });
    const now = await file.stat();
    if (now.size !== size || now.mtime?.getTime() !== mtime?.getTime()) throw changed();
    await file.seek(at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) {
      const count = await file.read(bytes.subarray(done, done + CHUNK)).catch((error) => {
        throw readError(path, error, "is its disk all right?");
      });
      if (count === null) throw changed();
      done += count;
    }
  };
  return {
    path,
    size,
    readInto,
    async read(at, length) {
      const bytes = new Uint8Array(length);
      await readInto(at, bytes);
      return bytes;
    },
  };
}
