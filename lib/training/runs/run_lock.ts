/**
 * A run has one writer: it holds a lock of the operating system's on a file in the run's folder, which ends with its process,
 * however that ends.
 *
 * @module
 */
import { makeFolder, writing } from "../../write_file.ts";

/** Who holds a lock, as the file says it; only what is told to others. */
interface Holder {
  pid: number;
  host: string;
  /** ISO 8601. */
  since: string;
}

/** Where the lock of a run is. The file stays there afterwards: to remove it would take it from under another's hands. */
const lockPath = (dir: string) => `${dir}/run.lock`;

/**
 * Makes the caller the writer of the run in `dir`, which is made, until it disposes of what is returned.
 *
 * @param onNote is told, in a sentence, where the file system has no locks; default console.warn
 * @throws Error that names the process that holds the run
 */
export async function lockRun(dir: string, onNote: (note: string) => void = console.warn): Promise<Disposable> {
  await makeFolder(dir);
  const path = lockPath(dir),
    file = await writing(path, () => Deno.open(path, { create: true, read: true, write: true }));
  try {
    if (!await file.tryLock(true)) throw new Error(await heldBy(dir));
    const holder: Holder = { pid: Deno.pid, host: Deno.hostname(), since: new Date().toISOString() };
    await writing(path, async () => {
      await file.truncate(0);
      await file.write(new TextEncoder().encode(JSON.stringify(holder) + "\n"));
    });
  } catch (error) {
    if (!isUnsupported(error)) {
      file.close();
      throw error;
    }
    onNote(`${dir} is on a file system without locks: make sure yourself that no other process writes this run.`);
  }
  return { [Symbol.dispose]: () => file.close() };
}

/** Whether the file system cannot lock: ENOSYS, EOPNOTSUPP, or ENOLCK of a network's without its lock service. */
const isUnsupported = (error: unknown) =>
  error instanceof Deno.errors.NotSupported || ["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK"].includes(
    (error as { code?: string }).code ?? "",
  );

async function heldBy(dir: string): Promise<string> {
  let who = "another process", stop = "end it";
  try {
    const { pid, host, since }: Holder = JSON.parse(await Deno.readTextFile(lockPath(dir)));
    who = `process ${pid} on ${host}, since ${since}`;
    if (host === Deno.hostname()) stop = `end it (kill ${pid})`;
  } catch {
    // It is about to say who it is.
  }
  return `The run in ${dir} is being written by ${who}: wait until that is done, ${stop}, or name another folder (--out).`;
}
