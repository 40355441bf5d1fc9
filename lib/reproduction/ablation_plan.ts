/**
 * The commands that an ablation takes: a pretraining for each setting and seed, which tables share, and its evaluation.
 *
 * @module
 */
import { preset } from "../jepa/pretraining/presets.ts";
import type { AblationSetting, AblationTable } from "./ablations.ts";
import {
  changed,
  type Changes,
  FOLDER,
  type Missing,
  missingData,
  type Plan,
  setArguments,
  type Step,
} from "./step.ts";

/** The small runs' preset, which says what was measured to choose it. */
export const SMALL_PRESET = "cifar10-ablations";

/** Labels a class that the small runs' probe is fitted to: 1 % of CIFAR-10's, as the paper has 1 % of ImageNet's. */
const SMALL_LABELS = 50;

/** How the small runs are evaluated; the first is the paper's. */
export const SMALL_PROTOCOLS = ["lowshot", "linear-fast", "knn"] as const;

/** What a plan depends on. */
export interface AblationOptions {
  scale: "small" | "paper";
  seeds: number;
  /** ImageNet, for the paper's scale. */
  data?: string;
  /** The list of labelled images, SimCLR's 1percent.txt, for the paper's scale. */
  subset?: string;
}

/** A run's folder. */
export const runFolder = (scale: "small" | "paper", run: string, seed: number): string =>
  `${FOLDER}/${scale}/${run}/seed-${seed}`;

/** The file of a run's evaluation. */
export const evaluationFile = (scale: "small" | "paper", run: string, seed: number): string =>
  `${runFolder(scale, run, seed)}/evaluation.json`;

/** What small runs are compared with: a run of this name has the random weights of a seed, or the pixels. */
export const BASELINES = { "random weights": "random-weights", "raw pixels": "raw-pixels" } as const;

function trained(presetName: string, changes: Changes, scale: "small" | "paper", run: string, seed: number): Step {
  const trains = runFolder(scale, run, seed);
  return {
    task: "pretrain",
    args: [
      ...["--preset", presetName, ...setArguments(changes), "--seed", `${seed}`, "--out", trains],
      ...["--no-eval", "--monitor", "0"],
    ],
    makes: `${trains}/encoder.safetensors`,
    trains,
    onlyFor: evaluationFile(scale, run, seed),
    config: { ...changed(preset(presetName), changes), seed },
  };
}

/** A small run's evaluation of one subject, into a file. */
export function evaluated(weights: string, subject: string, seed: number, makes: string): Step {
  return {
    task: "evaluate",
    args: [
      ...["--weights", weights, "--subjects", subject, "--protocol", SMALL_PROTOCOLS.join(",")],
      ...["--per-class", `${SMALL_LABELS}`, "--seed", `${seed}`, "--json", makes],
    ],
    makes,
    cost: "a minute",
  };
}

function smallSteps(table: AblationTable, seeds: number): Step[] {
  const steps: Step[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const { run, set } of table.small) {
      steps.push(trained(SMALL_PRESET, set, "small", run, seed));
      steps.push(evaluated(runFolder("small", run, seed), "encoder", seed, evaluationFile("small", run, seed)));
    }
    const weights = runFolder("small", table.small[0].run, seed); // for its sizes
    steps.push(evaluated(weights, "random", seed, evaluationFile("small", BASELINES["random weights"], seed)));
  }
  const weights = runFolder("small", table.small[0].run, 0);
  steps.push(evaluated(weights, "pixels", 0, evaluationFile("small", BASELINES["raw pixels"], 0)));
  return steps;
}

function paperSteps(
  { paper }: AblationTable,
  { seeds, data = "IN", subset = "1percent.txt" }: AblationOptions,
): Step[] {
  const steps: Step[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const { run, set } of paper.settings) {
      const train = trained(paper.preset, { ...paper.base, ...set }, "paper", run, seed);
      const makes = evaluationFile("paper", run, seed);
      steps.push({ ...train, args: [...train.args, "--data", data] }, {
        task: "evaluate",
        args: [
          ...["--weights", train.trains!, "--subjects", "encoder", "--protocol", paper.protocol],
          ...["--data", data, "--subset", subset, "--seed", `${seed}`, "--json", makes],
        ],
        makes,
        cost: paper.protocol === "lowshot" ? "a pass over 12,811 and 50,000 images" : "50 epochs of 12,811 images",
      });
    }
  }
  return steps;
}

/** What an ablation takes at a scale. */
export function planAblation(table: AblationTable, options: AblationOptions): Plan {
  if (options.scale === "small") return { steps: smallSteps(table, options.seeds), missing: [] };
  const missing: Missing = [
    ...missingData(options.data),
    ...options.subset === undefined ? [{ option: "subset", what: "SimCLR's list of 1 % of the labels" }] : [],
  ];
  return { steps: paperSteps(table, options), missing };
}

/** The settings of a table at a scale. */
export const settingsOf = (table: AblationTable, scale: "small" | "paper"): readonly AblationSetting[] =>
  scale === "small" ? table.small : table.paper.settings;
