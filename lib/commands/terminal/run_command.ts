/**
 * How every command ends when something goes wrong: one sentence on standard error and exit code 1.
 *
 * @module
 */
import { outliveTerminal } from "./lost_terminal.ts";

/** What is said of an error: its message, and of one of parseArgs() on one line, where the options are listed. */
export function sentenceOf(error: Error & { code?: unknown }): string {
  if (!`${error.code}`.startsWith("ERR_PARSE_ARGS_")) return error.message;
  return `${error.message.replaceAll("\n", " ").replace(/\.$/, "")}. --help lists the options.`;
}

/** Runs a command. IJEPA_TRACE=1 prints where an error came from, for those who work on the kit itself. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  outliveTerminal();
  try {
    await main();
  } catch (error) {
    console.error(Deno.env.get("IJEPA_TRACE") ? error : sentenceOf(error as Error));
    Deno.exit(1);
  }
}
