/** Programs of the folder programs/, each in a process of its own: for V8's flags, memory and exit codes. @module */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { locateTensorFlow } from "../../lib/tensorflow/libraries/locate.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What this process set for its own TensorFlow, and a program would take for the user's. */
const OWN = { XLA_FLAGS: "", TF_XLA_FLAGS: "" };

function command(name: string, { flags = [], args = [], env, ...options }: Deno.CommandOptions & { flags?: string[] }) {
  const config = `--config=${path("../../deno.json")}`;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", config, ...flags, path(`programs/${name}`), ...args],
    env: { ...OWN, ...env },
    ...options,
  });
}

/** Another cache folder for a program, which finds Deno's own and TensorFlow where they were. */
export function withCache(folder: string): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
  const denoDir = Deno.env.get("DENO_DIR") ?? `${cache}/deno`;
  return { XDG_CACHE_HOME: folder, DENO_DIR: denoDir, TF_DIR: locateTensorFlow().dir };
}

/** Runs a program to its end. */
export async function execute(
  name: string,
  flags: string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await command(name, { flags, env }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A program that runs. */
export interface Running {
  process: Deno.ChildProcess;
  /** The next line that it prints. */
  nextLine(): Promise<string>;
  /** Ends it, whatever it is doing. */
  end(): Promise<void>;
}

/** Starts a program. */
export function spawn(name: string, args: string[], env: Record<string, string> = {}): Running {
  const process = command(name, { args, env, stdout: "piped", stderr: "piped" }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const complaints = new Response(process.stderr).text();
  let printed = "";
  return {
    process,
    async nextLine() {
      while (!printed.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`${name} ended without another line: ${await complaints}`);
        printed += value;
      }
      const [line] = printed.split("\n", 1);
      printed = printed.slice(line.length + 1);
      return line;
    },
    async end() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await Promise.all([process.status, complaints, reader.cancel()]);
    },
  };
}

/** Runs a program that must succeed, and parses the JSON that it prints: numbers by two names. */
export async function runProgram(name: string, flags: string[]): Promise<Record<string, Record<string, number>>> {
  const { code, stdout, stderr } = await execute(name, flags);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}
