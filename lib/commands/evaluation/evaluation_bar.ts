/**
 * The progress of evaluations: a bar for each piece of work, which counts images.
 *
 * @module
 */
import { type ProgressBar, progressBar, type ProgressOutput } from "../../figures/progress.ts";

/** What evaluations tell of themselves. */
export interface EvaluationBar {
  /** What is done from now on. */
  onStage(stage: string): void;
  /** How many images are done of so many. */
  onProgress(images: number, total: number): void;
  /** Frees the terminal; must be called, also when the work fails. */
  stop(): void;
}

/** A bar for `evaluations` evaluations one after another, each of which encodes, trains or compares images. */
export function evaluationBar(evaluations: number, output?: ProgressOutput): EvaluationBar {
  let bar: ProgressBar | undefined, stage = "", begun = 0, last = 0, shown = 0;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    onStage(now) {
      stop();
      stage = now;
      begun++;
    },
    onProgress(images, total) {
      // Of one evaluation there may be several pieces of work.
      if (!bar || total !== shown || images < last) {
        stop();
        bar = progressBar({ label: stage, total, unit: "images" }, output);
        shown = total;
      }
      last = images;
      bar.update(images, { "evaluation": `${begun}/${evaluations}` });
    },
    stop,
  };
}
