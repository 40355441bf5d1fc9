/** Programs of the folder programs/, each in a process of its own: for V8's flags, memory and exit codes. @module */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs a program to its end. */
export async function execute(
  name: string,
  flags: string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-check",
      `--config=${path("../../deno.json")}`,
      ...flags,
      path(`programs/${name}`),
    ],
    env,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a program that must succeed, and parses the JSON that it prints: numbers by two names. */
export async function runProgram(name: string, flags: string[]): Promise<Record<string, Record<string, number>>> {
  const { code, stdout, stderr } = await execute(name, flags);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}
