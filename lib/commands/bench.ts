/**
 * `deno task bench`: the training step of this project and that of PyTorch, in turn on the same machine, with ratios.
 *
 * @module
 */
import { table } from "../figures/table.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { hasGpu, tensorflowVersion } from "../tensorflow/ops/eager.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { ourPrecisions, ourSteps, SLOW, type Steps } from "./bench/bench_ours.ts";
import { benchLoader } from "./bench/bench_loader.ts";
import { type Peer, PEER_MODES, type PeerMode, setUpPeer, startPeer } from "./bench/bench_peer.ts";
import { median, middleOf, roundsInTime, spreadText, stepsOfTurn, type Timings } from "./bench/bench_rounds.ts";
import { benchCold, type ColdResult } from "./bench/bench_cold.ts";
import { benchEncode, ENCODED } from "./bench/bench_encode.ts";
import { benchProfile } from "./bench/bench_profile.ts";
import { type BenchSize, SIZES } from "./bench/bench_sizes.ts";
import { benchmarkOf } from "./bench/benchmark_of.ts";
import { benchWorkers, workersOf } from "./bench/bench_workers.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { PRECISIONS } from "./terminal/precision.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task bench [options]",
  `Times whole training steps (masks, targets, loss, gradients, AdamW, EMA) of this project and of PyTorch, in turn:
  with lightly's and timm's networks, and with plain ones, whose attention is PyTorch's fused one or written out
  ("unfused"); each as it is and through torch.compile. The first time it installs PyTorch in .venv/peer. Takes about half
  an hour on two cores.`,
  {
    "--size NAME": `${Object.keys(SIZES).join(" | ")} (default both; cifar with --workers); of --encode ${
      Object.keys(ENCODED).join(" | ")
    } (default vit-b)`,
    "--rounds N": "turns of each side (default 5, fewer where they take over 6 minutes, but at least 2; of --cold 2)",
    "--workers N": `compares N workers that share this machine's cores with one that has them all, and their sums of
      gradients with those of PyTorch's gloo, instead`,
    "--loader": `compares the reading of image files with torchvision's, in a DataLoader of as many workers as cores,
      instead; the first time it installs PyTorch and torchvision in .venv/peer-loader`,
    "--data DIR": `the images of --loader, in any folders (default pictures of 500 x 375 pixels, drawn the first time)`,
    "--encode": `encodes a folder of photographs with ViT-B/16 instead, or ViT-H/14 (--size vit-h), beside transformers;
      start-up counts`,
    "--cold":
      `times the first step of a process instead, with nothing kept from earlier ones and with what one before it
      kept, beside torch.compile's`,
    "--profile": "prints where the time of our steps goes instead, kernel by kernel",
    "--precision P":
      "what --profile's and --cold's steps compute in: float32 | bfloat16 | auto (default), the faster of both here",
  },
);

/** A mode whose first round takes so many times as long as that of its precision's fastest is not worth more rounds. */
const BEHIND = 1.15;

/** One of PyTorch's modes against ours; null is what was not measured, for which `note` says why. */
export interface BenchResult {
  size: string;
  /** PyTorch's mode. */
  mode: string;
  /** Ours: PyTorch's, or float32 where ours has no bfloat16 on this machine. */
  ours: Precision;
  ours_img_s: number;
  peer_img_s: number | null;
  /** Ours divided by PyTorch's, the median over the rounds. */
  ratio: number | null;
  /** The smallest and the largest ratio of a round. */
  spread: [number, number] | null;
  /** PyTorch's steps measured. */
  steps: number;
  note: string;
}

/** Measures one size. */
async function measure(
  name: string,
  size: BenchSize,
  rounds: number,
  show: (what: string) => void,
): Promise<BenchResult[]> {
  const precisions = await ourPrecisions(size);
  const ours = new Map<Precision, Steps>(precisions.map((precision) => [precision, ourSteps(size, precision)]));
  const ourTimes = new Map<Precision, Timings>([...ours.keys()].map((precision) => [precision, []]));
  const peer = await startPeer(size);
  const peerTimes = new Map<PeerMode, Timings>(PEER_MODES.map((mode) => [mode, []]));
  const notes = new Map<PeerMode, string>();
  try {
    const device = hasGpu() ? "cuda" : "cpu";
    if (peer.about.device !== device) {
      throw new Error(
        `PyTorch ${peer.about.torch} in .venv/peer runs on ${peer.about.device}, this project on ${device}: nothing to ` +
          "compare. Delete .venv/peer and see that pip finds the other build of PyTorch, or set IJEPA_TF.",
      );
    }
    show(`PyTorch ${peer.about.torch} on ${device}`);
    const counts = new Map<Precision, number>(); // of steps in a turn
    for (const [precision, steps] of ours) {
      show(`ours ${precision}, first steps`);
      const [, warm] = await steps.run(2); // the first one compiles
      counts.set(precision, stepsOfTurn(warm));
    }
    await warmUp(peer, peerTimes, notes, show);
    for (const round of roundsInTime(rounds)) {
      if (round === 2) leaveOutSlower(peerTimes, notes);
      for (const [precision, steps] of ours) {
        const count = counts.get(precision)!;
        show(`round ${round}, ours ${precision}`);
        ourTimes.get(precision)!.push(await steps.run(count));
        for (const mode of PEER_MODES) {
          if (notes.has(mode) || ourPrecision(mode, ours) !== precision) continue;
          show(`round ${round}, PyTorch ${mode.name}`);
          const answer = await peer.run(mode, count);
          if ("error" in answer) notes.set(mode, answer.error);
          else peerTimes.get(mode)!.push(answer.ms);
        }
      }
    }
  } finally {
    await peer.close();
    for (const steps of ours.values()) steps.dispose();
  }
  return PEER_MODES.map((mode) => {
    const precision = ourPrecision(mode, ours);
    return compare(name, size, mode, precision, ourTimes.get(precision)!, peerTimes.get(mode)!, notes.get(mode) ?? "");
  });
}

const ourPrecision = (mode: PeerMode, ours: Map<Precision, Steps>): Precision =>
  mode.precision === "bf16" && ours.has("bfloat16") ? "bfloat16" : "float32";

/** After the first round, notes which modes are not worth another. */
function leaveOutSlower(times: Map<PeerMode, Timings>, notes: Map<PeerMode, string>): void {
  for (const precision of ["f32", "bf16"]) {
    const own = PEER_MODES.filter((mode) => mode.precision === precision && !notes.has(mode));
    const fastest = Math.min(...own.map((mode) => median(times.get(mode)![0])));
    for (const mode of own) {
      const behind = median(times.get(mode)![0]) / fastest;
      if (behind > BEHIND) {
        notes.set(mode, `one round only, ${behind.toFixed(2)} times the time of the fastest ${precision}`);
      }
    }
  }
}

/** Runs PyTorch's first steps, and finds out which modes are not worth more. */
async function warmUp(
  peer: Peer,
  times: Map<PeerMode, Timings>,
  notes: Map<PeerMode, string>,
  show: (what: string) => void,
): Promise<void> {
  let f32 = Infinity;
  const slow = new Set<string>();
  for (const mode of PEER_MODES) {
    if (slow.has(mode.precision)) {
      notes.set(
        mode,
        `not run, as a step of ${mode.precision} without torch.compile took over ${SLOW} times as long as f32's`,
      );
      continue;
    }
    show(`PyTorch ${mode.name}, first step`);
    let answer = await peer.run(mode, 1);
    const isFirst = mode === PEER_MODES[0];
    if (isFirst) answer = await peer.run(mode, 1); // the first one also allocates
    if ("error" in answer) {
      notes.set(mode, answer.error);
      continue;
    }
    if (isFirst) f32 = answer.ms[0];
    if (!mode.compiled && answer.ms[0] > SLOW * f32) {
      slow.add(mode.precision);
      notes.set(mode, `one step only, as it took over ${SLOW} times as long as f32's`);
      times.get(mode)!.push(answer.ms);
    }
  }
}

/**
 * One row. A mode that was stopped by something, of which `note` tells, has fewer steps than we have rounds: it is compared
 * with each of them.
 */
export function compare(
  size: string,
  { batch }: Pick<BenchSize, "batch">,
  { name }: Pick<PeerMode, "name">,
  ours: Precision,
  ourTimes: Timings,
  peerTimes: Timings,
  note: string,
): BenchResult {
  const ourRounds = ourTimes.map(median), peerRounds = peerTimes.map(median);
  const perSecond = (rounds: number[]) => batch * 1000 / median(rounds);
  const rest = { size, mode: name, ours, ours_img_s: perSecond(ourRounds), note };
  if (peerRounds.length === 0) return { ...rest, peer_img_s: null, ratio: null, spread: null, steps: 0 };
  const ratios = note
    ? ourRounds.map((ms) => median(peerRounds) / ms)
    : peerRounds.map((ms, round) => ms / ourRounds[round]);
  return {
    ...rest,
    peer_img_s: perSecond(peerRounds),
    ...middleOf(ratios),
    steps: peerTimes.flat().length,
  };
}

/** The table of one size. */
function print(results: readonly BenchResult[]): void {
  const rows = results.map(({ size, mode, ours, ours_img_s, peer_img_s, ratio, spread, steps }) => [
    ...[size, mode, peer_img_s, ours, ours_img_s, ratio],
    spread && spreadText(spread),
    steps,
  ]);
  const columns = [
    ...["size", "PyTorch", { title: "images/s", decimals: 2 }, "ours", { title: "images/s", decimals: 2 }],
    ...[{ title: "ratio", decimals: 2 }, "spread", "steps"],
  ];
  console.log(table(rows, columns));
  for (const { size, mode, note } of results) if (note) console.log(`${size}, ${mode}: ${note}.`);
  const measured = results.filter(({ peer_img_s }) => peer_img_s !== null);
  if (measured.length === 0) return;
  const ours = Math.max(...measured.map(({ ours_img_s }) => ours_img_s));
  const peer = Math.max(...measured.map(({ peer_img_s }) => peer_img_s!));
  console.log(
    `${results[0].size}: our best mode does ${(ours / peer).toFixed(2)} times the images/s of PyTorch's best.\n`,
  );
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    size: { type: "string", values: [...Object.keys(SIZES), ...Object.keys(ENCODED)] },
    rounds: { type: "string" },
    workers: { type: "string" },
    loader: { type: "boolean", default: false },
    data: { type: "string", values: "folder" },
    encode: { type: "boolean", default: false },
    cold: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    precision: { type: "string", values: PRECISIONS },
  },
} as const;

/** The command. */
export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values } = parsed, options = Object.keys(COMMAND.options) as (keyof typeof COMMAND.options)[];
  const benchmark = benchmarkOf(options.filter((name) => values[name]));
  const sizes = Object.keys(benchmark === "encode" ? ENCODED : SIZES);
  const rounds = numberOf("rounds", values.rounds, { integer: true, least: 1 }) ?? (benchmark === "cold" ? 2 : 5);
  const size = values.size === undefined ? undefined : oneOf("size", values.size, sizes);
  const names = size !== undefined ? [size] : benchmark === "workers" ? ["cifar"] : sizes;
  const precision = oneOf("precision", values.precision ?? "auto", PRECISIONS);
  const workers = benchmark === "workers" ? workersOf(values.workers, SIZES[names[0]]) : undefined;

  const load = Deno.loadavg()[0], cores = navigator.hardwareConcurrency;
  if (load > 0.5 * cores) {
    console.error(
      `Other programs keep this machine busy (load ${load.toFixed(1)} on ${cores} cores): the figures will not hold.`,
    );
  }
  await setUpTensorFlow();
  if (benchmark === "profile") {
    const profiles: Record<string, unknown> = {};
    for (const name of names) {
      profiles[name] = await benchProfile(name, SIZES[name], precision);
      await tell(profiles);
    }
    return;
  }
  if (benchmark === "loader") return await tell(await benchLoader(values.data, rounds));
  if (benchmark === "encode") {
    const encoder = (size ?? "vit-b") as keyof typeof ENCODED;
    return await tell(await benchEncode(encoder, rounds, (what) => console.error(what)));
  }
  await setUpPeer();
  if (benchmark === "cold") {
    const results: ColdResult[] = [];
    for (const name of names) {
      results.push(...await benchCold(name, rounds, precision, (what) => console.error(`${name}: ${what}`)));
      await tell(results);
    }
    return;
  }
  if (workers !== undefined) return await tell(await benchWorkers(names[0], workers, rounds));
  console.log(`TensorFlow ${tensorflowVersion()} under this project, against PyTorch.`);
  const results: BenchResult[] = [];
  for (const name of names) {
    const measured = await measure(name, SIZES[name], rounds, (what) => console.error(`${name}: ${what}`));
    print(measured);
    results.push(...measured);
    // After each size: the next one may still fail.
    await tell(results);
  }
}

if (import.meta.main) await runCommand(main);
