/**
 * How a training command ends on Ctrl-C: after the present step, with a checkpoint.
 *
 * @module
 */

/** Aborts on the first SIGINT or SIGTERM; a second ends the program at once. */
export function stopSignal(): { signal: AbortSignal; unlisten: () => void } {
  const stop = new AbortController();
  const onSignal = () => {
    stop.abort();
    unlisten();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  const unlisten = () => signals.forEach((signal) => Deno.removeSignalListener(signal, onSignal));
  signals.forEach((signal) => Deno.addSignalListener(signal, onSignal));
  return { signal: stop.signal, unlisten };
}
