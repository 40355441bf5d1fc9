/**
 * Low-shot classification: L2-regularised logistic regression on frozen features of a few labelled images, as MSN's code
 * evaluates with 1 % of ImageNet's labels (Assran et al. 2022, arXiv 2204.07141, section 5), which the paper's ablations
 * follow: rows less their own mean and of length 1, no bias, lambda 0.00025 / n of n images.
 *
 * @module
 */
import { drawPerClass } from "../../datasets/subset.ts";
import { deviation, mean } from "../../statistics.ts";
import { tf } from "../../tensorflow/backend.ts";
import { checkPair, type Features } from "../features/features.ts";
import { predict, softmaxRegression } from "./softmax_regression.ts";
import { everyRow } from "../passes.ts";

/** Which images are labelled: drawn ones, or those that a list names. */
export type LowShotOptions =
  & {
    /** lambda: the loss is the mean cross-entropy + lambda / 2 |W|^2. Default 0.00025 / n of n images. */
    weightDecay?: number;
  }
  & (
    | {
      /** Labels a class. */
      perClass: number;
      /** How often they are drawn. Default 5. */
      draws?: number;
      /** Default 0. */
      seed?: number;
    }
    | {
      /** Indices of the labelled training images. */
      indices: Uint32Array;
    }
  );

/** What one set of labels led to. */
export interface LowShotDraw {
  /** Test images that were given their own label, in percent. */
  accuracy: number;
  /** [N], a label for each test image. */
  predictions: Int32Array<ArrayBuffer>;
}

/** How well a few labels do. */
export interface LowShotResult {
  /** Mean accuracy over the draws, in percent. */
  mean: number;
  /** Their standard deviation; undefined of a single one. */
  deviation?: number;
  /** What each draw of labels led to. */
  draws: LowShotDraw[];
}

/** MSN's: lambda times the number of images. */
const WEIGHT_DECAY = 2.5e-4;

/** Of the gradient: the loss of so weak a decay is small itself. */
const TOLERANCE = 1e-5;

/** Between the seeds of two draws, so that the draws of the next seed are others. */
const BETWEEN_DRAWS = 1_000_003;

/** What was drawn, in one call's options. */
function drawnRows(labels: Int32Array, options: LowShotOptions): Uint32Array[] {
  if ("indices" in options) return [options.indices];
  const { perClass, draws = 5, seed = 0 } = options;
  if (!Number.isSafeInteger(draws) || draws < 1) throw new RangeError(`Labels are drawn once or more; got ${draws}.`);
  return Array.from({ length: draws }, (_, draw) => drawPerClass(labels, perClass, seed + draw * BETWEEN_DRAWS));
}

/**
 * The chosen rows, each less its own mean and sqrt(width) long, [rows, width]; a row of equal numbers becomes zeros. (Of
 * that length their columns have a variance of about 1, as the solver expects; the weight decay is scaled to match.)
 */
function normalisedRows({ values, width }: Features, rows: Uint32Array): tf.Tensor2D {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    const own = values.subarray(row * width, (row + 1) * width);
    const mean = own.reduce((sum, value) => sum + value, 0) / width;
    const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const scale = squares > 0 ? Math.sqrt(width / squares) : 0;
    for (let j = 0; j < width; j++) taken[i * width + j] = scale * (own[j] - mean);
  });
  return tf.tensor2d(taken, [rows.length, width]);
}

/**
 * Fits logistic regression to a few labelled training images and measures it on the test images, once for each draw of
 * the labels.
 *
 * @throws RangeError where the sets do not fit together, a class has fewer images than labels are to be drawn, or an
 *   index is not one of the training images
 */
export async function lowShot(train: Features, test: Features, options: LowShotOptions): Promise<LowShotResult> {
  checkPair(train, test);
  const { weightDecay } = options, { width, labels } = train;
  if (weightDecay !== undefined && !(weightDecay > 0)) {
    throw new RangeError(`The weight decay must be above 0; got ${weightDecay}.`);
  }
  const rows = drawnRows(labels, options), classes = labels.reduce((a, b) => Math.max(a, b)) + 1;
  const stray = rows[0].find((row) => row >= labels.length);
  if (rows[0].length === 0 || stray !== undefined) {
    throw new RangeError(
      `The ${labels.length} training images have no image ${stray ?? "in an empty list of labelled ones"}.`,
    );
  }
  const xTest = normalisedRows(test, everyRow(test.labels.length));
  const draws: LowShotDraw[] = [];
  try {
    for (const chosen of rows) {
      const x = normalisedRows(train, chosen), decay = weightDecay ?? WEIGHT_DECAY / chosen.length;
      const regression = softmaxRegression(x, Int32Array.from(chosen, (row) => labels[row]), classes);
      try {
        const rowWeights = new Float32Array(chosen.length).fill(1 / chosen.length);
        const predictions = predict(
          xTest,
          await regression.fit({
            ...{ rowWeights, weightDecay: width * decay, intercept: false, tolerance: TOLERANCE },
          }),
        );
        const right = predictions.filter((label, i) => label === test.labels[i]).length;
        draws.push({ accuracy: 100 * right / predictions.length, predictions });
      } finally {
        regression.dispose();
        x.dispose();
      }
    }
  } finally {
    xTest.dispose();
  }
  const accuracies = draws.map(({ accuracy }) => accuracy);
  return { mean: mean(accuracies), deviation: deviation(accuracies) ?? undefined, draws };
}
