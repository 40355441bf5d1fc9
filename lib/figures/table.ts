/**
 * Plain-text tables for the end of a run.
 *
 * @module
 */

/** null is what is not known, or was not measured. */
export type Cell = string | number | null;

/** A column's title, and how many decimals its numbers have; without them, numbers are shown as they are. */
export type Column = string | { title: string; decimals: number };

/** What a table is printed to; `width` in characters, Infinity where nothing limits it. */
export interface TableOutput {
  width: number;
  bold: boolean;
}

/** The terminal on standard output; a file or a pipe has no width and no bold, and NO_COLOR takes the bold away. */
function standardOutput(): TableOutput {
  if (!Deno.stdout.isTerminal()) return { width: Infinity, bold: false };
  return { width: Deno.consoleSize().columns, bold: !Deno.noColor };
}

/**
 * Rows of cells under their titles: texts to the left, numbers to the right, nulls as a dash. On a terminal too narrow
 * for the table each row becomes a block with a line for each cell, so that nothing is cut.
 *
 * @throws {RangeError} when a row has not as many cells as there are columns.
 */
export function table(
  rows: readonly (readonly Cell[])[],
  columns: readonly Column[],
  output: TableOutput = standardOutput(),
): string {
  const titles = columns.map((column) => typeof column === "string" ? column : column.title);
  const texts = rows.map((row, r) => {
    checkRow(row, r, columns);
    return row.map((cell, c) => cellText(cell, columns[c]));
  });
  const isNumber = columns.map((_, c) =>
    rows.some((row) => typeof row[c] === "number") && rows.every((row) => typeof row[c] !== "string")
  );
  const bold = (text: string) => output.bold ? `\x1b[1m${text}\x1b[22m` : text;
  const line = (cells: string[], widths: number[]) =>
    cells.map((cell, c) => isNumber[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c])).join("  ").trimEnd();

  const widths = titles.map((title, c) => Math.max(title.length, ...texts.map((row) => row[c].length)));
  if (widths.reduce((sum, width) => sum + width + 2, -2) <= output.width) {
    const rule = widths.map((width) => "─".repeat(width)).join("  ");
    return [bold(line(titles, widths)), rule, ...texts.map((row) => line(row, widths))].join("\n");
  }
  const longest = Math.max(...titles.map((title) => title.length));
  return texts
    .map((row) => row.map((cell, c) => `${bold(titles[c].padEnd(longest))}  ${cell}`).join("\n"))
    .join("\n\n");
}

/**
 * The same as a table in Markdown, for notebooks. A row of it is one line: line breaks within cells become spaces.
 *
 * @throws {RangeError} when a row has not as many cells as there are columns.
 */
export function markdownTable(rows: readonly (readonly Cell[])[], columns: readonly Column[]): string {
  const titles = columns.map((column) => typeof column === "string" ? column : column.title);
  const numeric = columns.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] !== "string"));
  const escaped = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\r?\n/g, " ");
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = rows.map((row, r) => {
    checkRow(row, r, columns);
    return line(row.map((cell, c) => escaped(cellText(cell, columns[c]))));
  });
  return [line(titles.map(escaped)), line(numeric.map((right) => right ? "--:" : "---")), ...body].join("\n");
}

function checkRow(row: readonly Cell[], r: number, columns: readonly Column[]): void {
  if (row.length === columns.length) return;
  throw new RangeError(`Row ${r} of the table has ${row.length} cells for ${columns.length} columns.`);
}

function cellText(cell: Cell, column: Column): string {
  if (cell === null) return "–";
  return typeof cell === "number" && typeof column !== "string" ? cell.toFixed(column.decimals) : String(cell);
}
