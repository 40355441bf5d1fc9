/**
 * Writing files: whatever goes wrong, the error names the file and says what to do. The operating system's own, such as
 * "No space left on device (os error 28)", names none.
 *
 * @module
 */

import { isOsError, osReason } from "./os_error.ts";

/** Bytes a single write is given: the operating system takes no more than 2 GiB, and a timer may want its turn. */
const CHUNK = 1 << 26;

/** What to do about an error, by the operating system's name of it. */
const ADVICE: Record<string, string> = {
  ENOSPC: "make room on its disk, or name a place on another one",
  EDQUOT: "make room within your quota, or name a place elsewhere",
  EFBIG: "name a place on a disk that holds larger files",
  EACCES: "allow writing there, or name another place",
  EPERM: "allow writing there, or name another place",
  EROFS: "name a place that is not read-only",
  EISDIR: "a folder has its name, so remove that or name another place",
  EEXIST: "a file has the name of a folder, so remove that or name another place",
  ENOENT: "make its folder, or name another place",
  ENOTDIR: "a part of its path is a file, so name another place",
};

/** An error of the operating system in writing `path`, with the path; any other as it is. */
export function writeError(path: string, error: unknown): unknown {
  if (!isOsError(error)) return error;
  const advice = ADVICE[error.code] ?? "try again, or name another place";
  return new Error(`${path} cannot be written (${osReason(error)}): ${advice}.`, { cause: error });
}

/**
 * What some writing gives.
 *
 * @param path what is being written, for the error
 * @throws Error that names the path where the operating system cannot write it; any other error as it is
 */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Makes a folder and those above it, where they are missing; throws as writing() does. */
export async function makeFolder(path: string): Promise<void> {
  await writing(path, () => Deno.mkdir(path, { recursive: true }));
}

/** Writes a file, in UTF-8 where it is a text; throws as writing() does. */
export async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  await writing(
    path,
    () => typeof content === "string" ? Deno.writeTextFile(path, content) : Deno.writeFile(path, content),
  );
}

/** Writes a file beside and renames it, so that a file under its own name is always whole; throws as writing() does. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const beside = `${path}.${Deno.pid}.part`;
  try {
    await writing(path, async () => {
      if (typeof content === "string") await Deno.writeTextFile(beside, content);
      else await Deno.writeFile(beside, content);
      await Deno.rename(beside, path);
    });
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}

/** A file that is open to be written. Everything throws as writing() does. */
export interface WritableFile extends Disposable {
  /** Writes all of these bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes a text at once; other work waits. */
  writeText(text: string): void;
  /** Goes to a place, in bytes from the beginning. */
  seek(place: number): Promise<void>;
  /** Waits until the disk has it. */
  sync(): Promise<void>;
}

/**
 * Opens a file to be written from its beginning, what it holds being lost, or from its end.
 *
 * @param name what errors call it; default its path
 */
export async function openToWrite(
  path: string,
  { append = false, name = path }: { append?: boolean; name?: string } = {},
): Promise<WritableFile> {
  const options = append ? { append } : { create: true, truncate: true, write: true };
  const file = await writing(name, () => Deno.open(path, options));
  return {
    write: (bytes) =>
      writing(name, async () => {
        for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done, done + CHUNK));
      }),
    writeText(text) {
      const bytes = new TextEncoder().encode(text);
      try {
        for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
      } catch (error) {
        throw writeError(name, error);
      }
    },
    async seek(place) {
      await writing(name, () => file.seek(place, Deno.SeekMode.Start));
    },
    sync: () => writing(name, () => file.sync()),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
