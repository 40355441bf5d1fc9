/**
 * How every command ends when something goes wrong: one sentence on standard error and exit code 1.
 *
 * @module
 */
import { osSentence } from "../../os_error.ts";
import { outliveTerminal } from "../processes/lost_terminal.ts";

/** What the library calls its options in messages, as a command's user reads it. */
function inFlags(message: string): string {
  return message.replaceAll('set onBadImage to "skip"', "add --skip-bad-images")
    .replaceAll(/set layout to "(\w+)"/g, "add --layout $1");
}

/** What is said of an error: its message, and of one of parseArgs() on one line, where the options are listed. */
export function sentenceOf(error: Error & { code?: unknown }): string {
  if (!`${error.code}`.startsWith("ERR_PARSE_ARGS_")) return osSentence(error) ?? inFlags(error.message);
  return `${error.message.replaceAll("\n", " ").replace(/\.$/, "")}. --help lists the options.`;
}

/** Runs a command. IJEPA_TRACE=1 prints where an error came from, for those who work on the kit itself. */
export async function runCommand(main: (args: string[]) => Promise<void>): Promise<void> {
  outliveTerminal();
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(Deno.env.get("IJEPA_TRACE") ? error : sentenceOf(error as Error));
    Deno.exit(1);
  }
}
