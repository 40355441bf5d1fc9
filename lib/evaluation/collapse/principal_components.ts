/**
 * Principal components: the few directions along which features differ most, to look at what they hold.
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import type { FeatureRows } from "./collapse.ts";
import type { TokenFeatures } from "../features/features.ts";
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

/** Share of a vector's length below which what is left of it is rounding errors. */
const NOTHING = 1e-8;

/** The vector brought to length 1, in place, and its length before. */
function normalise(v: Float64Array): number {
  const length = Math.hypot(...v);
  if (length > 0) v.forEach((value, i) => v[i] = value / length);
  return length;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a v, of a matrix [n, n]. */
function product(a: Float64Array, v: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from(v, (_, i) => dot(a.subarray(i * v.length, (i + 1) * v.length), v));
}

/** The vector less its shares of orthonormal others, in place: once more for what rounding left of them. */
function projectOut(v: Float64Array, others: readonly Float64Array[]): void {
  for (let time = 0; time < 2; time++) {
    for (const other of others) {
      const share = dot(v, other);
      for (let i = 0; i < v.length; i++) v[i] -= share * other[i];
    }
  }
}

/** A random direction that is orthogonal to orthonormal others, which are fewer than it has numbers. */
function drawOrthogonal(n: number, others: readonly Float64Array[], random: Random): Float64Array<ArrayBuffer> {
  for (;;) {
    const v = Float64Array.from({ length: n }, () => random.normal());
    normalise(v);
    projectOut(v, others);
    if (normalise(v) > NOTHING) {
      projectOut(v, others); // The shorter it was, the more of them is in it again.
      normalise(v);
      return v;
    }
  }
}

/**
 * The direction of largest variance among those orthogonal to orthonormal others, and its variance, by power iteration
 * with a covariance [n, n]. From a random start, for any other one might be orthogonal to that direction.
 */
function leading(a: Float64Array, n: number, others: readonly Float64Array[], random: Random) {
  let vector = drawOrthogonal(n, others, random), total = 0;
  for (let i = 0; i < n; i++) total += a[i * n + i];
  for (let k = 0, moved = 1; k < ITERATIONS && moved > 1e-20; k++) {
    const next = product(a, vector);
    projectOut(next, others);
    // Where the others have all the variance but rounding errors, any direction is as good.
    if (!(normalise(next) > n * Number.EPSILON * total)) break;
    moved = next.reduce((sum, x, i) => sum + (x - vector[i]) ** 2, 0);
    vector = next;
  }
  return { vector, variance: Math.max(0, dot(vector, product(a, vector))) };
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
  const random = randomStream(0), found: ReturnType<typeof leading>[] = [];
  while (found.length < count) found.push(leading(a, width, found.map(({ vector }) => vector), random));
  // Of almost the same variance, the lesser may have been found first.
  found.sort((a, b) => b.variance - a.variance);
  const directions = new Float64Array(count * width);
  found.forEach(({ vector }, c) => {
    const largest = vector.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a);
    directions.set(largest < 0 ? vector.map((x) => -x) : vector, c * width);
  });
  return { mean, directions, variances: Float64Array.from(found, ({ variance }) => variance), totalVariance };
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
