/**
 * What evaluations came to, beside the paper's numbers.
 *
 * @module
 */
import type { EvaluationResult } from "../evaluation/evaluate.ts";
import type { Cell, Column } from "../figures/table.ts";
import { readEvaluation } from "./read_evaluation.ts";
import { evaluatedWeights, type EvaluationOptions, type EvaluationTable } from "./evaluation_tables.ts";
import { deviation, mean } from "../statistics.ts";

/** One number. */
export interface EvaluationRow {
  /** The evaluated file or folder. */
  weights: string;
  /** The paper's table, or a column of it. */
  table: string;
  /** What was measured, with its protocol. */
  measure: string;
  /** The encoder, random weights or pixels. */
  subject: string;
  /** In percent, one for each seed. */
  scores: number[];
  /** The paper's for the same method; null where it has none. */
  published: number | null;
  /** The paper's best I-JEPA, to have something to look at. */
  best: { method: string; accuracy: number };
}

/** The rows that the plan's commands wrote. */
export async function evaluationOutcome(
  name: string,
  table: EvaluationTable,
  options: EvaluationOptions,
): Promise<EvaluationRow[]> {
  const rows: EvaluationRow[] = [];
  for (const { weights, method, files } of evaluatedWeights(name, table, options)) {
    for (const { evaluation: { published }, file } of files) {
      const groups = Map.groupBy(
        await readEvaluation(file),
        ({ measure, subject }: EvaluationResult) => JSON.stringify([measure, subject]),
      );
      const own = published.results.filter((result) => result.method.startsWith("I-JEPA"));
      for (const results of groups.values()) {
        const [{ protocol, measure, subject }] = results;
        rows.push({
          ...{ weights, table: published.title, measure: `${protocol}, ${measure}`, subject },
          scores: results.map(({ score }) => score),
          published: subject.startsWith("encoder")
            ? published.results.find((result) => result.method === method)?.accuracy ?? null
            : null,
          best: own.reduce((a, b) => b.accuracy > a.accuracy ? b : a),
        });
      }
    }
  }
  return rows;
}

/** Columns and cells of the table. */
export function evaluationCells(rows: readonly EvaluationRow[]): { columns: Column[]; cells: Cell[][] } {
  const one = (title: string) => ({ title, decimals: 1 });
  return {
    columns: [
      "weights",
      "table",
      "measure",
      "subject",
      one("%"),
      one("±"),
      one("paper, same"),
      one("paper, best I-JEPA"),
    ],
    cells: rows.map(({ weights, table, measure, subject, scores, published, best }) => [
      ...[weights, table.split(":")[0], measure, subject, mean(scores), deviation(scores), published, best.accuracy],
    ]),
  };
}
