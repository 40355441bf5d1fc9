/**
 * Evaluations as a table: a row for each number, a column for each subject, the paper's rows beneath.
 *
 * @module
 */
import type { EvaluationResult } from "../../evaluation/evaluate.ts";
import { type ProtocolName, PROTOCOLS } from "../../evaluation/protocols.ts";
import { type PublishedTable, TABLE_3_CIFAR100 } from "../../evaluation/published.ts";
import { table } from "../../figures/table.ts";
import { deviation, mean } from "../../statistics.ts";

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Mean over the seeds and, where there are several numbers behind it, their standard deviation. */
function cell(results: readonly EvaluationResult[]): string | null {
  if (results.length === 0) return null;
  const scores = results.map(({ score }) => score), spread = deviation(scores) ?? results[0].spread;
  return mean(scores).toFixed(1) + (spread === undefined ? "" : ` ± ${spread.toFixed(1)}`);
}

/** The results of all seeds as one table, and what each row is. */
export function evaluationTable(results: readonly EvaluationResult[]): string {
  const subjects = distinct(results.map(({ subject }) => subject));
  const rows = distinct(results.map(({ protocol, measure }) => JSON.stringify([protocol, measure]))).map((row) => {
    const [protocol, measure] = JSON.parse(row) as [string, string];
    const own = results.filter((result) => result.protocol === protocol && result.measure === measure);
    const cells = subjects.map((subject) => cell(own.filter((result) => result.subject === subject)));
    return [measure === "accuracy" ? protocol : `${protocol}, ${measure}`, ...cells];
  });
  return table(rows, ["%", ...subjects]);
}

/** What each evaluation is, and the paper's rows that it corresponds to on the data set of that name. */
export function publishedTables(protocols: readonly ProtocolName[], data: string): string {
  const titles = protocols.map((name) => `${name}: ${PROTOCOLS[name].title}.`);
  const tables = distinct(
    protocols.flatMap((name): readonly PublishedTable[] =>
      name === "transfer" && data === "cifar100" ? [TABLE_3_CIFAR100] : PROTOCOLS[name].published
    ),
  );
  const published = tables.map(({ title, measuredBy, results }) =>
    `\n${title} (the paper's; ${measuredBy})\n` +
    table(results.map(({ method, accuracy }) => [method, accuracy]), ["method", { title: "%", decimals: 1 }])
  );
  return [...titles, ...published].join("\n");
}
