/**
 * Notebook files (nbformat 4): their code, and whether their outputs are all there.
 *
 * @module
 */

/** An output, as far as it is read here. */
export interface NotebookOutput {
  output_type: "display_data" | "execute_result" | "stream" | "error";
  data?: Record<string, unknown>;
  text?: string | string[];
}

/** A cell, as far as it is read here. */
export interface NotebookCell {
  cell_type: "code" | "markdown" | "raw";
  source: string | string[];
  /** null where it has not been run. */
  execution_count?: number | null;
  outputs?: NotebookOutput[];
}

/** A notebook, as far as it is read here. */
export interface Notebook {
  cells: NotebookCell[];
}

/** A cell's text. */
export const sourceOf = ({ source }: NotebookCell): string => typeof source === "string" ? source : source.join("");

/** The code cells. */
export const codeCells = ({ cells }: Notebook): NotebookCell[] => cells.filter((cell) => cell.cell_type === "code");

/** Code without comments, in which calls are counted. */
const withoutComments = (code: string) => code.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "");

const occurrences = (code: string, pattern: RegExp) => code.match(pattern)?.length ?? 0;

const PLOTLY = "application/vnd.plotly.v1+json";

/**
 * What is missing in a run notebook's outputs, a sentence for each: a cell has an output for each call of show(), each
 * finished live figure or bar that its text holds, and prints where it has console.log(); each figure has its PNG.
 */
export function missingOutputs(notebook: Notebook): string[] {
  return codeCells(notebook).flatMap((cell, index) => {
    const code = withoutComments(sourceOf(cell)), outputs = cell.outputs ?? [], where = `code cell ${index + 1}`;
    const shown = outputs.filter(({ output_type }) => output_type === "display_data");
    const expected = occurrences(code, /\b(show|liveFigure|liveBar)\(/g);
    const missing: string[] = [];
    if (shown.length < expected) missing.push(`${where} shows ${shown.length} of ${expected} outputs`);
    if (/\bconsole\.log\(/.test(code) && !outputs.some(({ output_type }) => output_type === "stream")) {
      missing.push(`${where} has lost what it prints`);
    }
    if (outputs.some(({ output_type }) => output_type === "error")) missing.push(`${where} ends with an error`);
    if (shown.some(({ data = {} }) => PLOTLY in data && !("image/png" in data))) {
      missing.push(`${where} has a figure without its PNG`);
    }
    return missing;
  });
}
