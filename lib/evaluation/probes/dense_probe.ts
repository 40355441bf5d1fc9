/**
 * The dense probe: how well a linear layer reads a number for each patch, e.g. its distance, from frozen tokens.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { patchify, pixelTensor } from "../../jepa/encoder.ts";
import { randomStream, shuffled } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import type { TokenFeatures } from "../features/features.ts";
import { everyRow, inChunks } from "../passes.ts";
import { solvePositive, withRidge } from "../collapse/symmetric_matrix.ts";

/** Tokens of images, and a number for each. */
export interface DenseExamples extends Pick<TokenFeatures, "values" | "tokens" | "width"> {
  /** [N, tokens], above 0. */
  targets: Float32Array;
}

/** How to fit. */
export interface DenseProbeOptions {
  /**
   * lambda: the loss is the mean squared error + lambda |w|^2 over standardised features. Left out, it is the best of 10, 1,
   * ... 1e-5 on a tenth of the training images that is held out (means are of all); then all are fitted with it.
   */
  ridge?: number;
  /** Draws the images that are held out. Default 0. */
  seed?: number;
}

/** How well the fitted layer does on the test images. */
export interface DenseProbeResult {
  /** Root of the mean squared error, in the targets' unit. */
  rmse: number;
  /** The same of each patch's mean over the training images, which is known without looking. */
  baselineRmse: number;
  /** 1 - (rmse / baselineRmse)^2: share of what the baseline leaves open that is explained. 1 is perfect, 0 nothing. */
  r2: number;
  /** Mean of |prediction - target| / target, in percent. */
  relativeError: number;
  /** The baseline's. */
  baselineRelativeError: number;
  /** The lambda given or chosen. */
  ridge: number;
  /** [N, tokens], of the test images. */
  predictions: Float32Array<ArrayBuffer>;
}

const RIDGES = [10, 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];

/** Tokens whose products are summed in float32; sums of these are float64. */
const CHUNK = 2048;

/** Means of each patch, and the deviation of each feature and of the target around them. */
interface Centre {
  /** [tokens, width] */
  values: Float64Array;
  /** [tokens] */
  targets: Float64Array;
  /** [width]: 1 / deviation; 0 for a feature that is constant in each patch. */
  scale: Float64Array;
}

/** Sums over the tokens of some images, centred and standardised: z of the features, t of the targets. */
interface Moments {
  /** sum of z z^T, [width, width] */
  gram: Float64Array<ArrayBuffer>;
  /** sum of z t, [width] */
  cross: Float64Array;
  /** sum of t^2 */
  square: number;
  rows: number;
}

function checkExamples(name: string, { values, tokens, width, targets }: DenseExamples): number {
  const images = targets.length / tokens;
  if (!Number.isSafeInteger(images) || images < 1) {
    throw new RangeError(
      `The ${name} set has ${targets.length} targets, which are not those of images of ${tokens} tokens.`,
    );
  }
  if (values.length !== targets.length * width) {
    throw new RangeError(
      `The ${name} set has ${targets.length} targets, but ${values.length} values are not as many tokens of ${width}.`,
    );
  }
  const stray = targets.findIndex((target) => !(target > 0 && target < Infinity));
  if (stray >= 0) {
    throw new RangeError(
      `Patch ${stray % tokens} of image ${Math.floor(stray / tokens)} of the ${name} set has the target ${
        targets[stray]
      }: ` +
        `targets must be above 0.`,
    );
  }
  return images;
}

function centreOf({ values, targets, tokens, width }: DenseExamples, images: number): Centre {
  const size = tokens * width, mean = new Float64Array(size), targetMean = new Float64Array(tokens);
  for (let i = 0; i < values.length; i++) mean[i % size] += values[i] / images;
  for (let i = 0; i < targets.length; i++) targetMean[i % tokens] += targets[i] / images;
  const scale = new Float64Array(width), magnitude = new Float64Array(width);
  for (let i = 0; i < values.length; i++) {
    scale[i % width] += (values[i] - mean[i % size]) ** 2;
    magnitude[i % width] += values[i] ** 2;
  }
  return {
    values: mean,
    targets: targetMean,
    // What float32 leaves of a constant is rounding.
    scale: scale.map((sum, j) => sum > 1e-12 * magnitude[j] ? 1 / Math.sqrt(sum / targets.length) : 0),
  };
}

/** z of one image's tokens: [tokens, width], into `out`. */
function standardise(
  { values, tokens, width }: Omit<DenseExamples, "targets">,
  image: number,
  centre: Centre,
  out: Float32Array,
): void {
  const size = tokens * width;
  for (let k = 0; k < size; k++) out[k] = (values[image * size + k] - centre.values[k]) * centre.scale[k % width];
}

function momentsOf(examples: DenseExamples, images: Uint32Array, centre: Centre): Moments {
  const { tokens, width, targets } = examples, step = Math.max(1, Math.floor(CHUNK / tokens));
  const moments: Moments = {
    gram: new Float64Array(width * width),
    cross: new Float64Array(width),
    square: 0,
    rows: images.length * tokens,
  };
  for (const some of inChunks(images, step)) {
    const rows = some.length * tokens;
    const z = new Float32Array(rows * width), t = new Float32Array(rows);
    some.forEach((image, i) => {
      standardise(examples, image, centre, z.subarray(i * tokens * width, (i + 1) * tokens * width));
      for (let p = 0; p < tokens; p++) t[i * tokens + p] = targets[image * tokens + p] - centre.targets[p];
    });
    const [gram, cross] = tf.tidy(() => {
      const x = tf.tensor2d(z, [rows, width]), y = tf.tensor2d(t, [rows, 1]);
      return [tf.matMul(x, x, true).dataSync(), tf.matMul(x, y, true).dataSync()]; // [D, D], [D, 1]
    });
    gram.forEach((value, i) => moments.gram[i] += value);
    cross.forEach((value, i) => moments.cross[i] += value);
    moments.square += t.reduce((sum, value) => sum + value * value, 0);
  }
  return moments;
}

/** w of (G / n + lambda I) w = g / n. */
function ridgeWeights({ gram, cross, rows }: Moments, width: number, ridge: number): Float64Array {
  return solvePositive(withRidge(gram.map((sum) => sum / rows), width, ridge), cross.map((sum) => sum / rows), width);
}

/** Mean squared error of t = w z: (sum t^2 - 2 w g + w G w) / n. */
function meanSquaredError({ gram, cross, square, rows }: Moments, width: number, w: Float64Array): number {
  let sum = square;
  for (let i = 0; i < width; i++) {
    let product = -2 * cross[i];
    for (let j = 0; j < width; j++) product += gram[i * width + j] * w[j];
    sum += w[i] * product;
  }
  return sum / rows;
}

function joined(a: Moments, b: Moments): Moments {
  return {
    gram: a.gram.map((value, i) => value + b.gram[i]),
    cross: a.cross.map((value, i) => value + b.cross[i]),
    square: a.square + b.square,
    rows: a.rows + b.rows,
  };
}

/** Root mean squared and mean relative error. */
function errors(predictions: ArrayLike<number>, targets: Float32Array): { rmse: number; relative: number } {
  let squares = 0, relative = 0;
  targets.forEach((target, i) => {
    squares += (predictions[i] - target) ** 2;
    relative += Math.abs(predictions[i] - target) / target;
  });
  return { rmse: Math.sqrt(squares / targets.length), relative: 100 * relative / targets.length };
}

/** A layer that reads a number from each token. */
export interface DenseLayer extends Pick<DenseExamples, "tokens" | "width"> {
  /** The lambda given or chosen. */
  ridge: number;
  /** [tokens]: each patch's mean target, which is known without looking. */
  means: Float64Array;
  /** What it reads from tokens [N, tokens, width]: [N, tokens]. */
  predict(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
}

/**
 * Fits ridge regression from tokens to targets, in closed form. One layer serves all patches, and each patch has a bias of
 * its own: its mean target less its mean token's. Deterministic.
 *
 * @param train [N, tokens, width] with targets [N, tokens]
 * @throws RangeError where targets are not above 0, the ridge is not above 0, or it is left out for fewer than ten training
 *   images
 */
export function fitDenseLayer(train: DenseExamples, { ridge, seed = 0 }: DenseProbeOptions = {}): DenseLayer {
  const images = checkExamples("training", train), { tokens, width } = train;
  if (ridge !== undefined && !(ridge > 0)) throw new RangeError(`The ridge must be above 0; got ${ridge}.`);
  if (ridge === undefined && images < 10) {
    throw new RangeError(`${images} training images are too few to choose a ridge by: give one.`);
  }
  const centre = centreOf(train, images);
  const order = shuffled(images, randomStream(seed)), count = Math.floor(images / 10);
  const heldOut = momentsOf(train, order.subarray(0, count), centre);
  const fitted = momentsOf(train, order.subarray(count), centre);
  const chooseRidge = (): number => {
    const error = RIDGES.map((ridge) => meanSquaredError(heldOut, width, ridgeWeights(fitted, width, ridge)));
    return RIDGES[error.indexOf(Math.min(...error))];
  };
  const chosen = ridge ?? chooseRidge();
  const w = ridgeWeights(joined(fitted, heldOut), width, chosen);
  return {
    ...{ tokens, width, ridge: chosen },
    means: centre.targets,
    predict(values) {
      const predictions = new Float32Array(values.length / width), z = new Float32Array(tokens * width);
      for (let i = 0; i < predictions.length; i++) {
        const p = i % tokens;
        if (p === 0) standardise({ values, tokens, width }, i / tokens, centre, z);
        let sum = centre.targets[p];
        for (let j = 0; j < width; j++) sum += w[j] * z[p * width + j];
        predictions[i] = sum;
      }
      return predictions;
    },
  };
}

/**
 * How well a layer reads from tokens that it was not fitted to, beside each patch's mean: what counts is what tokens say of
 * their image, not whether they know their place, which is all that the baseline knows.
 *
 * @throws RangeError where the tokens are others than the layer was fitted to, or the targets are not above 0 or do not
 *   differ from the baseline
 */
export function measureDenseLayer(
  { tokens, width, ridge, means, predict }: DenseLayer,
  test: DenseExamples,
): DenseProbeResult {
  checkExamples("test", test);
  if (test.tokens !== tokens || test.width !== width) {
    throw new RangeError(
      `The training set has ${tokens} tokens of ${width} an image, the test set ${test.tokens} of ${test.width}.`,
    );
  }
  const predictions = predict(test.values), own = errors(predictions, test.targets);
  const baseline = errors(test.targets.map((_, i) => means[i % tokens]), test.targets);
  if (baseline.rmse === 0) {
    throw new RangeError("The test targets are the training means: there is nothing to predict.");
  }
  return {
    rmse: own.rmse,
    baselineRmse: baseline.rmse,
    r2: 1 - (own.rmse / baseline.rmse) ** 2,
    relativeError: own.relative,
    baselineRelativeError: baseline.relative,
    ridge,
    predictions,
  };
}

/**
 * Fits a layer and measures it: fitDenseLayer(), then measureDenseLayer().
 *
 * @throws RangeError as they do
 */
export function denseProbe(train: DenseExamples, test: DenseExamples, options?: DenseProbeOptions): DenseProbeResult {
  return measureDenseLayer(fitDenseLayer(train, options), test);
}

/**
 * The pixels of each patch as its token, the baseline of the dense probe: centre-cropped images, divided by 255.
 *
 * @param size height and width to bring the images to
 * @param patch side of a patch, which must divide `size`
 * @returns width is patch * patch * channels
 * @throws RangeError unless the patches fit
 */
export async function pixelTokens(dataset: Dataset, size: number, patch: number): Promise<TokenFeatures> {
  const grid = size / patch;
  if (!Number.isSafeInteger(grid)) throw new RangeError(`Patches of ${patch} pixels do not divide images of ${size}.`);
  const { channels = 3 } = dataset, length = size * size * channels;
  const values = new Float32Array(dataset.length * length), labels = new Int32Array(dataset.length);
  for (const indices of inChunks(everyRow(dataset.length), 256)) {
    const batch = await dataset.centred(indices, size), start = indices[0];
    labels.set(batch.labels, start);
    const patches = tf.tidy(() => {
      const images = pixelTensor(batch.pixels, indices.length, size);
      return patchify(images, patch, { mean: [0], deviation: [1] }).dataSync<"float32">();
    });
    values.set(patches, start * length);
  }
  return { values, tokens: grid * grid, width: patch * patch * channels, labels };
}
