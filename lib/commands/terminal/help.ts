/**
 * What --help says: paragraphs, and options beside what they do, in lines that fit.
 *
 * @module
 */

/** Columns of a line. */
const WIDTH = 120;

/** An option with a longer name stands on a line of its own. */
const LONGEST_OPTION = 19;

/** What an option does; or that, and what it takes, each with what it is. */
export type OptionHelp = string | readonly [string, OptionsHelp];

/** Options as they are typed, such as "--seed N", and what they do. White space between words is any. */
export interface OptionsHelp {
  readonly [option: string]: OptionHelp;
}

/** The words in lines of at most so many columns. */
function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.trim().split(/\s+/)) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Names of at most so many characters, and beside them what they are. */
function inColumns(options: OptionsHelp, width: number, longest = Infinity): string[] {
  const names = Object.keys(options).map((name) => name.length).filter((length) => length <= longest);
  const column = Math.max(...names) + 2;
  return Object.entries(options).flatMap(([name, help]) => {
    const [text, inner] = typeof help === "string" ? [help, {}] : help;
    const lines = [...wrapped(text, width - column), ...inColumns(inner, width - column)];
    const [first, ...rest] = name.length > longest ? ["", ...lines] : lines;
    return [`${name.padEnd(column)}${first}`.trimEnd(), ...rest.map((line) => " ".repeat(column) + line)];
  });
}

/** A part of --help: a paragraph, or options. */
export type HelpPart = string | OptionsHelp;

/** The options that all commands have. */
const COMMON: OptionsHelp = {
  "--json [FILE.json]":
    `tells results and paths as one JSON document: into the file, or without one on standard output, and all else then on
    standard error`,
  "--help": "",
};

/**
 * The text of --help.
 *
 * @param usage how the command is typed
 * @param parts what follows it, one after another; options get those of all commands at their end
 */
export function helpText(usage: string, ...parts: HelpPart[]): string {
  const isOptions = (part: HelpPart) =>
    typeof part !== "string" && Object.keys(part).some((name) => name.startsWith("--"));
  const all = parts.some(isOptions) ? parts : [...parts, {}];
  const texts = all.map((part) => {
    if (typeof part === "string") return wrapped(part, WIDTH);
    const options = isOptions(part) || Object.keys(part).length === 0 ? { ...part, ...COMMON } : part;
    return inColumns(options, WIDTH - 2, LONGEST_OPTION).map((line) => `  ${line}`);
  });
  return [usage, ...texts.map((lines) => lines.join("\n"))].join("\n\n") + "\n";
}
