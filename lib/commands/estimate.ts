/**
 * `deno task estimate`: what a run needs before it is started, in memory, operations and time.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { type Cell, table } from "../figures/table.ts";
import { totalFlops } from "../jepa/flops.ts";
import {
  cpuDevice,
  type Device,
  DEVICES,
  type Estimate,
  estimateRun,
  impliedShare,
  precisionOn,
} from "../jepa/pretraining/estimate.ts";
import { PRESETS, type RunConfig } from "../jepa/pretraining/presets.ts";
import { type StepMemory, totalMemory } from "../jepa/pretraining/step_memory.ts";
import { isJepa } from "../methods/methods.ts";
import { JEPA_PHRASES } from "../methods/preset_phrases.ts";
import { readJson } from "../training/runs/run_folder.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { checkStart, configOf, nameOf, type StartFlags } from "./inputs/run_config.ts";
import { CONFIG_FLAGS } from "./inputs/config_flags.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";

const HELP = helpText(
  "deno task estimate [options]",
  `Says what a run of I-JEPA needs: parameters, memory, floating-point operations, what devices have to send, and time.
  Nothing is computed or downloaded.`,
  {
    "--preset NAME": ["one of these (default cifar10)", JEPA_PHRASES],
    "--config FILE": "a whole configuration instead of a preset, such as a run's config.json",
    "--set PATH=VALUE": "changes a part of either, as often as it is given, as for deno task pretrain",
    "--devices N": "devices that share a batch (default 1)",
    "--device NAME": "h100 | a100 | cpu: this machine's cores and memory (default cpu)",
    "--micro-batch N": "images that a device works on at once (default its share of the batch)",
    "--images N": "images of the data set (default those of the preset's, or of the data.json beside --config)",
  },
);

/** Of the peak: on a CPU as measured (README, "Beside PyTorch"), on GPUs assumed, for none has been measured. */
const SHARES = { cpu: 0.7, h100: 0.3, a100: 0.3 };

/** Images that the presets are for, by what their names begin with. */
const IMAGES: Readonly<Record<string, number>> = {
  imagenet22k: 14_197_122,
  imagenet: 1_281_167,
  scenes: 10_000,
  cifar10: 50_000,
  smoke: 50_000,
};

/** What the paper says that its ViT-H/14 took (section 7): "16 A100 GPUs in under 72 hours". */
const CLAIM = { preset: "imagenet-h14", devices: 16, device: DEVICES.a100, hours: 72 };

const number = (value: number, decimals = 0) =>
  value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const percent = (share: number) => `${number(100 * share, 1)} %`;
const gigabytes = (bytes: number) => bytes / 1e9;

function duration(seconds: number): string {
  if (seconds < 120) return `${number(seconds, seconds < 10 ? 2 : 0)} s`;
  return seconds < 7200 ? `${number(seconds / 60)} min` : `${number(seconds / 3600, seconds < 72000 ? 1 : 0)} h`;
}

const PARTS: { [Part in keyof StepMemory]: string } = {
  weights: "weights",
  average: "target encoder (moving average)",
  moments: "Adam's moments",
  gradients: "gradients",
  rounded: "weights in bfloat16",
  activations: "activations",
};

/** The table of memory and time, with a column for each way to run it. */
function plans({ kept, recomputed }: Estimate): string {
  const both = (of: (plan: Estimate["kept"]) => Cell) => [of(kept), of(recomputed)];
  const [unit, bytes] = totalMemory(kept.memory) < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const size = (value: number) => number(value / bytes, unit === "MB" ? 0 : 2);
  const rows: Cell[][] = [
    ...Object.entries(PARTS).map((
      [part, name],
    ) => [name, ...both(({ memory }) => size(memory[part as keyof StepMemory]))]),
    ["together", ...both(({ memory }) => size(totalMemory(memory)))],
    ["fits", ...both(({ fits }) => fits ? "yes" : "no")],
    ["largest micro-batch", ...both(({ largestMicroBatch }) => number(largestMicroBatch))],
    ["GFLOP an image", ...both(({ flops }) => number(flops / 1e9, flops < 1e9 ? 3 : 1))],
    ["a step", ...both(({ secondsPerStep }) => duration(secondsPerStep))],
    ["the run", ...both(({ seconds }) => duration(seconds))],
  ];
  return table(rows, [`${unit} a device, and time`, "activations kept", "recomputed"]);
}

/** All that is printed. */
export function estimateText(
  name: string,
  config: RunConfig,
  { devices, deviceName, device, images, microBatch }: {
    devices: number;
    deviceName: keyof typeof SHARES;
    device: Device;
    images: number;
    microBatch?: number;
  },
): string {
  const { batch } = config, precision = precisionOn(device, config), share = SHARES[deviceName];
  const estimate = estimateRun(config, { images, devices, device, microBatch, share });
  const { parameters, masks, reduced, steps } = estimate, { flops, drawn, longest } = masks;
  const giga = (value: number) => number(value / 1e9, value < 1e9 ? 3 : 1);
  const lines = [
    `${name} on ${devices} x ${deviceName} (${number(device.peak[precision] / 1e12, 1)} TFLOP/s in ${precision}, ` +
    `${number(gigabytes(device.memory))} GB, four fifths of them for a step): a batch of ${number(batch)}, ${
      number(batch / devices)
    } images a device, ` +
    `${number(estimate.microBatch)} at once.`,
    `Parameters: encoder ${number(parameters.encoder / 1e6, 1)} million, predictor ` +
    `${number(parameters.predictor / 1e6, 1)} million.`,
    `Masks: ${number(drawn.contextLength, 1)} context patches and ${drawn.blocks} blocks of ` +
    `${number(drawn.targetLength, 1)} on average` +
    (masks.padding > 0
      ? `; padded to at most ${longest.contextLength} and ${longest.targetLength}, ${
        percent(masks.padding)
      } more FLOPs.`
      : "."),
    `GFLOP an image: target encoder ${giga(flops.target)}, context encoder ${giga(flops.context)}, predictor ` +
    `${giga(flops.predictor)}; recomputation ${giga(flops.recomputed)} more.`,
    "",
    plans(estimate),
    "",
    `Time is for ${percent(share)} of the peak, ${
      deviceName === "cpu" ? "as measured on two cores" : "an assumption"
    }: ` +
    `${number(steps)} steps over ${number(images)} images. The preset ` +
    `${config.recompute ? "recomputes" : "keeps its activations"}.`,
  ];
  if (devices > 1) {
    lines.push(`Between devices: ${number(gigabytes(reduced), 2)} GB of gradients to add up in each step.`);
  }
  if (name === CLAIM.preset) lines.push(claim(config));
  return lines.join("\n");
}

/** What share of the peak the paper's hours imply. */
function claim(config: RunConfig): string {
  const { devices, device, hours } = CLAIM, seconds = 3600 * hours, { batch, epochs } = config;
  const images = IMAGES.imagenet * epochs, peak = device.peak.bfloat16;
  const { masks } = estimateRun(config, { images: IMAGES.imagenet, devices, device, share: 1 });
  const flops = totalFlops({ ...masks.flops, recomputed: 0 });
  const share = impliedShare(flops, { images, seconds, devices, peak });
  return `The paper: ${epochs} epochs at batch ${
    number(batch)
  } in under ${hours} h on ${devices} A100, which is at least ` +
    `${percent(share)} of their peak (${number(images / seconds)} images/s of ${number(flops / 1e9)} GFLOP).`;
}

/** The images that a run is for. */
async function imagesOf(flags: StartFlags): Promise<number> {
  if (flags.config === undefined) {
    return IMAGES[Object.keys(IMAGES).find((prefix) => nameOf(flags).startsWith(prefix))!];
  }
  const kept = await readJson(`${dirname(resolve(flags.config))}/data.json`).catch(() => undefined);
  const { length } = { ...kept as { length?: unknown } };
  if (Number.isSafeInteger(length) && length as number > 0) return length as number;
  throw new Error(`${flags.config} does not say how many images it is for: say it with --images.`);
}

/** A run's configuration, which is I-JEPA's. */
async function jepaConfigOf(flags: StartFlags): Promise<RunConfig> {
  checkStart(flags, Object.keys(PRESETS));
  const config = await configOf(flags, 1);
  if (isJepa(config)) return config;
  const names = Object.keys(PRESETS).join(", ");
  throw new Error(
    `estimate counts I-JEPA's steps alone, and ${nameOf(flags)} is a run of ${config.method}: take ${names}.`,
  );
}

const DEVICE_NAMES = ["h100", "a100", "cpu"] as const;

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "preset": { type: "string", values: Object.keys(PRESETS) },
    ...CONFIG_FLAGS,
    "devices": { type: "string" },
    "device": { type: "string", default: "cpu", values: DEVICE_NAMES },
    "micro-batch": { type: "string" },
    "images": { type: "string", values: "folder" },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const start: StartFlags = { preset: flags.preset, config: flags.config, set: flags.set };
  const config = await jepaConfigOf(start), deviceName = oneOf("device", flags.device, DEVICE_NAMES);
  const device = deviceName === "cpu"
    ? cpuDevice(navigator.hardwareConcurrency, Deno.systemMemoryInfo().total)
    : DEVICES[deviceName];
  const positive = (name: "devices" | "images" | "micro-batch") => {
    const value = numberOf(name, flags[name], { integer: true });
    if (value === 0) throw new Error(`--${name} takes a whole number from 1 on; got "${flags[name]}".`);
    return value;
  };
  const devices = positive("devices") ?? 1, images = positive("images") ?? await imagesOf(start);
  const where = { devices, deviceName, device, images, microBatch: positive("micro-batch") };
  const name = [nameOf(start), ...start.set ?? []].join(" ");
  const share = SHARES[deviceName];
  await tell({ run: name, device: deviceName, devices, images, share, ...estimateRun(config, { ...where, share }) });
  console.log(estimateText(name, config, where));
}

if (import.meta.main) await runCommand(main);
