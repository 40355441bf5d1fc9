/**
 * Figures 1 and 5 of the paper: accuracy against the compute of the pretraining, for several methods.
 *
 * @module
 */
import type { Figure } from "../figures/figure.ts";
import { type ChartLine, lineChart } from "../figures/line_chart.ts";
import { preset } from "../methods/methods.ts";
import { SMALL_LABELS } from "./ablation_plan.ts";
import { readEvaluation } from "./read_evaluation.ts";
import { deviation, mean } from "./statistics.ts";
import { FOLDER, type Plan, type Step } from "./step.ts";

/** A figure of accuracies over lengths of training. */
export interface ComputeFigure {
  kind: "compute";
  title: string;
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
        const trains = folder(name, epochs, seed), makes = `${trains}/evaluation.json`;
        steps.push({
          task: "pretrain",
          args: [
            ...["--preset", name, "--epochs", `${epochs}`, "--seed", `${seed}`, "--out", trains],
            ...["--no-eval", "--monitor", "0"],
          ],
          makes: `${trains}/encoder.safetensors`,
          trains,
          cost: `${preset(name).epochs === epochs ? "the preset" : `${epochs} epochs of the preset`}`,
        }, {
          task: "evaluate",
          args: [
            ...["--weights", trains, "--subjects", "encoder", "--protocol", "lowshot,linear-fast,knn"],
            ...["--per-class", `${SMALL_LABELS}`, "--seed", `${seed}`, "--json", makes],
          ],
          makes,
          cost: "a minute",
        });
      }
    }
  }
  return { steps, missing: [] };
}

/** One method at one length. */
export interface ComputeRow {
  method: string;
  epochs: number;
  /** Seconds of the training's steps, of each seed. */
  seconds: number[];
  /** In percent, of each seed. */
  scores: number[];
}

async function secondsOfRun(dir: string): Promise<number> {
  const lines = (await Deno.readTextFile(`${dir}/log.jsonl`)).trim().split("\n");
  return lines.reduce((sum, line) => sum + JSON.parse(line).seconds, 0);
}

/** What the plan's commands came to. */
export async function computeOutcome({ protocol }: ComputeFigure, seeds: number): Promise<ComputeRow[]> {
  const rows: ComputeRow[] = [];
  for (const [name, method] of Object.entries(METHODS)) {
    for (const epochs of EPOCHS) {
      const row: ComputeRow = { method, epochs, seconds: [], scores: [] };
      for (let seed = 0; seed < seeds; seed++) {
        const dir = folder(name, epochs, seed), file = `${dir}/evaluation.json`;
        const found = (await readEvaluation(file)).find((result) => result.protocol === protocol);
        if (!found) throw new Error(`${file} has no ${protocol}: delete it, and it is made again.`);
        row.seconds.push(await secondsOfRun(dir));
        row.scores.push(found.score);
      }
      rows.push(row);
    }
  }
  return rows;
}

/** A line for each method over seconds. */
export function computeFigure(rows: readonly ComputeRow[], { protocol }: ComputeFigure): Figure {
  const lines: ChartLine[] = Array.from(Map.groupBy(rows, ({ method }) => method), ([name, own]) => ({
    name,
    x: own.map(({ seconds }) => Math.round(mean(seconds))),
    y: own.map(({ scores }) => mean(scores)),
    deviations: own.map(({ scores }) => deviation(scores)),
  }));
  return lineChart(lines, {
    title: `CIFAR-10, ${protocol}, %`,
    x: "seconds of pretraining on this machine",
    logarithmic: true,
    size: [760, 420],
  });
}
