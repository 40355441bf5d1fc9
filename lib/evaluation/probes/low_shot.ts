/**
 * Low-shot classification: L2-regularised logistic regression on frozen features of a few labelled images, as MSN and
 * iBOT evaluate with 1 % of ImageNet's labels (Assran et al. 2022, arXiv 2204.07141, section 5; paper, table 2).
 *
 * @module
 */
import { drawPerClass } from "../../datasets/subset.ts";
import { tf } from "../../tensorflow/backend.ts";
import { checkPair, type Features } from "../features/features.ts";
import { predict, softmaxRegression } from "./softmax_regression.ts";
import { standardiser } from "../standardise.ts";

/** Which images are labelled: drawn ones, or those that a list names. */
export type LowShotOptions =
  & {
    /** lambda: the loss is the mean cross-entropy + lambda / 2 |W|^2 over standardised features. Default 0.1. */
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

/**
 * A few labels leave none to choose a weight decay by, so one serves all. Measured on held-out training images of CIFAR-10,
 * with trained and random features and 1 to 13 labels a class, it is within 0.5 % of the best of 3 to 0.001.
 */
const WEIGHT_DECAY = 0.1;

/** Between the seeds of two draws, so that the draws of the next seed are others. */
const BETWEEN_DRAWS = 1_000_003;

/** What was drawn, in one call's options. */
function drawnRows(labels: Int32Array, options: LowShotOptions): Uint32Array[] {
  if ("indices" in options) return [options.indices];
  const { perClass, draws = 5, seed = 0 } = options;
  if (!Number.isSafeInteger(draws) || draws < 1) throw new RangeError(`Labels are drawn once or more; got ${draws}.`);
  return Array.from({ length: draws }, (_, draw) => drawPerClass(labels, perClass, seed + draw * BETWEEN_DRAWS));
}

/** The chosen rows of values [N, width]. */
function take(values: Float32Array, width: number, rows: Uint32Array): Float32Array {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => taken.set(values.subarray(row * width, (row + 1) * width), i * width));
  return taken;
}

/**
 * Fits logistic regression to a few labelled training images and measures it on the test images, once for each draw of
 * the labels. Features are standardised by all training images, which takes no labels; the test set decides nothing.
 *
 * @throws RangeError where the sets do not fit together, a class has fewer images than labels are to be drawn, or an
 *   index is not one of the training images
 */
export async function lowShot(train: Features, test: Features, options: LowShotOptions): Promise<LowShotResult> {
  checkPair(train, test);
  const { weightDecay = WEIGHT_DECAY } = options, { width, labels } = train;
  if (!(weightDecay > 0)) throw new RangeError(`The weight decay must be above 0; got ${weightDecay}.`);
  const rows = drawnRows(labels, options), classes = labels.reduce((a, b) => Math.max(a, b)) + 1;
  const stray = rows[0].find((row) => row >= labels.length);
  if (rows[0].length === 0 || stray !== undefined) {
    throw new RangeError(
      `The ${labels.length} training images have no image ${stray ?? "in an empty list of labelled ones"}.`,
    );
  }
  const standardise = standardiser(train), values = standardise(train);
  const xTest = tf.tensor2d(standardise(test), [test.labels.length, width]);
  const draws: LowShotDraw[] = [];
  try {
    for (const chosen of rows) {
      const x = tf.tensor2d(take(values, width, chosen), [chosen.length, width]);
      const regression = softmaxRegression(x, Int32Array.from(chosen, (row) => labels[row]), classes);
      try {
        const rowWeights = new Float32Array(chosen.length).fill(1 / chosen.length);
        const predictions = predict(xTest, await regression.fit({ rowWeights, weightDecay }));
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
  const mean = draws.reduce((sum, { accuracy }) => sum + accuracy, 0) / draws.length;
  if (draws.length === 1) return { mean, draws };
  const squares = draws.reduce((sum, { accuracy }) => sum + (accuracy - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (draws.length - 1)), draws };
}
