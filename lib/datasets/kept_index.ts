/**
 * What is found out of a large file once and kept: where its images lie, so that any one is read without the others.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { makeFolder, replaceFile } from "../write_file.ts";

/** What an index is kept with, to tell whether it is still the file's. */
interface Identity {
  archive: string;
  bytes: number;
  modified: number;
}

/**
 * What `make` finds out of a file, from `cache` or, the first time, by making it. A file of other size or date than the one
 * that was kept is gone through anew, and so it is where what was kept is damaged.
 *
 * @param cache the folder of indexes, is made
 * @param isWhole whether what was read is such an index
 * @param make is told the file's size, and where it may keep what is too large for an index, by a path without ending
 * @throws Error naming the file if it cannot be read, or `make` cannot
 */
export async function keptIndex<T extends object>(
  file: string,
  cache: string,
  isWhole: (kept: Partial<T>, beside: string) => boolean | Promise<boolean>,
  make: (bytes: number, beside: string) => Promise<T>,
): Promise<T & { beside: string }> {
  const fail = (error: unknown): never => {
    throw new Error(`${file}: ${error instanceof Error ? error.message.replace(/\.$/, "") : error}.`, { cause: error });
  };
  const { size, mtime } = await Deno.stat(file).catch(fail);
  const identity: Identity = { archive: await Deno.realPath(file), bytes: size, modified: Number(mtime) };
  const digest = createHash("sha256").update(identity.archive).digest("hex").slice(0, 12);
  const beside = join(cache, `${basename(file)}.${digest}`), path = `${beside}.json`;
  try {
    const { archive, bytes, modified, ...kept } = JSON.parse(await Deno.readTextFile(path));
    const same = archive === identity.archive && bytes === identity.bytes && modified === identity.modified;
    if (same && await isWhole(kept, beside)) return { ...kept, beside };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof SyntaxError || error instanceof TypeError)) {
      throw error;
    }
  }
  const made = await make(size, beside).catch(fail);
  await makeFolder(cache);
  await replaceFile(path, JSON.stringify({ ...identity, ...made }));
  return { ...made, beside };
}

/** The bytes of a file from a place on, `length` of them; throws where the file ends before. */
export async function readAt(path: string, offset: number, length: number, what: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const n = await file.read(bytes.subarray(done));
    if (n === null) throw new Error(`${path} ends inside ${what}: it was cut after it was indexed`);
    done += n;
  }
  return bytes;
}
