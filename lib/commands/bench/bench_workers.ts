/**
 * `deno task bench --workers N`: N workers that share this machine's cores against one that has them all, and the sums that
 * they exchange against those of PyTorch's gloo. All on the CPU.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { table } from "../../figures/table.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import { workerEnvironments } from "../../training/world.ts";
import { numberOf } from "../terminal/flags.ts";
import { freePort, programArguments } from "../processes/launch_workers.ts";
import { PEER_PYTHON } from "./bench_peer.ts";
import { type BenchProcess, startProcess } from "./bench_process.ts";
import { median, middleOf, roundsInTime, spreadText, stepsOfTurn, type Timings } from "./bench_rounds.ts";
import { type BenchSize, SIZES } from "./bench_sizes.ts";

/** What is added up: float32 gradients, in MB (10^6 bytes), sent as they are or as bfloat16. */
const SUMS = (["float32", "bfloat16"] as const).flatMap((sent) => [25, 250].map((megabytes) => ({ sent, megabytes })));

/** MB of gradients a turn. */
const SUMS_TURN = 1000;

/** Steps of several workers against those of one, the same batch in both. */
export interface WorkersSteps {
  size: string;
  precision: Precision;
  workers: number;
  /** Of each of the workers; the one has all cores. */
  threads: number;
  one_img_s: number;
  workers_img_s: number;
  /** The workers' images/s divided by the one's, the median over the rounds. */
  ratio: number;
  /** The smallest and the largest ratio of a round. */
  spread: [number, number];
  /** Steps of each side. */
  steps: number;
}

/** Sums of gradients over our workers against gloo's. */
export interface WorkersSums {
  /** float32 gradients of each worker, in MB. */
  megabytes: number;
  sent: "float32" | "bfloat16";
  /** Gradients of a worker, as float32, by the time until all have their sum: GB (10^9 bytes) a second. */
  ours_gb_s: number;
  gloo_gb_s: number;
  /** Ours divided by gloo's, the median over the rounds. */
  ratio: number;
  spread: [number, number];
  /** Of each side. */
  sums: number;
}

/** --workers: undefined where it is left out. */
export function workersOf(
  text: string | undefined,
  { batch }: Pick<BenchSize, "batch">,
  cores = navigator.hardwareConcurrency,
): number | undefined {
  const workers = numberOf("workers", text, { integer: true, least: 2 });
  if (workers === undefined || workers <= cores && batch % workers === 0) return workers;
  const reason = workers > cores ? `this machine has ${cores} cores` : `they cannot share ${batch} images evenly`;
  throw new Error(`--workers ${workers} cannot be compared with one worker, as ${reason}: name another number.`);
}

/** Processes that do the same at once; at its disposal they end. */
interface Group extends AsyncDisposable {
  /** What each of them said when it was ready. */
  ready: unknown[];
  /** Milliseconds of each time that they did what the line says: the slowest one's. */
  ask(line: string): Promise<number[]>;
}

/** Starts them, and waits until all are ready; where one stops, the others are ended, for they would wait for it. */
export async function startGroup(starts: readonly (() => BenchProcess)[]): Promise<Group> {
  const processes: BenchProcess[] = [];
  const end = async () => void await Promise.all(processes.map((process) => process.close()));
  const all = async <T>(answer: (process: BenchProcess) => Promise<T>): Promise<T[]> => {
    try {
      return await Promise.all(processes.map(answer));
    } catch (error) {
      processes.forEach((process) => process.kill());
      throw error;
    }
  };
  try {
    for (const start of starts) processes.push(start());
    const ready = await all((process) => process.answer());
    const ask = async (line: string) => slowest(await all((process) => process.ask<{ ms: number[] }>(line)));
    return { ready, ask, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function slowest(answers: readonly { ms: readonly number[] }[]): number[] {
  return answers[0].ms.map((_, i) => Math.max(...answers.map(({ ms }) => ms[i])));
}

const threadsOf = (workers: number) => Math.floor(navigator.hardwareConcurrency / workers);

/** The environments of a world of workers, each with its share of the cores and none with a GPU. */
const environments = (workers: number) =>
  workerEnvironments(workers, freePort()).map((env) => ({
    ...env,
    TF_NUM_INTRAOP_THREADS: `${threadsOf(workers)}`,
    CUDA_VISIBLE_DEVICES: "-1",
  }));

const WORKER = fileURLToPath(new URL("bench_worker.ts", import.meta.url));
const GLOO = fileURLToPath(new URL("bench_gloo.py", import.meta.url));

function startOurs(size: string, workers: number): Promise<Group> {
  const args = programArguments(WORKER, [size]);
  return startGroup(
    environments(workers).map((env, rank) => () => startProcess(`Our worker ${rank}`, Deno.execPath(), args, env)),
  );
}

function startGloo(workers: number): Promise<Group> {
  const args = [GLOO, `${threadsOf(workers)}`];
  // Else gloo looks for the address of the machine's name, which need not have one.
  const GLOO_SOCKET_IFNAME = Deno.build.os === "darwin" ? "lo0" : "lo";
  return startGroup(
    environments(workers).map((env, rank) => () =>
      startProcess(`PyTorch's worker ${rank}`, PEER_PYTHON, args, { ...env, GLOO_SOCKET_IFNAME })
    ),
  );
}

/** So much, a time of which takes so long. */
const perSecond = (amount: number, times: Timings) => amount * 1000 / median(times.map(median));

/** How many times faster B is than A, by rounds. */
const fasterOf = (a: Timings, b: Timings) => middleOf(a.map((times, round) => median(times) / median(b[round])));

/** Images/s of both sides, from milliseconds a step. */
export function compareSteps(batch: number, one: Timings, several: Timings) {
  return {
    one_img_s: perSecond(batch, one),
    workers_img_s: perSecond(batch, several),
    ...fasterOf(one, several),
    steps: one.flat().length,
  };
}

/** GB/s of both sides, from milliseconds a sum. */
export function compareSums(megabytes: number, gloo: Timings, ours: Timings) {
  return {
    ours_gb_s: perSecond(megabytes / 1000, ours),
    gloo_gb_s: perSecond(megabytes / 1000, gloo),
    ...fasterOf(gloo, ours),
    sums: ours.flat().length,
  };
}

async function measureSteps(
  size: string,
  workers: number,
  rounds: number,
  show: (what: string) => void,
): Promise<WorkersSteps[]> {
  show("workers start");
  await using one = await startOurs(size, 1);
  await using several = await startOurs(size, workers);
  const { precisions } = one.ready[0] as { precisions: Precision[] };
  const times = precisions.map((precision) => ({ precision, one: [] as Timings, several: [] as Timings }));
  const second = new Map<Precision, number>(); // the first one compiles
  for (const { precision } of times) {
    show(`${precision}, first steps`);
    second.set(precision, (await one.ask(`step ${precision} 2`))[1]);
    await several.ask(`step ${precision} 2`);
  }
  const count = stepsOfTurn(second.get("float32")!);
  for (const round of roundsInTime(rounds)) {
    for (const { precision, ...sides } of times) {
      show(`round ${round}, ${precision}`);
      sides.one.push(await one.ask(`step ${precision} ${count}`));
      sides.several.push(await several.ask(`step ${precision} ${count}`));
    }
  }
  return times.map(({ precision, one, several }) => ({
    ...{ size, precision, workers, threads: threadsOf(workers) },
    ...compareSteps(SIZES[size].batch, one, several),
  }));
}

async function measureSums(
  size: string,
  workers: number,
  rounds: number,
  show: (what: string) => void,
): Promise<WorkersSums[]> {
  show("workers and PyTorch's start");
  await using ours = await startOurs(size, workers);
  await using gloo = await startGloo(workers);
  const times = SUMS.map((sum) => ({ ...sum, gloo: [] as Timings, ours: [] as Timings }));
  for (const round of roundsInTime(rounds)) {
    for (const { sent, megabytes, ...sides } of times) {
      show(`round ${round}, sums of ${megabytes} MB in ${sent}`);
      const line = `sum ${sent} ${megabytes} ${SUMS_TURN / megabytes}`;
      sides.gloo.push(await gloo.ask(line));
      sides.ours.push(await ours.ask(line));
    }
  }
  return times.map(({ megabytes, sent, gloo, ours }) => ({
    ...{ megabytes, sent },
    ...compareSums(megabytes, gloo, ours),
  }));
}

function printSteps(results: readonly WorkersSteps[], cores: number): void {
  const rows = results.map(({ size, precision, one_img_s, workers_img_s, ratio, spread, steps }) => [
    ...[size, precision, one_img_s, workers_img_s, ratio, spreadText(spread), steps],
  ]);
  const [{ workers, threads }] = results;
  const titles = [`1 worker, ${cores} threads: images/s`, `${workers} workers, each ${threads}: images/s`, "ratio"];
  console.log(table(rows, ["size", "precision", ...titles.map(twoDecimals), "spread", "steps"]) + "\n");
}

function printSums(results: readonly WorkersSums[]): void {
  const rows = results.map(({ megabytes, sent, ours_gb_s, gloo_gb_s, ratio, spread, sums }) => [
    ...[megabytes, sent, gloo_gb_s, ours_gb_s, ratio, spreadText(spread), sums],
  ]);
  const titles = ["gloo: GB/s", "ours: GB/s", "ratio"];
  console.log(table(rows, ["gradients, MB", "sent as", ...titles.map(twoDecimals), "spread", "sums"]));
}

const twoDecimals = (title: string) => ({ title, decimals: 2 });

/** Measures and prints both. */
export async function benchWorkers(
  size: string,
  workers: number,
  rounds: number,
): Promise<{ steps: WorkersSteps[]; sums: WorkersSums[] }> {
  const show = (what: string) => console.error(`${size}, ${workers} workers: ${what}`);
  const steps = await measureSteps(size, workers, rounds, show);
  printSteps(steps, navigator.hardwareConcurrency);
  const sums = await measureSums(size, workers, rounds, show);
  printSums(sums);
  return { steps, sums };
}
