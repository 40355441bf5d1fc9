/**
 * Principal components: the few directions along which features differ most, to look at what they hold.
 *
 * @module
 */
import type { FeatureRows } from "./collapse.ts";
import type { TokenFeatures } from "./features.ts";
import { scatter } from "./symmetric_matrix.ts";

/** The directions of largest variance. */
export interface PrincipalComponents {
  /** [width], of the rows. */
  mean: Float64Array<ArrayBuffer>;
  /** [count, width], orthonormal, the largest variance first. The largest number of each is positive. */
  directions: Float64Array<ArrayBuffer>;
  /** [count], along each. */
  variances: Float64Array<ArrayBuffer>;
  /** Of all directions together. */
  totalVariance: number;
}

/** Products with the matrix at most; what is left then differs between directions of almost the same variance alone. */
const ITERATIONS = 2000;

/** The vector brought to length 1, in place, and its length before. */
function normalise(v: Float64Array): number {
  const length = Math.hypot(...v);
  if (length > 0) v.forEach((value, i) => v[i] = value / length);
  return length;
}

/** The eigenvector of the largest eigenvalue of a symmetric positive semidefinite matrix [n, n], by power iteration. */
function leading(a: Float64Array, n: number): { vector: Float64Array<ArrayBuffer>; value: number } {
  let widest = 0;
  for (let i = 1; i < n; i++) if (a[i * n + i] > a[widest * n + widest]) widest = i;
  // Its image of that axis: not zero, unless the matrix is.
  let vector = a.slice(widest * n, (widest + 1) * n), value = 0;
  if (normalise(vector) === 0) {
    vector[widest] = 1;
    return { vector, value };
  }
  for (let k = 0, moved = 1; k < ITERATIONS && moved > 1e-20; k++) {
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += a[i * n + j] * vector[j];
      next[i] = sum;
    }
    value = normalise(next);
    moved = next.reduce((sum, x, i) => sum + (x - vector[i]) ** 2, 0);
    vector = next;
  }
  return { vector, value };
}

/**
 * The principal components of features, in float64. Deterministic. The rows can be the patches of TokenFeatures too.
 *
 * @param count how many, at most as many as the rows are wide
 * @throws {RangeError} where there is no row, or not that many directions
 */
export function principalComponents({ values, width }: FeatureRows, count: number): PrincipalComponents {
  const rows = values.length / width;
  if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`${values.length} numbers are no rows of ${width}.`);
  if (!Number.isSafeInteger(count) || count < 1 || count > width) {
    throw new RangeError(`Rows of ${width} have 1 to ${width} principal components; got ${count}.`);
  }
  const mean = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width] += values[i] / rows;
  const a = scatter(values, width, mean, 1 / rows);
  let totalVariance = 0;
  for (let i = 0; i < width; i++) {
    totalVariance += a[i * width + i];
    for (let j = 0; j < i; j++) a[j * width + i] = a[i * width + j];
  }
  const directions = new Float64Array(count * width), variances = new Float64Array(count);
  for (let c = 0; c < count; c++) {
    const { vector, value } = leading(a, width);
    // What rounding left of the directions before.
    for (let b = 0; b < c; b++) {
      const before = directions.subarray(b * width, (b + 1) * width);
      const share = vector.reduce((sum, x, i) => sum + x * before[i], 0);
      before.forEach((x, i) => vector[i] -= share * x);
    }
    normalise(vector);
    const largest = vector.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a);
    directions.set(largest < 0 ? vector.map((x) => -x) : vector, c * width);
    variances[c] = value;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) a[i * width + j] -= value * vector[i] * vector[j];
    }
  }
  return { mean, directions, variances, totalVariance };
}

/**
 * Where rows lie along the components: [rows, count].
 *
 * @throws {RangeError} where the rows are not as wide as the components
 */
export function componentScores(
  { values, width }: FeatureRows,
  { mean, directions }: PrincipalComponents,
): Float64Array<ArrayBuffer> {
  if (width !== mean.length) throw new RangeError(`Rows of ${width} have no components of ${mean.length}.`);
  const count = directions.length / width, rows = values.length / width, scores = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < count; c++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (values[row * width + j] - mean[j]) * directions[c * width + j];
      scores[row * count + c] = sum;
    }
  }
  return scores;
}

/** Tokens less the mean over the images at their place: what they say of their image, and not where they are. */
export function lessPlace({ values, tokens, width, labels }: TokenFeatures): TokenFeatures {
  const size = tokens * width, images = values.length / size, mean = new Float64Array(size);
  for (let i = 0; i < values.length; i++) mean[i % size] += values[i] / images;
  return { values: values.map((value, i) => value - mean[i % size]), tokens, width, labels };
}
