/**
 * What every training command has around its training: what it says before, a bar, signals, the other workers, and the end of
 * a run that was told to stop.
 *
 * @module
 */
import { cpus } from "node:os";
import type { Dataset } from "../../datasets/dataset.ts";
import { progressBar } from "../../figures/progress.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { hasGpu, tensorflowVersion } from "../../tensorflow/ops/eager.ts";
import type { RunLogEntry, RunOptions } from "../../training/runs/run.ts";
import { reportSkipped } from "../inputs/open_images.ts";
import { tell } from "../terminal/command.ts";
import { fileNote } from "./file_note.ts";
import { checkpointsOf, type TrainingFlags } from "../inputs/training_flags.ts";
import { STOPPED } from "../processes/exit_codes.ts";
import type { RunSummaries } from "../tensorboard/run_summaries.ts";
import { stopSignal } from "../processes/stop_signal.ts";
import { fromAll } from "../processes/worker.ts";

/** Options of all trainings that a run's folder does not keep: to go on as it was begun, they are given again. */
export const GIVEN_AGAIN =
  "workers restarts bfloat16-sums checkpoint-every keep layout skip-bad-images cache cache-side tensorboard".split(" ");

/** A command's training. */
export interface CommandTraining<Entry> {
  /** The bar's. */
  label: string;
  /** The run's folder. */
  dir: string;
  /** What it is trained by. */
  config: { batch: number };
  /** Steps of the whole run. */
  totalSteps: number;
  /** What it is trained on. */
  train: Pick<Dataset, "name" | "skipped">;
  /** How to go on with it, as it is typed. */
  goOn: string;
  /** What a batch has several of. Default "images". */
  unit?: string;
  /** Where its log also goes, for TensorBoard. Default nowhere. */
  summaries?: RunSummaries;
  /** The command's own numbers for the bar after a step; `say` prints a sentence above it. Default none. */
  fieldsOf?(entry: Entry, say: (sentence: string) => void): Record<string, number>;
}

/** What a run's page says of the machine and of versions: environment.json, of the latest process that went on with it. */
function writeEnvironment(dir: string): void {
  const environment = {
    ...{ deno: Deno.version.deno, tensorflow: tensorflowVersion(), device: hasGpu() ? "GPU" : "CPU" },
    ...{ processor: cpus()[0]?.model, cores: navigator.hardwareConcurrency, memory: Deno.systemMemoryInfo().total },
    ...{ system: `${Deno.build.os} ${Deno.osRelease()}`, architecture: Deno.build.arch },
  };
  Deno.writeTextFileSync(`${dir}/environment.json`, JSON.stringify(environment, null, 2) + "\n");
}

/** Tells machines what a finished training has left, and what `more` its command has to say. */
export async function tellTrained(
  dir: string,
  { step, weights, skipped }: { step: number; weights: string; skipped: readonly string[] },
  more: Record<string, unknown>,
): Promise<void> {
  await tell({ run: dir, finished: true, steps: step, weights, log: `${dir}/log.jsonl`, skipped, ...more });
}

/**
 * Trains, as one of the workers. Where a signal stops it, it says how to go on and ends the process.
 *
 * @param begin pretrain() or trainDecoder(), with the options that this makes
 * @throws Error where it is to send sums to nobody
 * @returns the finished training, after which the workers have parted, and the images that any of them had to skip
 */
export async function runTraining<Entry extends RunLogEntry, Result extends { finished: boolean; step: number }>(
  { label, dir, config, totalSteps, train, goOn, unit = "images", summaries, fieldsOf }: CommandTraining<Entry>,
  flags: TrainingFlags & { resume: boolean; "bfloat16-sums": boolean },
  workers: Communicator,
  begin: (options: RunOptions<Entry>) => Promise<Result>,
): Promise<Result & { skipped: string[] }> {
  if (flags["bfloat16-sums"] && workers.size === 1) {
    throw new Error("--bfloat16-sums is for several workers: leave it out, or add --workers 2 or more.");
  }
  const many = workers.size > 1 ? `, shared by ${workers.size} workers` : "";
  console.log(`${totalSteps} steps of ${config.batch} ${unit} from ${train.name}${many}, into ${dir}`);

  const bar = progressBar({ label, total: totalSteps, unit: "steps" });
  const { signal, unlisten } = stopSignal(bar.log);
  let rate = 0, isTold = false;
  const result = await begin({
    dir,
    resume: flags.resume,
    signal,
    workers,
    bfloat16Sums: flags["bfloat16-sums"],
    ...checkpointsOf(flags),
    onFile: (progress) => bar.note(fileNote(progress)),
    onNote: (sentence) => bar.log(`Warning: ${sentence}`),
    onCompile: ({ operations, seconds }) =>
      bar.log(`Compiled the step, ${operations} operations, in ${seconds.toFixed(0)} s.`),
    onStep: (entry) => {
      if (!isTold) {
        isTold = true;
        writeEnvironment(dir);
        if (flags.resume) bar.log(`Goes on after step ${entry.step - 1}.`);
      }
      summaries?.step(entry);
      const { step, loss, learningRate, seconds } = entry, now = config.batch / seconds;
      rate = rate === 0 || step < 3 ? now : 0.95 * rate + 0.05 * now;
      bar.update(step, { "loss": loss, [`${unit}/s`]: rate, "lr": learningRate, ...fieldsOf?.(entry, bar.log) });
    },
  }).finally(() => {
    bar.stop();
    unlisten();
  });
  // Each knows of those that it read itself.
  const skipped = [...new Set((await fromAll(workers, "the images that were skipped", train.skipped ?? [])).flat())];
  if (result.finished) {
    await workers.close();
    return { ...result, skipped };
  }
  reportSkipped({ name: train.name, skipped });
  const kept = result.step > 0 ? ", with a checkpoint" : "";
  if (workers.rank === 0) await tell({ run: dir, finished: false, steps: result.step, goOn, skipped });
  console.log(`Stopped at step ${result.step} of ${totalSteps}${kept}. Go on with: ${goOn}`);
  await workers.close();
  summaries?.[Symbol.dispose]();
  Deno.exit(STOPPED);
}
