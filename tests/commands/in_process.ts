/**
 * Commands in the test's own process, where one of theirs is not what is tested: they start in no time, and share
 * TensorFlow.
 *
 * @module
 */
import process from "node:process";
import { sentenceOf } from "../../lib/commands/terminal/run_command.ts";

/** A command, as its module exports it. */
export type Main = (args: string[]) => Promise<void>;

/** Whether what a command said has a line of a progress bar: a share or a rate with two spaces on both sides. */
export const showsProgress = (said: string): boolean => / {2}(?:\d+ %|[\d.,]+ \w+\/s)(?: {2}|$)/m.test(said);

/** Runs a command, and returns its exit code and what it says, as runCommand() has it. */
export async function inProcess(
  main: Main,
  ...args: string[]
): Promise<{ code: number; out: string; error: string }> {
  const { log, warn, error } = console, { write } = process.stderr;
  let code = 0, out = "", said = "";
  console.log = (...what) => void (out += `${what.join(" ")}\n`);
  console.warn = console.error = (...what) => void (said += `${what.join(" ")}\n`);
  process.stderr.write = (text: string | Uint8Array) => Boolean(said += text); // progress bars
  try {
    await main(args);
  } catch (error) {
    code = 1;
    said += `${sentenceOf(error as Error)}\n`;
  } finally {
    Object.assign(console, { log, warn, error });
    process.stderr.write = write;
  }
  return { code, out, error: said };
}
