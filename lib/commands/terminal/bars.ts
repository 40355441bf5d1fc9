/**
 * Bars of work that says itself what it is doing: downloads, installations, indexing.
 *
 * @module
 */
import { type ProgressBar, progressBar } from "../../figures/progress.ts";

/** How far a piece of work has come. */
interface Told {
  /** What it is. */
  label: string;
  /** What is counted; default bytes. */
  unit?: string;
  done: number;
  total: number;
}

/** A bar for each piece of work, one after the other; stop() must be called, also where the work fails. */
export function barsInTurn(): { onProgress(told: Told): void; stop(): void } {
  let bar: ProgressBar | undefined, shown: string | undefined;
  return {
    onProgress({ label, unit = "bytes", done, total }) {
      if (!bar || label !== shown) {
        bar?.stop();
        bar = progressBar({ label, unit, total });
        shown = label;
      }
      bar.update(done);
    },
    stop: () => bar?.stop(),
  };
}
