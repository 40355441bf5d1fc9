/**
 * `deno task bench --profile`: where a training step's time goes, beside what the machine's products and memory can do.
 *
 * @module
 */
import { table } from "../../figures/table.ts";
import type { PrecisionChoice } from "../../tensorflow/autocast.ts";
import { tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { fused } from "../../tensorflow/fused.ts";
import { decidePrecision, productRates } from "../../tensorflow/product_rates.ts";
import { recordTrace } from "../../tensorflow/records/trace_recorder.ts";
import { ourSteps } from "./bench_ours.ts";
import type { BenchSize } from "./bench_sizes.ts";
import { type KernelTime, profileOf } from "./kernel_times.ts";

/** Steps before the recording, which compile and fill caches, and steps that are recorded. */
const WARM_UP = 3, RECORDED = 3;
/** Kernels in the second table. */
const DEAREST = 20;

/** What the machine can do, for "a share of". */
interface MachineRates {
  /** FLOP/s of large products in the step's precision. */
  products: number;
  /** Bytes a second, read and written, of an elementwise kernel on tensors larger than any cache. */
  memory: number;
}

/** A line of either table. */
interface Line {
  calls: number;
  ms: number;
  flops: number;
  bytes: number;
}

/** Measures how fast memory goes through a kernel. */
async function memoryRate(): Promise<number> {
  const x = tf.fill([64 * 2 ** 20], 1);
  const run = compile(fused("memory_rate", (x: tf.Tensor) => tf.add(x, 1)), { jit: "graph", name: "memory_rate" });
  let fastest = Infinity;
  try {
    for (let i = 0; i < 6; i++) {
      const start = performance.now();
      (await run(x)).dispose();
      if (i > 0) fastest = Math.min(fastest, performance.now() - start);
    }
  } finally {
    x.dispose();
    run.dispose();
  }
  return 2 * 4 * x.size / (fastest / 1000);
}

function lineOf(kernels: readonly KernelTime[], steps: number): Line {
  const sum = (what: keyof Line) => kernels.reduce((total, kernel) => total + kernel[what], 0) / steps;
  return { calls: sum("calls"), ms: sum("ms"), flops: sum("flops"), bytes: sum("bytes") };
}

const COLUMNS = [
  { title: "calls", decimals: 0 },
  { title: "ms a step", decimals: 1 },
  { title: "% of it", decimals: 1 },
  { title: "GFLOP/s", decimals: 0 },
  { title: "% of rate", decimals: 0 },
  { title: "GB/s", decimals: 1 },
  { title: "% of memory's", decimals: 0 },
];

function cellsOf({ calls, ms, flops, bytes }: Line, step: number, rates: MachineRates) {
  const perSecond = (amount: number) => 1000 * amount / ms;
  const isProduct = flops > 0;
  return [
    ...[calls, ms, 100 * ms / step],
    ...isProduct ? [perSecond(flops) / 1e9, 100 * perSecond(flops) / rates.products] : [null, null],
    ...!isProduct && bytes > 0 ? [perSecond(bytes) / 1e9, 100 * perSecond(bytes) / rates.memory] : [null, null],
  ];
}

/** Profiles steps of one size and prints two tables: kinds of work, and the dearest kernels. */
export async function benchProfile(name: string, size: BenchSize, asked: PrecisionChoice): Promise<object> {
  const products = await productRates(size.architecture.width),
    precision = await decidePrecision(asked, size.architecture.width);
  const rates = { products: products[precision], memory: await memoryRate() };
  const steps = ourSteps(size, precision);
  let threads: Awaited<ReturnType<typeof recordTrace>>, times: number[] = [];
  try {
    await steps.run(WARM_UP);
    threads = await recordTrace(async () => {
      times = await steps.run(RECORDED);
    });
  } finally {
    steps.dispose();
  }
  const { kernels, waiting, called } = profileOf(threads), step = times.reduce((a, b) => a + b) / RECORDED;
  const kinds = Map.groupBy(kernels, ({ kind }) => kind);
  const time = (ms: number): Line => ({ calls: 0, ms: ms / RECORDED, flops: 0, bytes: 0 });
  const lines: [string, Line][] = [...kinds].map(([kind, all]) => [kind, lineOf(all, RECORDED)]);
  lines.sort(([, a], [, b]) => b.ms - a.ms);
  lines.push(["no kernel runs: TensorFlow's scheduling", time(waiting)]);
  lines.push(["JavaScript, before and after the call", time(step * RECORDED - called)]);
  const flops = lineOf(kernels, RECORDED).flops, perSecond = 1000 * flops / step;
  console.log(
    `${name} in ${precision}: a step of ${size.batch} images takes ${step.toFixed(0)} ms. Its matrix products are ` +
      `${(flops / 1e9).toFixed(0)} GFLOP, so it does ${(perSecond / 1e9).toFixed(0)} GFLOP/s, ` +
      `${(100 * perSecond / rates.products).toFixed(0)} % of the ${
        (rates.products / 1e9).toFixed(0)
      } that the machine's ` +
      `products do; its memory does ${(rates.memory / 1e9).toFixed(1)} GB/s.\n`,
  );
  console.log(table(lines.map(([what, line]) => [what, ...cellsOf(line, step, rates)]), ["work", ...COLUMNS]) + "\n");
  const dearest = kernels.toSorted((a, b) => b.ms - a.ms).slice(0, DEAREST);
  const rows = dearest.map((one) => [one.kernel, one.inputs, ...cellsOf(lineOf([one], RECORDED), step, rates)]);
  console.log(table(rows, [`the ${dearest.length} dearest kernels`, "inputs", ...COLUMNS]) + "\n");
  return { precision, milliseconds: step, flops, rates, work: Object.fromEntries(lines), kernels: dearest };
}
