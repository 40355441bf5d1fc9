/**
 * The commands that the READMEs, the record of experiments and the notebooks name.
 *
 * @module
 */

const ROOT = new URL("../../../", import.meta.url);

const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

/** The tasks of deno.json that start a command of the kit, with its module. */
export const TASKS: ReadonlyMap<string, URL> = new Map(
  Object.entries<string>(JSON.parse(read("deno.json")).tasks).flatMap(([task, line]) => {
    const [, path] = /^deno run .*?(lib\/commands\/\w+\.ts)$/.exec(line) ?? [];
    return path ? [[task, new URL(path, ROOT)] as const] : [];
  }),
);

/** A command as it is documented. */
export interface Documented {
  /** The document's name. */
  file: string;
  /** As it stands there. */
  line: string;
  task: string;
  /** All that follows the task, up to a comment, the end of the code or of the line. */
  rest: string;
}

/** What is documented, by the document: Markdown, and of notebooks the sources and what they printed. */
function documents(): Map<string, string> {
  const all = new Map<string, string>();
  for (const name of ["README.md", "weights/README.md", "data/README.md", "weights/EXPERIMENTS.md"]) {
    all.set(name, read(name));
  }
  for (const { name } of Deno.readDirSync(new URL("notebooks/", ROOT))) {
    if (!name.endsWith(".ipynb")) continue;
    type Cell = { source: string[]; outputs?: { text?: string[]; data?: Record<string, string[] | string> }[] };
    const { cells }: { cells: Cell[] } = JSON.parse(read(`notebooks/${name}`));
    const joined = (text: string[] | string) => [text].flat().join("");
    const texts = cells.flatMap(({ source, outputs = [] }) => [
      joined(source),
      ...outputs.flatMap(({ text = [], data }) => [joined(text), joined(data?.["text/markdown"] ?? "")]),
    ]);
    all.set(name, texts.join("\n"));
  }
  return all;
}

/** All of them, in the order of the documents. A line that ends in a backslash goes on. */
export function documentedCommands(): Documented[] {
  return [...documents()].flatMap(([file, text]) =>
    Array.from(
      text.replaceAll(/\\\n\s*/g, " ").matchAll(/deno task ([a-z][a-z-]*)([^`\n#|]*)/g),
      ([line, task, rest]) => ({ file, line: line.trim(), task, rest }),
    )
  );
}
