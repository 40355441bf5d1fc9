/**
 * One of our workers in `deno task bench --workers`: a process that answers "step PRECISION COUNT" and
 * "sum DTYPE MEGABYTES COUNT" with the milliseconds that each took, as all of its world are asked at once.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import type { Precision } from "../../tensorflow/autocast.ts";
import { disposeAll, tf } from "../../tensorflow/backend.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { runCommand } from "../terminal/run_command.ts";
import { asWorker } from "../processes/worker.ts";
import { ourPrecisions, ourSteps, type Steps } from "./bench_ours.ts";
import { SIZES } from "./bench_sizes.ts";

/** Not by console.log(), which only worker 0 has; the first one is that we are ready. */
function say(answer: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(answer) + "\n"));
}

/** Sums of buffers as large as PyTorch's buckets of gradients, 25 MB. */
async function sumTimes(workers: Communicator, dtype: string, megabytes: number, count: number): Promise<number[]> {
  const buffers = Array.from({ length: megabytes / 25 }, () => tf.ones([25e6 / 4]));
  const times: number[] = [];
  // The first one waits for the others, and is looked at instead.
  for (let i = 0; i <= count; i++) {
    const start = performance.now();
    const sums = await workers.allReduce(buffers, { bfloat16: dtype === "bfloat16" });
    if (i > 0) times.push(performance.now() - start);
    else if ((await sums.at(-1)!.data()).some((sum) => sum !== workers.size)) {
      throw new Error(`Ones of ${workers.size} workers, sent as ${dtype}, do not add up to ${workers.size} here.`);
    }
    disposeAll(sums);
  }
  disposeAll(buffers);
  return times;
}

async function main(workers: Communicator): Promise<void> {
  const size = SIZES[Deno.args[0]], steps = new Map<Precision, Steps>();
  say({ precisions: await ourPrecisions(size) });
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, type, ...numbers] = line.split(" ");
    if (what === "sum") {
      const [megabytes, count] = numbers.map(Number);
      say({ ms: await sumTimes(workers, type, megabytes, count) });
      continue;
    }
    const precision = type as Precision;
    if (!steps.has(precision)) {
      steps.set(precision, ourSteps(size, precision, workers.size > 1 ? workers : undefined));
    }
    say({ ms: await steps.get(precision)!.run(Number(numbers[0])) });
  }
}

await runCommand(() => asWorker(main));
