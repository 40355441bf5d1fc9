/**
 * `deno task bench --encode`: a folder of photographs through an encoder, by `deno task encode` and by transformers in turn,
 * each a process of its own from its start to the written file.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { table } from "../../figures/table.ts";
import { PARITY_PYTHON, setUpParity } from "../parity/parity_python.ts";
import { SLOW } from "./bench_ours.ts";
import { median, middleOf, roundsInTime, spreadText } from "./bench_rounds.ts";

/** The encoders by name, as transformers configures them, with how many photographs go through, and how many at once. */
export const ENCODED = {
  "vit-b": { title: "ViT-B/16", width: 768, depth: 12, heads: 12, patch: 16, count: 128, batch: 16 },
  "vit-h": { title: "ViT-H/14", width: 1280, depth: 32, heads: 16, patch: 14, count: 24, batch: 8 },
} as const;

/** A side's way to do it. */
interface Mode {
  name: string;
  command: string;
  args(folder: string, batch: number): string[];
  /** Whether it may take very long, where the CPU has no instructions for it. */
  emulated?: boolean;
}

/** One way's results. */
export interface EncodeResult {
  mode: string;
  /** Of each round, start-up counted. */
  seconds: number[];
  img_s: number;
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const OURS: Mode = {
  name: "deno task encode",
  command: Deno.execPath(),
  args: (folder, batch) => [
    ...["run", "-q", "-P=kit", "--config", pathOf("../../../deno.json"), pathOf("../encode.ts")],
    ...["--weights", `${folder}/model`, "--images", `${folder}/images`, "--batch", `${batch}`],
    ...["--out", `${folder}/ours.npy`],
  ],
};

const PEERS: Mode[] = ["f32", "f32 compiled", "bf16", "bf16 compiled"].map((mode) => ({
  name: `transformers, ${mode}`,
  command: PARITY_PYTHON,
  args: (folder, batch) => [pathOf("bench_encode.py"), "encode", folder, mode, `${batch}`],
  emulated: mode.startsWith("bf16"),
}));

/**
 * Runs a process to its end; returns the seconds that took.
 *
 * @param limit of seconds, after which it is ended
 */
async function run(command: string, args: string[], limit = Infinity): Promise<number> {
  const start = performance.now(), env = { HF_HUB_OFFLINE: "1" }, ending = new AbortController();
  const timer = limit < Infinity ? setTimeout(() => ending.abort(), 1000 * limit) : undefined;
  const child = new Deno.Command(command, { args, env, stdout: "null", stderr: "piped", signal: ending.signal });
  const { success, stderr } = await child.output().finally(() => clearTimeout(timer));
  if (ending.signal.aborted) {
    throw new Error(`ended after ${limit.toFixed(0)} s, ${SLOW} times what the slowest before it took.`);
  }
  if (success) return (performance.now() - start) / 1000;
  throw new Error(`${command} stopped: ${new TextDecoder().decode(stderr).trim().split("\n").at(-1)}`);
}

/** Measures in turn, prints the table, and returns it. */
export async function benchEncode(
  size: keyof typeof ENCODED,
  rounds: number,
  show: (what: string) => void,
): Promise<EncodeResult[]> {
  const { title, count, batch, ...sizes } = ENCODED[size];
  await setUpParity("deno task bench --encode");
  const folder = await Deno.makeTempDir({ prefix: "ijepa_encode_" });
  const all = [OURS, ...PEERS].map((mode) => ({ mode, seconds: [] as number[], fault: "" }));
  try {
    show("photographs and random weights");
    await run(PARITY_PYTHON, [pathOf("bench_encode.py"), "make", folder, `${count}`, JSON.stringify(sizes)]);
    for (const round of roundsInTime(rounds)) {
      for (const one of all) {
        if (one.fault) continue;
        show(`round ${round}, ${one.mode.name}`);
        try {
          const limit = one.mode.emulated ? SLOW * Math.max(...all.flatMap(({ seconds }) => seconds)) : Infinity;
          one.seconds.push(await run(one.mode.command, one.mode.args(folder, batch), limit));
        } catch (error) {
          if (one.mode === OURS) throw error;
          one.fault = (error as Error).message; // also torch.compile's without a C++ compiler
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const [ours] = all, measured = all.filter(({ seconds }) => seconds.length > 0);
  const rows = measured.map(({ mode, seconds }) => {
    const ratios = seconds.map((time, i) => time / ours.seconds[i]), { ratio, spread } = middleOf(ratios);
    return [mode.name, median(seconds), count / median(seconds), ratio, spreadText(spread)];
  });
  const decimals = (title: string, decimals: number) => ({ title, decimals });
  const titles = [
    decimals("seconds", 1),
    decimals("images/s", 2),
    decimals("ours is so many times as fast", 2),
    "spread",
  ];
  console.log(table(rows, [`${count} photographs, ${title}, batches of ${batch}, start-up counted`, ...titles]));
  for (const { mode, fault } of all) if (fault) console.log(`${mode.name}: ${fault}`);
  const best = Math.min(...measured.slice(1).map(({ seconds }) => median(seconds)));
  if (Number.isFinite(best)) {
    console.log(`ours / the best of transformers: ${(best / median(ours.seconds)).toFixed(2)} times the images/s.`);
  }
  return measured.map(({ mode, seconds }) => ({ mode: mode.name, seconds, img_s: count / median(seconds) }));
}
