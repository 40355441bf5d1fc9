/**
 * What every command has: a table of its options, which parsing and completions read, --help, and --json, which tells machines
 * in one document what was done.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { writeFile } from "../../write_file.ts";
import { checkOutputFile } from "./flags.ts";

/** What an option or a word takes, for completions: a path, a folder's, or one of some words. Where it is left out, anything. */
export type Values = "file" | "folder" | readonly string[];

/** An option, as parseArgs() of node:util has it, and what it takes. */
export interface Option {
  type: "string" | "boolean";
  short?: string;
  multiple?: boolean;
  default?: string | boolean;
  values?: Values;
}

/** A command. */
export interface Command<Options extends Record<string, Option> = Record<string, Option>> {
  /** What --help says. */
  help: string;
  options: Options;
  /** What its words without a dash are; without, it takes none. */
  positionals?: Values;
}

/** The options that all commands have. */
export const COMMON_OPTIONS = {
  "json": { type: "string", values: "file" },
  "help": { type: "boolean", short: "h" },
} as const;

const STANDARD_OUTPUT = "-";

/** --json without a file is --json=-; what follows it is one where its name ends so. */
const withJson = (args: readonly string[]) =>
  args.map((arg, i) => arg === "--json" && !args[i + 1]?.endsWith(".json") ? `--json=${STANDARD_OUTPUT}` : arg);

let destination: string | undefined, told: string | undefined;

/** Prints the newest document where the process ends, whichever way it does. */
function printAtEnd(): void {
  console.log = console.error;
  addEventListener("unload", () => {
    const bytes = new TextEncoder().encode(told ?? "");
    for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  });
}

/**
 * The options and words that a command was started with; undefined where it was asked for --help, which is printed.
 *
 * @throws Error of parseArgs(), or where --json names no file that can be written
 */
export async function parseCommand<const Options extends Record<string, Option>>(
  command: Command<Options>,
  args: readonly string[],
) {
  const { options, positionals } = command;
  const parsed = parseArgs({
    args: withJson(args),
    options: { ...options, ...COMMON_OPTIONS },
    allowPositionals: positionals !== undefined,
    tokens: true,
  });
  const { help: wanted, json } = parsed.values as { help?: boolean; json?: string };
  if (wanted) return void console.log(command.help);
  destination = json;
  if (isForMachines()) printAtEnd();
  else if (json !== undefined) await checkOutputFile("json", json);
  return parsed;
}

/** Whether standard output is for the document alone. */
export const isForMachines = (): boolean => destination === STANDARD_OUTPUT;

/** Tells machines what was done: the document that --json asks for, in the place of one before. */
export async function tell(document: unknown): Promise<void> {
  if (destination === undefined) return;
  told = JSON.stringify(document, null, 2) + "\n";
  if (destination !== STANDARD_OUTPUT) await writeFile(destination, told);
}
