/**
 * What an ablation's runs came to: a row for each setting beside the paper's number, and whether the seeds agree.
 *
 * @module
 */
import { ablationsFigure } from "../figures/curves/ablations_figure.ts";
import type { Figure } from "../figures/figure.ts";
import type { Cell, Column } from "../figures/table.ts";
import type { AblationTable } from "./ablations.ts";
import { type AblationOptions, BASELINES, evaluationFile, settingsOf, SMALL_PROTOCOLS } from "./ablation_plan.ts";
import { readScore } from "./read_evaluation.ts";
import { deviation, mean } from "../statistics.ts";

/** Percents by protocol, one for each seed. */
export type Scores = Record<string, number[]>;

/** One setting. */
export interface AblationRow {
  /** As the table names it. */
  setting: string;
  /** The paper's, in percent; null where it has none. */
  published: number | null;
  /** Measured here. */
  scores: Scores;
}

/** A whole table. */
export interface AblationOutcome {
  /** What it varies. */
  title: string;
  /** What the paper concludes. */
  claim: string;
  /** Where its runs were trained. */
  scale: "small" | "paper";
  /** How the paper measured, and what the first of the protocols here is held against. */
  measuredBy: string;
  /** Seeds that all rows have. */
  seeds: number;
  /** Protocols of the columns; the first is the paper's. */
  protocols: string[];
  /** A row for each setting. */
  rows: AblationRow[];
  /** The paper's settings, some of which may not be among the rows, with its numbers in percent. */
  paper: { setting: string; published: number }[];
  /** Random weights and pixels; none at the paper's scale. */
  baselines: { name: string; scores: Scores }[];
}

async function scoresOf(files: readonly string[], protocols: readonly string[]): Promise<Scores> {
  const scores: Scores = {};
  for (const protocol of protocols) {
    scores[protocol] = await Promise.all(files.map((file) => readScore(file, protocol)));
  }
  return scores;
}

/**
 * Reads what the plan's commands wrote.
 *
 * @throws Error that names a file which is missing, damaged, or holds another evaluation
 */
export async function ablationOutcome(table: AblationTable, options: AblationOptions): Promise<AblationOutcome> {
  const { scale } = options, seeds = Array.from({ length: options.seeds }, (_, seed) => seed);
  const protocols = scale === "small" ? [...SMALL_PROTOCOLS] : [table.paper.protocol];
  const files = (run: string, of: readonly number[] = seeds) => of.map((seed) => evaluationFile(scale, run, seed));
  const rows: AblationRow[] = [];
  for (const { name, run, published = null } of settingsOf(table, scale)) {
    rows.push({ setting: name, published, scores: await scoresOf(files(run), protocols) });
  }
  const baselines = scale === "paper" ? [] : [
    { name: "random weights", scores: await scoresOf(files(BASELINES["random weights"]), protocols) },
    { name: "raw pixels", scores: await scoresOf(files(BASELINES["raw pixels"], [0]), protocols) },
  ];
  const { title, claim, source: { measuredBy } } = table;
  const paper = table.paper.settings.map(({ name, published }) => ({ setting: name, published: published! }));
  return { title, claim, scale, measuredBy, seeds: seeds.length, protocols, rows, paper, baselines };
}

/** The table's columns and rows: mean and deviation over the seeds of each protocol; the paper's settings last that are not here. */
export function ablationCells(
  { protocols, rows, paper, baselines }: AblationOutcome,
): { columns: Column[]; cells: Cell[][] } {
  const one = (title: string) => ({ title, decimals: 1 });
  const columns = ["setting", one("paper, %"), ...protocols.flatMap((name) => [one(`${name}, %`), one("±")])];
  const numbers = (scores: Scores) => protocols.flatMap((name) => [mean(scores[name]), deviation(scores[name])]);
  const others = paper.filter(({ published }) => !rows.some((row) => row.published === published));
  const nothing = protocols.flatMap(() => [null, null]);
  return {
    columns,
    cells: [
      ...rows.map(({ setting, published, scores }) => [setting, published, ...numbers(scores)]),
      ...baselines.map(({ name, scores }) => [name, null, ...numbers(scores)]),
      ...others.map(({ setting, published }) => [`the paper's ${setting}`, published, ...nothing]),
    ],
  };
}

/** Names of the settings from the best to the worst in one seed. */
function orderOf(rows: readonly AblationRow[], protocol: string, seed: number): string[] {
  return [...rows].sort((a, b) => b.scores[protocol][seed] - a.scores[protocol][seed]).map(({ setting }) => setting);
}

/** Which setting is best in the paper and in each seed here, in sentences: one for each protocol. */
export function verdicts({ protocols, rows, paper, seeds }: AblationOutcome): string[] {
  const top = paper.reduce((a, b) => b.published > a.published ? b : a);
  const here = rows.find(({ published }) => published === top.published), best = here?.setting ?? top.setting;
  return protocols.map((protocol) => {
    const orders = Array.from({ length: seeds }, (_, seed) => orderOf(rows, protocol, seed));
    const agree = new Set(orders.map((order) => order.join(" > "))).size === 1;
    const bests = orders.filter(([first]) => first === best).length;
    const order = agree
      ? `${seeds === 1 ? "The one seed has" : `All ${seeds} seeds have`} the order ${orders[0].join(" > ")}.`
      : `The seeds do not agree on an order: ${orders.map((names) => names.join(" > ")).join("; ")}.`;
    const found = here ? `is best in ${bests} of ${seeds}` : "is none of the settings here";
    return `${protocol}: the paper's best, ${best}, ${found}. ${order}`;
  });
}

/** The paper's numbers beside those of its protocol here, each seed a circle. */
export function ablationFigure(outcome: AblationOutcome, kinds: boolean): Figure {
  const { title, rows, paper, protocols: [protocol], baselines, scale } = outcome;
  const random = baselines.find(({ name }) => name === "random weights");
  return ablationsFigure([{
    title: `<b>${title}</b>`,
    kinds,
    published: { settings: paper.map(({ setting }) => setting), values: paper.map(({ published }) => published) },
    measured: { settings: rows.map(({ setting }) => setting), values: rows.map(({ scores }) => scores[protocol]) },
  }], {
    published: "The paper, %",
    measured: scale === "small" ? `Here: CIFAR-10, ${protocol}, %` : `Here: ImageNet, ${protocol}, %`,
    ...random ? { baseline: { name: "random weights", value: mean(random.scores[protocol]) } } : {},
  });
}
