/**
 * What is written when all commands of a table or figure are done: numbers beside the paper's as text and JSON, and a
 * figure.
 *
 * @module
 */
import type { Figure } from "../figures/figure.ts";
import { saveFigure } from "../figures/save.ts";
import { type Cell, type Column, markdownTable, table } from "../figures/table.ts";
import { makeFolder, writeFile } from "../write_file.ts";
import { ablationCells, ablationFigure, ablationOutcome, verdicts } from "./ablation_outcome.ts";
import type { Item } from "./catalogue.ts";
import { computeFigure, computeOutcome } from "./compute.ts";
import { evaluationCells, evaluationOutcome } from "./evaluation_outcome.ts";
import type { EvaluationOptions } from "./evaluation_tables.ts";
import { deviation, mean } from "../statistics.ts";
import { FOLDER, type Plan } from "./step.ts";

/** A table or figure's results, before they are written. */
interface Results {
  columns: Column[];
  cells: Cell[][];
  sentences: string[];
  outcome: unknown;
  /** By what stands after the name in their files' names. */
  figures?: Readonly<Record<string, Figure>>;
}

const one = (title: string) => ({ title, decimals: 1 });

async function resultsOf(name: string, item: Item, options: EvaluationOptions): Promise<Results | undefined> {
  switch (item.kind) {
    case "ablation": {
      const outcome = await ablationOutcome(item, options), { columns, cells } = ablationCells(outcome);
      const figure = ablationFigure(outcome, item.kinds);
      return {
        columns,
        cells,
        sentences: [...verdicts(outcome), `The paper: ${item.source.measuredBy}.`],
        outcome,
        figures: { "": figure },
      };
    }
    case "evaluation": {
      const outcome = await evaluationOutcome(name, item, options), { columns, cells } = evaluationCells(outcome);
      const sentences = options.scale === "small" && item.small ? [`Small scale: ${item.small.note}.`] : [];
      return { columns, cells, sentences, outcome };
    }
    case "compute": {
      const outcome = await computeOutcome(item, options.seeds);
      return {
        columns: ["method", "epochs", one("TFLOP"), one("seconds"), one(`${item.protocol}, %`), one("±")],
        cells: outcome.map(({ method, epochs, flops, seconds, scores }) => [
          ...[method, epochs, flops / 1e12, mean(seconds), mean(scores), deviation(scores)],
        ]),
        sentences: [],
        outcome,
        figures: { "": computeFigure(outcome, item, "flops"), "-seconds": computeFigure(outcome, item, "seconds") },
      };
    }
    case "figure":
      return undefined;
  }
}

/**
 * Reads what the commands of a plan made and writes weights/reproduce/SCALE/NAME.md, .json and the figure's files.
 *
 * @returns the text for a terminal, and the files
 * @throws Error that names a file which is missing or damaged
 */
export async function report(
  name: string,
  item: Item,
  options: EvaluationOptions,
  { steps }: Plan,
): Promise<{ text: string; files: string[] }> {
  const { scale, seeds } = options, path = `${FOLDER}/${scale}/${name}`, last = steps.at(-1)!;
  const results = await resultsOf(name, item, options);
  if (!results) return { text: `${item.title}: ${item.claim}`, files: [last.picture ?? last.makes] };
  const { columns, cells, sentences, outcome, figures = {} } = results;
  const heading = `${name}, ${scale} scale, ${seeds} seed${seeds === 1 ? "" : "s"}: ${item.title}`;
  await makeFolder(`${FOLDER}/${scale}`);
  const markdown = [`# ${heading}`, item.claim, markdownTable(cells, columns), ...sentences].join("\n\n");
  await writeFile(`${path}.md`, markdown + "\n");
  await writeFile(`${path}.json`, JSON.stringify({ name, scale, seeds, outcome }, null, 2) + "\n");
  const drawn: string[] = [];
  for (const [suffix, figure] of Object.entries(figures)) drawn.push(...await saveFigure(figure, path + suffix));
  const text = [heading, item.claim, "", table(cells, columns), "", ...sentences].join("\n");
  return { text, files: [`${path}.md`, `${path}.json`, ...drawn] };
}
