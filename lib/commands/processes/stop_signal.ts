/**
 * What ends a command from outside, and how a training ends then: after the present step, with a checkpoint.
 *
 * @module
 */
import process from "node:process";
import { startedByNpx } from "../terminal/advice.ts";
import { ignoresHangup } from "./lost_terminal.ts";

/**
 * Milliseconds in which signals count as one: of a single Ctrl-C the terminal sends one to each process in the foreground,
 * and npx and `deno task` pass theirs on to this one.
 */
const ONE_STOP = 2000;
/** Milliseconds between two looks whether npx is there. */
const WATCH = 500;

/** Calls back on each of some signals, instead of what they do by themselves; returns what ends that. */
function listen(signals: readonly Deno.Signal[], listener: () => void): () => void {
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return () => signals.forEach((signal) => Deno.removeSignalListener(signal, listener));
}

/** Calls back on what other programs end this one by: SIGTERM, and, unless it was started to outlive that, a closed terminal. */
function listenToPrograms(listener: () => void): () => void {
  const unlisten = listen(["SIGTERM", "SIGUSR1", ...ignoresHangup() ? [] : ["SIGHUP"] as const], listener);
  const unwatch = watchNpx(listener);
  return () => {
    unlisten();
    unwatch();
  };
}

/**
 * Calls back where npx has ended: it passes SIGTERM on to its shell alone, which ends without a word to `deno task`, and this
 * program would go on by itself.
 */
function watchNpx(listener: () => void): () => void {
  const shell = startedByNpx() ? parentOf(Deno.ppid) : undefined;
  if (shell === undefined) return () => {};
  const timer = setInterval(() => {
    try {
      process.kill(shell, 0); // whether it is there
    } catch {
      clearInterval(timer);
      listener();
    }
  }, WATCH);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}

/** The process that started another; undefined where that cannot be found out. */
function parentOf(pid: number): number | undefined {
  try {
    const { stdout } = new Deno.Command("ps", { args: ["-o", "ppid=", "-p", `${pid}`], stderr: "null" }).outputSync();
    return Number(new TextDecoder().decode(stdout)) || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Calls back on all that asks a program to end: Ctrl-C, and what other programs send. Returns what ends that. */
export function onStop(listener: () => void): () => void {
  const unlistenToCtrlC = listen(["SIGINT"], listener), unlistenToOthers = listenToPrograms(listener);
  return () => {
    unlistenToCtrlC();
    unlistenToOthers();
  };
}

/**
 * Aborts on the first of these. What comes in the next two seconds belongs to it; after them Ctrl-C ends the program at once,
 * even one that hangs. (Other programs have SIGKILL for that.)
 *
 * @param say is told so, in a sentence
 */
export function stopSignal(say: (sentence: string) => void): { signal: AbortSignal; unlisten: () => void } {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onSignal = () => {
    if (stop.signal.aborted) return;
    stop.abort();
    timer = setTimeout(unlistenToCtrlC, ONE_STOP);
    Deno.unrefTimer(timer);
    say("Stopping after this step, with a checkpoint. Ctrl-C again, from 2 s on, ends it at once, without one.");
  };
  const unlistenToCtrlC = listen(["SIGINT"], onSignal), unlistenToOthers = listenToPrograms(onSignal);
  const unlisten = () => {
    clearTimeout(timer);
    unlistenToCtrlC();
    unlistenToOthers();
  };
  return { signal: stop.signal, unlisten };
}
