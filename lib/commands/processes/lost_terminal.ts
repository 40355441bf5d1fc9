/**
 * Programs that go on without their terminal: it was closed, or a pipe that nobody reads any more takes no text, which is no
 * reason to end a training; or they were started to outlive it, by nohup.
 *
 * @module
 */
import process from "node:process";

let ignored: boolean | undefined;

/** Whether the program was started with SIGHUP ignored, as by nohup; its children, such as a shell, then ignore it too. */
export function ignoresHangup(): boolean {
  return ignored ??= new Deno.Command("sh", { args: ["-c", "kill -HUP $$"], stderr: "null" }).outputSync().success;
}

/**
 * From now on what cannot be printed is dropped, where it would have ended the program, and nohup is heeded, which Deno 2.9
 * by itself does not.
 */
export function outliveTerminal(): void {
  if (ignoresHangup()) Deno.addSignalListener("SIGHUP", () => {});
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  for (const name of ["log", "warn", "error"] as const) {
    const print = console[name];
    console[name] = (...what) => {
      try {
        print(...what);
      } catch {
        // There is nobody to tell.
      }
    };
  }
}
