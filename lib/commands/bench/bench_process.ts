/**
 * A process of `deno task bench`: it is given a line at a time and answers each with a line of JSON.
 *
 * @module
 */

/** The running process; it ends with its input, which this program's own end closes too. */
export interface BenchProcess {
  /**
   * What it says next, as it does once unasked when it is ready.
   *
   * @throws Error with its last words where it stops
   */
  answer<T>(): Promise<T>;
  /** Its answer to a line. */
  ask<T>(line: string): Promise<T>;
  /** Ends it, and waits for that. */
  close(): Promise<void>;
  /** Ends it whatever it does. */
  kill(): void;
}

/** Milliseconds for a process to end with its input. */
const PATIENCE = 10_000;

/** @param who names it in errors */
export function startProcess(
  who: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): BenchProcess {
  const child = new Deno.Command(command, {
    ...{ args: [...args], env, stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  let complaints = "";
  const complaining = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      complaints = (complaints + text).slice(-2000);
    }
  })();

  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let received = "";
  const answer = async () => {
    while (!received.includes("\n")) {
      const { value, done } = await output.read();
      if (done) {
        await complaining;
        const { code, signal } = await child.status;
        const reason = complaints.trim().split("\n").at(-1) ||
          (signal ? `it was ended by ${signal}` : `exit code ${code}`);
        throw new Error(`${who} stopped: ${reason.replace(/\.$/, "")}.`);
      }
      received += value;
    }
    const end = received.indexOf("\n"), line = received.slice(0, end);
    received = received.slice(end + 1);
    return JSON.parse(line);
  };
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const input = child.stdin.getWriter(), encoder = new TextEncoder();
  return {
    answer,
    async ask(line) {
      await input.write(encoder.encode(`${line}\n`)).catch(() => {}); // where it has ended, answer() says why
      return await answer();
    },
    async close() {
      await input.close().catch(() => {}); // it has ended
      const timer = setTimeout(kill, PATIENCE);
      await child.status;
      clearTimeout(timer);
      await output.cancel();
      await complaining;
    },
    kill,
  };
}
