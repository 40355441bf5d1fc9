/**
 * A run's log.jsonl while it is being written: a line for each step.
 *
 * @module
 */
import { writeError, writing } from "../../write_file.ts";

/** A log that grows. */
export interface RunLog<Entry> extends Disposable {
  /** Adds a line. */
  append(entry: Entry): void;
  /** Puts a longer line, which says more of the same step, in the place of the last one. */
  amend(entry: Entry): void;
}

/**
 * Opens the log of a run to go on with.
 *
 * @throws Error that names the file where it cannot be written, then or later
 */
export async function openRunLog<Entry>(dir: string): Promise<RunLog<Entry>> {
  const path = `${dir}/log.jsonl`, encoder = new TextEncoder();
  const file = await writing(path, () => Deno.open(path, { write: true }));
  let last = await file.seek(0, Deno.SeekMode.End), end = last;
  const put = (entry: Entry) => {
    const line = encoder.encode(JSON.stringify(entry) + "\n");
    try {
      file.seekSync(last, Deno.SeekMode.Start);
      for (let done = 0; done < line.length;) done += file.writeSync(line.subarray(done));
    } catch (error) {
      throw writeError(path, error);
    }
    end = last + line.length;
  };
  return {
    append(entry) {
      last = end;
      put(entry);
    },
    amend: put,
    [Symbol.dispose]: () => file.close(),
  };
}
