/**
 * Types what a command tells the user to type, for tests.
 *
 * @module
 */
import { delimiter, dirname } from "node:path";

/** Runs a command line in a shell, as typed in the checkout; this Deno is on the PATH. */
export async function typed(line: string): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
    stdin: "null",
    env: { NO_COLOR: "1", PATH: dirname(Deno.execPath()) + delimiter + Deno.env.get("PATH") },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

/** Starts a command, stops it once its log has a line, as one Ctrl-C does that arrives three times, and returns what it says. */
export async function stopped(
  command: Deno.Command,
  log: string,
): Promise<{ code: number; out: string; error: string }> {
  const child = command.spawn();
  let ended = false;
  child.status.then(() => ended = true);
  while (!ended && ((await Deno.stat(log).catch(() => undefined))?.size ?? 0) === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (!ended) { for (let i = 0; i < 3; i++) child.kill("SIGINT"); }
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}
