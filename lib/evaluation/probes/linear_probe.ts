/**
 * The linear probe: how well a linear layer tells the classes apart from frozen features.
 *
 * @module
 */
import { randomStream, shuffled } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import { checkPair, type Features } from "../features/features.ts";
import { predict, softmaxRegression } from "./softmax_regression.ts";
import { standardiser } from "../standardise.ts";

/** How to fit. */
export interface LinearProbeOptions {
  /**
   * lambda: the loss is the mean cross-entropy + lambda / 2 |W|^2 over standardised features. Left out, it is chosen by
   * a tenth of the training images that is held out: the best of 1, 0.1, ... 1e-6, where weaker ones are not tried once
   * a whole percent is lost to overfitting. Then all images are fitted with it.
   */
  weightDecay?: number;
  /** Draws the images that are held out. Default 0. */
  seed?: number;
  /** Told after each iteration of each fit what the loss is. */
  onProgress?: (progress: { weightDecay: number; iteration: number; loss: number }) => void;
}

/** How well the fitted layer does. */
export interface LinearProbeResult {
  /** Test images whose most probable class is their own, in percent. */
  accuracy: number;
  /** [N], a label for each test image. */
  predictions: Int32Array<ArrayBuffer>;
  /** Training images whose most probable class is their own, in percent. */
  trainAccuracy: number;
  /** The lambda given or chosen. */
  weightDecay: number;
  /** Whether the fit came to its solution. */
  converged: boolean;
}

/** Rows that were given their own label, in percent. */
function percentRight(predictions: Int32Array, labels: Int32Array): number {
  return 100 * predictions.filter((label, i) => label === labels[i]).length / labels.length;
}

const take = (labels: Int32Array, rows: Uint32Array) => Int32Array.from(rows, (row) => labels[row]);

/** Weights by which the chosen rows count alike and the others not at all. */
function rowWeights(length: number, rows: Uint32Array): Float32Array {
  const weights = new Float32Array(length);
  for (const row of rows) weights[row] = 1 / rows.length;
  return weights;
}

/**
 * Fits softmax regression to the training features and measures it on the test features. Deterministic.
 *
 * The weight decay decides much where features are strongly correlated, as those of an untrained encoder are: one value
 * for all would compare the regularisation instead of the features.
 *
 * @throws RangeError where the sets do not fit together, the weight decay is negative, or it is left out for fewer than
 *   ten training images
 */
export async function linearProbe(
  train: Features,
  test: Features,
  options: LinearProbeOptions = {},
): Promise<LinearProbeResult> {
  const { seed = 0, onProgress } = options;
  checkPair(train, test);
  if (options.weightDecay !== undefined && !(options.weightDecay >= 0)) {
    throw new RangeError(`The weight decay must not be negative; got ${options.weightDecay}.`);
  }
  const images = train.labels.length;
  if (options.weightDecay === undefined && images < 10) {
    throw new RangeError(`${images} training images are too few to choose a weight decay by: give one.`);
  }
  const standardise = standardiser(train);
  const matrix = (features: Features) => tf.tensor2d(standardise(features), [features.labels.length, features.width]);
  const x = matrix(train), xTest = matrix(test);
  const classes = train.labels.reduce((a, b) => Math.max(a, b)) + 1;
  const regression = softmaxRegression(x, train.labels, classes);
  const order = shuffled(images, randomStream(seed));
  const fit = (rows: Uint32Array, weightDecay: number) =>
    regression.fit({
      rowWeights: rowWeights(images, rows),
      weightDecay,
      onIteration: (iteration, loss) => onProgress?.({ weightDecay, iteration, loss }),
    });

  async function chooseWeightDecay(): Promise<number> {
    const count = Math.floor(images / 10), heldOut = order.subarray(0, count), fitted = order.subarray(count);
    let best = { weightDecay: 1, accuracy: -1 };
    for (const weightDecay of [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]) {
      const predictions = predict(x, await fit(fitted, weightDecay));
      const accuracy = percentRight(take(predictions, heldOut), take(train.labels, heldOut));
      if (accuracy > best.accuracy) best = { weightDecay, accuracy };
      if (accuracy < best.accuracy - 1) break;
    }
    return best.weightDecay;
  }

  try {
    const weightDecay = options.weightDecay ?? await chooseWeightDecay();
    const layer = await fit(order, weightDecay);
    const predictions = predict(xTest, layer);
    return {
      accuracy: percentRight(predictions, test.labels),
      predictions,
      trainAccuracy: percentRight(predict(x, layer), train.labels),
      weightDecay,
      converged: layer.converged,
    };
  } finally {
    tf.dispose([x, xTest]);
    regression.dispose();
  }
}
