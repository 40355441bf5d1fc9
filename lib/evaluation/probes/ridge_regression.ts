/**
 * Ridge regression in closed form: how well a linear layer reads numbers from features.
 *
 * @module
 */
import { scatter, solveEach, withRidge } from "../collapse/symmetric_matrix.ts";

/** Features, and what is to be read from them. */
export interface RegressionRows {
  /** [S, width], row-major. */
  values: Float32Array;
  /** Length of a feature vector, D. */
  width: number;
  /** [S, K], row-major. */
  targets: Float32Array;
}

/** How well the layer reads. */
export interface RidgeResult {
  /** 1 - squared error / variance around the mean of the test rows, averaged over the K targets; 1 is perfect. */
  r2: number;
  /** The lambda that was chosen. */
  ridge: number;
}

/** What lambda is chosen from. */
const RIDGES = [10, 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5];

/** Means, and one over the deviations, of columns; 0 where a column does not vary. */
interface Columns {
  mean: Float64Array;
  scale: Float64Array;
}

function columnsOf(values: Float32Array, width: number): Columns {
  const rows = values.length / width, mean = new Float64Array(width), squares = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width] += values[i] / rows;
  for (let i = 0; i < values.length; i++) squares[i % width] += (values[i] - mean[i % width]) ** 2 / rows;
  const scale = squares.map((square, j) => square > 1e-12 * (1 + mean[j] ** 2) ? 1 / Math.sqrt(square) : 0);
  return { mean, scale };
}

/** (x - mean) * scale, column by column. */
const standardised = (values: Float32Array, { mean, scale }: Columns): Float32Array =>
  values.map((value, i) => (value - mean[i % mean.length]) * scale[i % mean.length]);

/** The layer W [K, D] that minimises |Z W^T - Y|^2 / S + lambda |W|^2 for each lambda; Z and Y are standardised. */
function fitted(z: Float32Array, y: Float32Array, width: number, ridges: readonly number[]): Float64Array[] {
  const rows = z.length / width, count = y.length / rows;
  const gram = scatter(z, width, new Float64Array(width), 1 / rows); // [D, D], in float64: features may be collinear
  const cross = new Float64Array(count * width); // [K, D]
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < count; k++) {
      for (let j = 0; j < width; j++) cross[k * width + j] += y[row * count + k] * z[row * width + j] / rows;
    }
  }
  const rights = Array.from({ length: count }, (_, k) => cross.subarray(k * width, (k + 1) * width));
  return ridges.map((ridge) => {
    const w = new Float64Array(count * width);
    solveEach(withRidge(gram, width, ridge), rights, width).forEach((own, k) => w.set(own, k * width));
    return w;
  });
}

/** R^2 of Y = Z W^T, averaged over the targets. */
function r2Of(w: Float64Array, z: Float32Array, y: Float32Array, width: number): number {
  const rows = z.length / width, count = y.length / rows, { mean } = columnsOf(y, count);
  const errors = new Float64Array(count), squares = new Float64Array(count);
  for (let i = 0; i < y.length; i++) {
    const row = Math.floor(i / count), k = i % count;
    let sum = 0;
    for (let j = 0; j < width; j++) sum += w[k * width + j] * z[row * width + j];
    errors[k] += (y[i] - sum) ** 2;
    squares[k] += (y[i] - mean[k]) ** 2;
  }
  return errors.reduce((sum, error, k) => sum + (1 - error / squares[k]) / count, 0);
}

/**
 * Fits a linear layer to standardised features and targets by ridge regression in closed form, and measures it on the test
 * rows. lambda is that of 10, 1, ... 1e-5 whose layer does best on the rows that are held out, on which the layer is not
 * fitted again. Rows of one clip or image belong into one of the three sets.
 *
 * @throws RangeError where the sets do not fit together, one is empty, or a target does not vary in one
 */
export function ridgeRegression(train: RegressionRows, heldOut: RegressionRows, test: RegressionRows): RidgeResult {
  const { width } = train, count = train.targets.length / (train.values.length / width);
  for (const [name, { values, width: own, targets }] of Object.entries({ train, heldOut, test })) {
    const rows = values.length / own;
    if (!(own === width && rows > 0 && Number.isInteger(rows) && targets.length === rows * count)) {
      throw new RangeError(
        `The rows of "${name}" are ${rows} of ${own} numbers with ${targets.length} targets, which do not fit the others.`,
      );
    }
    const still = columnsOf(targets, count).scale.indexOf(0);
    if (still >= 0) {
      throw new RangeError(`Target ${still} of "${name}" is the same in all ${rows} rows: take more rows.`);
    }
  }
  const features = columnsOf(train.values, width), aims = columnsOf(train.targets, count);
  const [fit, chosen, measured] = [train, heldOut, test].map(({ values, targets }) => ({
    z: standardised(values, features),
    y: standardised(targets, aims),
  }));
  const layers = fitted(fit.z, fit.y, width, RIDGES);
  const scores = layers.map((w) => r2Of(w, chosen.z, chosen.y, width)), best = scores.indexOf(Math.max(...scores));
  return { r2: r2Of(layers[best], measured.z, measured.y, width), ridge: RIDGES[best] };
}
