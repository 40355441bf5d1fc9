/**
 * The checkpoints in a run's folder: the newest whole one to go on from, and those to come, each written beside the next
 * steps.
 *
 * @module
 */
import { disposeAll } from "../../tensorflow/backend.ts";
import { checkpointName, checkpointsIn, checkpointStep } from "../../weights/checkpoint_names.ts";
import { DamagedFileError } from "../../weights/formats/safetensors.ts";
import { writing } from "../../write_file.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { TrainingState } from "../step.ts";

/** How far a large file is. */
export interface FileProgress {
  /** What is being done. */
  action: "reading" | "writing";
  /** Where it is, or will be. */
  path: string;
  /** Bytes that are done; all of them once the file is whole. */
  done: number;
  /** Bytes in all. */
  total: number;
}

/** Whether a file is not what was written, or the disk does not give it back. */
const isDamage = (error: unknown): error is Error =>
  error instanceof DamagedFileError || ((error as Error).cause as { code?: string } | undefined)?.code === "EIO";

/**
 * Reads the newest checkpoint that is whole. Damaged ones that are newer get another name, so that they are in nobody's
 * way; what a killed run left half-written is removed.
 *
 * @param like as for readCheckpoint()
 * @returns the state, the caller's, and the steps done; undefined where there is no checkpoint
 * @throws Error that names them where none is whole, or where one is not of this run
 */
export async function newestCheckpoint(
  dir: string,
  like: TrainingState,
  { onFile, onNote }: { onFile?: (progress: FileProgress) => void; onNote: (sentence: string) => void },
): Promise<{ state: TrainingState; step: number } | undefined> {
  for await (const { name } of Deno.readDir(dir)) {
    const isHalf = name.endsWith(".part") && checkpointStep(name.slice(0, -".part".length)) !== undefined;
    if (isHalf) await Deno.remove(`${dir}/${name}`);
  }
  const damaged: { path: string; why: string }[] = [];
  for (const name of await checkpointsIn(dir)) {
    const path = `${dir}/${name}`;
    const onProgress = onFile && ((done: number, total: number) => onFile({ action: "reading", path, done, total }));
    try {
      const found = await readCheckpoint(path, like, { onProgress });
      for (const { path, why } of damaged) {
        await Deno.rename(path, `${path}.damaged`);
        onNote(`${why} It is kept as ${path}.damaged, and the run goes on from the one before, of step ${found.step}.`);
      }
      return found;
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ path, why: error.message });
    }
  }
  if (damaged.length === 0) return undefined;
  throw new Error(
    `${dir} has no checkpoint that is whole: delete what is damaged to begin the run again, or begin another (--out). ` +
      damaged.map(({ why }) => why).join(" "),
  );
}

/** Removes a file, if somebody has not already. */
const remove = (path: string) =>
  writing(path, () =>
    Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }));

/** A checkpoint that was written. */
export interface SavedCheckpoint {
  /** Steps done in its state. */
  step: number;
  /** Of the file. */
  bytes: number;
  /** From its beginning to the end. */
  seconds: number;
}

/** Writes one checkpoint at a time, and keeps the newest ones. */
export interface CheckpointSaver {
  /** Of the newest one that is whole; 0 for none. */
  readonly step: number;
  /** Begins to write once settled() says that nothing is being written; the tensors are the saver's from here on. */
  begin(state: TrainingState, step: number): void;
  /** Resolves when nothing is being written any more; never rejects. */
  settled(): Promise<void>;
  /** What was written since it was last asked. */
  take(): SavedCheckpoint[];
  /** Throws where one could not be written, from then on. */
  check(): void;
}

/** @param step of the checkpoint that the run goes on from, or 0 */
export function checkpointSaver(
  { dir, keep, step, onFile }: { dir: string; keep: number; step: number; onFile?: (progress: FileProgress) => void },
): CheckpointSaver {
  let saved = step, failure: unknown, running: Promise<void> | undefined, written: SavedCheckpoint[] = [];

  const save = async (state: TrainingState, step: number) => {
    const path = `${dir}/${checkpointName(step)}`, start = performance.now();
    let bytes = 0;
    const onProgress = (done: number, total: number) => {
      bytes = total;
      onFile?.({ action: "writing", path, done, total });
    };
    try {
      await writeCheckpoint(path, state, step, { onProgress });
    } finally {
      disposeAll(state);
    }
    saved = step;
    written.push({ step, bytes, seconds: (performance.now() - start) / 1000 });
    for (const name of (await checkpointsIn(dir)).slice(keep)) await remove(`${dir}/${name}`);
  };

  return {
    get step() {
      return saved;
    },
    begin(state, step) {
      running = save(state, step).catch((error) => void (failure = error)).finally(() => running = undefined);
    },
    settled: async () => await running,
    take() {
      const taken = written;
      written = [];
      return taken;
    },
    check() {
      if (failure !== undefined) throw failure;
    },
  };
}
