/**
 * What a training command says and draws of a finished run's log.
 *
 * @module
 */
import { lossCurve, type LossEntry } from "../../figures/curves/loss_curve.ts";
import { formatDuration, formatNumber } from "../../figures/progress.ts";
import { saveFigure } from "../../figures/save.ts";

/**
 * Draws the loss curve into the run's folder and prints how long it took; where a lost log has no line, neither.
 *
 * @param batch images a step, or whatever `unit` says
 * @returns the picture that was drawn
 */
export async function summariseTraining(
  log: readonly (LossEntry & { seconds: number })[],
  batch: number,
  dir: string,
  unit = "images",
): Promise<string[]> {
  if (log.length === 0) return [];
  await saveFigure(lossCurve(log), `${dir}/loss`);
  const seconds = log.reduce((sum, entry) => sum + entry.seconds, 0);
  console.log(`Trained ${formatDuration(seconds)}, ${formatNumber(log.length * batch / seconds)} ${unit}/s.`);
  return [`${dir}/loss.png`];
}
