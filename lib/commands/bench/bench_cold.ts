/**
 * `deno task bench --cold`: the first step of a process, with nothing kept from earlier ones and with what the one before kept,
 * beside PyTorch's under torch.compile. As a program: our process.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { table } from "../../figures/table.ts";
import type { Precision, PrecisionChoice } from "../../tensorflow/autocast.ts";
import { locateTensorFlow } from "../../tensorflow/libraries/locate.ts";
import { decidePrecision } from "../../tensorflow/product_rates.ts";
import { runCommand } from "../terminal/run_command.ts";
import { ourSteps } from "./bench_ours.ts";
import { PEER_MODES, type PeerMode, startPeer } from "./bench_peer.ts";
import { startProcess } from "./bench_process.ts";
import { median } from "./bench_rounds.ts";
import { type BenchSize, SIZES } from "./bench_sizes.ts";

/** Steps of a process: the first one, and those that say what a step takes. */
const STEPS = 4;

/** One side's first step, in seconds by round. */
export interface ColdResult {
  size: string;
  who: string;
  /** Whether an earlier process had kept its compilations. */
  kept: boolean;
  /** The first step. */
  first: number[];
  /** A later step, the median. */
  step: number[];
}

const HERE = fileURLToPath(import.meta.url), CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** Deno's own cache, which stays where it is when the kit's is another. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

async function ourMilliseconds(name: string, precision: Precision, cache: string): Promise<number[]> {
  const args = ["run", "-q", "-A", "--no-check", "--config", CONFIG, HERE, name, precision];
  const env = { XDG_CACHE_HOME: cache, DENO_DIR: await denoDir(), TF_DIR: locateTensorFlow().dir };
  const process = startProcess("This project's side", Deno.execPath(), args, {
    ...env,
    XLA_FLAGS: "",
    TF_XLA_FLAGS: "",
  });
  try {
    return await process.answer<number[]>();
  } finally {
    await process.close();
  }
}

async function theirMilliseconds(size: BenchSize, mode: PeerMode, cache: string): Promise<number[]> {
  const peer = await startPeer(size, { TORCHINDUCTOR_CACHE_DIR: cache });
  try {
    const answer = await peer.run(mode, STEPS);
    if ("error" in answer) throw new Error(`PyTorch's ${mode.name}: ${answer.error}`);
    return answer.ms;
  } finally {
    await peer.close();
  }
}

/** Measures one size in turn, prints its table, and returns it. */
export async function benchCold(
  name: string,
  rounds: number,
  choice: PrecisionChoice,
  show: (what: string) => void,
): Promise<ColdResult[]> {
  const size = SIZES[name], precision = await decidePrecision(choice, size.architecture.width);
  const theirs = precision === "bfloat16" ? "bf16" : "f32";
  const mode = PEER_MODES.find(({ name }) => name === `plain ${theirs} compiled`)!;
  const sides = [
    { who: `ours, ${precision}`, run: (cache: string) => ourMilliseconds(name, precision, cache) },
    { who: `PyTorch, ${mode.name}`, run: (cache: string) => theirMilliseconds(size, mode, cache) },
  ];
  const results: ColdResult[] = sides.flatMap(({ who }) =>
    [false, true].map((kept) => ({ size: name, who, kept, first: [], step: [] }))
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { who, run } of sides) {
      const cache = await Deno.makeTempDir({ prefix: "ijepa_cold_" });
      try {
        for (const kept of [false, true]) {
          show(`round ${round}, ${who}, ${kept ? "second" : "first"} process`);
          const [first, ...rest] = (await run(cache)).map((ms) => ms / 1000);
          const result = results.find((one) => one.who === who && one.kept === kept)!;
          result.first.push(first);
          result.step.push(median(rest));
        }
      } finally {
        await Deno.remove(cache, { recursive: true });
      }
    }
  }
  const rows = results.map(({ who, kept, first, step }) => [
    ...[who, kept ? "what the first one kept" : "nothing", median(first), Math.min(...first), Math.max(...first)],
    median(step),
  ]);
  const seconds = (title: string) => ({ title, decimals: 2 });
  const titles = ["first step, s", "least", "most", "a later step, s"].map(seconds);
  console.log(table(rows, [`${name}: a process that finds`, "", ...titles]));
  return results;
}

if (import.meta.main) {
  await runCommand(async () => {
    const [name, precision] = Deno.args, steps = ourSteps(SIZES[name], precision as Precision);
    console.log(JSON.stringify(await steps.run(STEPS)));
    steps.dispose();
  });
}
