/**
 * The table at the end of a run: kNN and linear probe of encoders, with raw pixels beside them.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { extractFeatures, type Features, pixelFeatures } from "../evaluation/features.ts";
import { knn } from "../evaluation/knn.ts";
import { linearProbe } from "../evaluation/linear_probe.ts";
import { progressBar } from "../figures/progress.ts";
import { table } from "../figures/table.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import type { Parameters } from "../nn/parameters.ts";

/**
 * One weight decay for all, as in the paper's protocol. Chosen on held-out images instead, it becomes so weak for random
 * weights (1e-6) that the probe reads pixels out of directions of almost no variance.
 */
const PROBE = { weightDecay: 1e-3 };

/**
 * Whether a probe on `train` can be measured on `test`: both have labels, of the same classes.
 *
 * @throws Error that says what is missing
 */
export function checkEvaluable(train: Dataset, test: Dataset): void {
  const lacking = [train, test].find(({ labels }) => labels.some((label) => label < 0));
  if (lacking) throw new Error(`${lacking.name} has images without a label: sort them into classes, or add --no-eval.`);
  const only = [
    ...train.classes.filter((name) => !test.classes.includes(name)),
    ...test.classes.filter((name) => !train.classes.includes(name)),
  ];
  if (only.length === 0) return;
  throw new Error(
    `${train.name} and ${test.name} do not have the same classes: ${
      only.join(", ")
    } are in one of them alone. Give both ` +
      "the same folders, or add --no-eval.",
  );
}

/**
 * Probes each encoder's average-pooled features and raw pixels: trained on `train`, accuracy in percent on `test`.
 * Writes the numbers as JSON too.
 */
export async function evaluationTable(
  encoders: Record<string, Parameters>,
  size: EncoderSize,
  train: Dataset,
  test: Dataset,
  jsonPath: string,
): Promise<string> {
  const subjects: [string, (dataset: Dataset) => Promise<Features>][] = [
    ...Object.entries(encoders).map(([name, parameters]): [string, (dataset: Dataset) => Promise<Features>] => [
      name,
      (dataset) => extractFeatures(parameters, size, dataset),
    ]),
    ["raw pixels", (dataset) => pixelFeatures(dataset, size.image)],
  ];
  const results: { encoder: string; knn: number; linear: number }[] = [];
  const bar = progressBar({ label: "Evaluating", total: 4 * subjects.length, unit: "steps" });
  let done = 0;
  const part = async <T>(what: string, fn: () => Promise<T>): Promise<T> => {
    bar.update(done, { "now": what });
    const result = await fn();
    done++;
    return result;
  };
  try {
    for (const [encoder, featuresOf] of subjects) {
      const trainFeatures = await part(`features, ${encoder}`, () => featuresOf(train));
      const testFeatures = await part(`features, ${encoder}`, () => featuresOf(test));
      const neighbours = await part(`kNN, ${encoder}`, async () => await knn(trainFeatures, testFeatures));
      const probe = await part(`linear probe, ${encoder}`, () => linearProbe(trainFeatures, testFeatures, PROBE));
      results.push({ encoder, knn: neighbours.accuracy, linear: probe.accuracy });
    }
  } finally {
    bar.stop();
  }
  await Deno.writeTextFile(
    jsonPath,
    JSON.stringify({ train: train.name, test: test.name, probe: PROBE, results }, null, 2) + "\n",
  );
  const columns = [`accuracy on ${test.name}, %`, { title: "kNN", decimals: 1 }, { title: "linear", decimals: 1 }];
  return table(results.map(({ encoder, knn, linear }) => [encoder, knn, linear]), columns);
}
