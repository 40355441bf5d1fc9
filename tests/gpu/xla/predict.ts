/**
 * What XLA makes of our training step on an H100, without one: kernels, memory and a roofline. Nothing is executed on a device, so all
 * of it is prediction; the tiles of products are defaults, for nothing is tuned. Some minutes and 3 GB on two cores.
 *
 *   tests/gpu/xla/build_compiler.sh DIR                                                    once
 *   deno run -A tests/gpu/xla/predict.ts DIR ARCHITECTURE PRECISION BATCH CONTEXT TARGETS   such as DIR B/16 bfloat16 256 64 30
 */
import { readdirSync } from "node:fs";
import { table } from "../../../lib/figures/table.ts";
import { type Device, type Kernel, kernelsOf, secondsOf } from "./hlo_costs.ts";

/** NVIDIA's 990 TFLOP/s and 3.35 TB/s, at the shares of them that large kernels sustain. */
const H100: Device = { products: 800e12, memory: 3e12, launch: 2.5e-6 };
const DEAREST = 25;

const here = import.meta.dirname!;

/** The first file of a folder whose name matches. */
function fileOf(folder: string, name: RegExp): string | undefined {
  const found = readdirSync(folder).find((file) => name.test(file));
  return found && `${folder}/${found}`;
}

/** Runs a program until a file of the folder that it writes to is whole, then ends it; its output where no file came. */
async function untilFile(
  [program, ...args]: string[],
  folder: string,
  name: RegExp,
  XLA_FLAGS: string,
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const log = `${folder}.log`;
  const env = {
    XLA_FLAGS: `${XLA_FLAGS} --xla_dump_to=${folder}`,
    TF_XLA_FLAGS: "--tf_xla_persistent_cache_directory=",
  };
  const sink = await Deno.open(log, { write: true, create: true, truncate: true });
  const child = new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const copied = child.stderr.pipeTo(sink.writable);
  let ended = false, size = -1;
  const ending = child.status.then(() => ended = true);
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const file = fileOf(folder, name), now = file ? Deno.statSync(file).size : -1;
    if (now > 0 && now === size) break;
    size = now;
  }
  if (!ended) child.kill("SIGKILL");
  await Promise.all([ending, copied]);
  const file = fileOf(folder, name);
  if (file) return file;
  throw new Error(
    `${program} ended without a file like ${name.source} in ${folder}. It said:\n${
      Deno.readTextFileSync(log).slice(-2000)
    }`,
  );
}

function printKernels(kernels: readonly Kernel[]): void {
  const sum = (of: readonly Kernel[], what: (kernel: Kernel) => number) =>
    of.reduce((all, kernel) => all + what(kernel), 0);
  const ms = (of: readonly Kernel[]) => 1e3 * sum(of, (kernel) => secondsOf(kernel, H100));
  const flops = sum(kernels, ({ flops }) => flops), bytes = sum(kernels, ({ bytes }) => bytes);
  const products = kernels.filter(({ flops }) => flops > 0);
  console.log(
    `${kernels.length} kernels, ${(flops / 1e12).toFixed(3)} TFLOP of products, ${
      (bytes / 1e9).toFixed(2)
    } GB moved, ` +
      `${(flops / bytes).toFixed(0)} FLOP a byte.\nRoofline: ${ms(kernels).toFixed(2)} ms, of which products ` +
      `${ms(products).toFixed(2)} ms; ${
        kernels.filter(({ bytes }) => bytes < 2e6).length
      } kernels move less than 2 MB.`,
  );
  const groups = Object.entries(Object.groupBy(kernels, ({ kind, name, shape }) => `${name} ${shape} ${kind}`))
    .map(([name, own]) => ({ name, own: own!, ms: ms(own!) })).sort((a, b) => b.ms - a.ms).slice(0, DEAREST);
  console.log(table(
    groups.map(({ name, own, ms }) => [
      name.slice(0, 90),
      ...[own.length, ms, sum(own, ({ bytes }) => bytes) / 1e9, sum(own, ({ flops }) => flops) / 1e9],
    ]),
    [
      ...["the dearest", "kernels", { title: "ms", decimals: 2 }, { title: "GB", decimals: 2 }],
      { title: "GFLOP", decimals: 0 },
    ],
  ));
}

const [compiler, ...step] = Deno.args, scratch = await Deno.makeTempDir({ prefix: "xla_" });
try {
  const trace = ["deno", "run", "-A", "--no-check", `${here}/trace_step.ts`, ...step];
  const asked = "--xla_dump_hlo_as_proto --xla_dump_hlo_as_text=false";
  const module = await untilFile(trace, `${scratch}/asked`, /training_step.*before_optimizations.*\.pb$/, asked);
  const target = [
    `--xla_gpu_target_config_filename=${here}/h100.txtpb --xla_gpu_cuda_data_dir=${compiler}/nvidia/cuda_nvcc`,
    "--xla_disable_hlo_passes=tree_reduction_rewriter --xla_dump_hlo_as_text",
  ].join(" ");
  const report = await untilFile(
    [`${compiler}/compile_for_gpu`, module],
    ...[`${scratch}/made`, /memory-usage-report\.txt$/, target] as const,
  );
  console.log(
    Deno.readTextFileSync(report).split("\n").filter((line, i) => i === 0 || /preallocated-temp/.test(line)).join("\n"),
  );
  printKernels(kernelsOf(Deno.readTextFileSync(fileOf(`${scratch}/made`, /after_optimizations\.txt$/)!)));
} finally {
  await Deno.remove(scratch, { recursive: true });
}
