/**
 * Figures 1 and 5 of the paper: accuracy against the compute of the pretraining, for several methods.
 *
 * @module
 */
import type { Figure } from "../figures/figure.ts";
import { type ChartLine, lineChart } from "../figures/curves/line_chart.ts";
import { flopsPerImage } from "../methods/flops.ts";
import { type MethodConfig, preset } from "../methods/methods.ts";
import { readRun } from "../training/runs/read_run.ts";
import { evaluated } from "./ablation_plan.ts";
import { readScore } from "./read_evaluation.ts";
import { deviation, mean } from "../statistics.ts";
import { FOLDER, type Plan, type Step } from "./step.ts";

/** A figure of accuracies over lengths of training. */
export interface ComputeFigure {
  /** Which of the kinds of items it is. */
  kind: "compute";
  /** What it shows. */
  title: string;
  /** What the paper concludes. */
  claim: string;
  /** The protocol whose accuracy is drawn. */
  protocol: "linear-fast" | "lowshot";
}

/** By name. */
export const COMPUTE_FIGURES = {
  figure1: {
    kind: "compute",
    title: "Linear evaluation against GPU hours",
    claim: "I-JEPA needs fewer GPU hours than other methods for the same accuracy.",
    protocol: "linear-fast",
  },
  figure5: {
    kind: "compute",
    title: "1 % of the labels against GPU hours",
    claim: "I-JEPA needs fewer GPU hours than other methods for the same accuracy with few labels.",
    protocol: "lowshot",
  },
} as const satisfies Record<string, ComputeFigure>;

/** Small presets of one encoder, and their names in the figure. */
const METHODS = {
  "cifar10": "I-JEPA, regularised",
  "cifar10-ablations": "I-JEPA",
  "mae-cifar10": "MAE",
  "data2vec-cifar10": "data2vec 2.0",
  "lejepa-cifar10": "LeJEPA",
  "vicreg-cifar10": "VICReg",
} as const;

/** Passes over the images, a run each. */
const EPOCHS = [0.5, 1, 2];

const folder = (name: string, epochs: number, seed: number) => `${FOLDER}/small/compute/${name}-${epochs}/seed-${seed}`;

/** A pretraining and an evaluation for each method, length and seed; both figures share them. */
export function planCompute(seeds: number): Plan {
  const steps: Step[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const name of Object.keys(METHODS)) {
      for (const epochs of EPOCHS) {
        const trains = folder(name, epochs, seed);
        steps.push({
          task: "pretrain",
          args: [
            ...["--preset", name, "--epochs", `${epochs}`, "--seed", `${seed}`, "--out", trains],
            ...["--no-eval", "--monitor", "0"],
          ],
          makes: `${trains}/encoder.safetensors`,
          trains,
          config: { ...preset(name), epochs, seed },
        }, evaluated(trains, "encoder", seed, `${trains}/evaluation.json`));
      }
    }
  }
  return { steps, missing: [] };
}

/** One method at one length. */
export interface ComputeRow {
  /** As the figure names it. */
  method: string;
  /** Passes over the images. */
  epochs: number;
  /** FLOPs of the training, by flopsPerImage(). */
  flops: number;
  /** Seconds of the training, of each seed. */
  seconds: number[];
  /** In percent, of each seed. */
  scores: number[];
}

/** The middle one, or the lower of two. */
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];

/**
 * FLOPs and seconds of a run in its folder. Seconds are its steps' median times their number, for the first after each start
 * is compiled, too.
 *
 * @throws Error where it holds no run, or one without a step
 */
export async function costOfRun(dir: string): Promise<{ flops: number; seconds: number }> {
  const { config, log } = await readRun(dir), run = config as MethodConfig;
  if (log.length === 0) throw new Error(`${dir}/log.jsonl has no step: delete ${dir}, and it is trained again.`);
  return {
    flops: log.length * run.batch * flopsPerImage(run),
    seconds: log.length * median(log.map(({ seconds }) => seconds as number)),
  };
}

/** What the plan's commands came to. */
export async function computeOutcome({ protocol }: ComputeFigure, seeds: number): Promise<ComputeRow[]> {
  const rows: ComputeRow[] = [];
  for (const [name, method] of Object.entries(METHODS)) {
    for (const epochs of EPOCHS) {
      const row: ComputeRow = { method, epochs, flops: 0, seconds: [], scores: [] };
      for (let seed = 0; seed < seeds; seed++) {
        const dir = folder(name, epochs, seed), score = await readScore(`${dir}/evaluation.json`, protocol);
        const { flops, seconds } = await costOfRun(dir);
        row.flops = flops; // no seed changes it
        row.seconds.push(seconds);
        row.scores.push(score);
      }
      rows.push(row);
    }
  }
  return rows;
}

/** What the figure's two charts have on their x axes. */
const AXES = {
  flops: { x: "pretraining, TFLOP of matrix products", of: ({ flops }: ComputeRow) => flops / 1e12 },
  seconds: { x: "pretraining, seconds on this machine", of: ({ seconds }: ComputeRow) => mean(seconds) },
};

/** A line for each method over what its pretraining took. */
export function computeFigure(
  rows: readonly ComputeRow[],
  { protocol }: Pick<ComputeFigure, "protocol">,
  over: keyof typeof AXES,
): Figure {
  const { x, of } = AXES[over];
  const lines: ChartLine[] = Array.from(Map.groupBy(rows, ({ method }) => method), ([name, own]) => ({
    name,
    x: own.map((row) => Number(of(row).toPrecision(3))),
    y: own.map(({ scores }) => mean(scores)),
    deviations: own.map(({ scores }) => deviation(scores)),
  }));
  return lineChart(lines, { title: `CIFAR-10, ${protocol}, %`, x, logarithmic: true, size: [760, 420] });
}
