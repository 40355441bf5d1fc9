/**
 * Eigenvalues and linear systems of symmetric matrices in float64, which TensorFlow's float32 is too coarse for: small
 * eigenvalues of a covariance are differences of large numbers.
 *
 * @module
 */

/** A symmetric matrix [n, n], row-major; the lower triangle counts. */
export type SymmetricMatrix = Float64Array<ArrayBuffer>;

/** sum of (row - mean)(row - mean)^T over the rows of values [N, width] times `scale`: [width, width]. */
export function scatter(values: ArrayLike<number>, width: number, mean: ArrayLike<number>, scale = 1): SymmetricMatrix {
  const sum = new Float64Array(width * width), centred = new Float64Array(width);
  for (let start = 0; start < values.length; start += width) {
    for (let i = 0; i < width; i++) centred[i] = values[start + i] - mean[i];
    for (let i = 0; i < width; i++) {
      const factor = scale * centred[i], row = i * width;
      for (let j = 0; j <= i; j++) sum[row + j] += factor * centred[j];
    }
  }
  return sum;
}

/** a + lambda I. */
export function withRidge(a: SymmetricMatrix, n: number, lambda: number): SymmetricMatrix {
  return a.map((value, i) => i % (n + 1) === 0 ? value + lambda : value);
}

/** L of a = L L^T (Cholesky), lower triangular [n, n]; `a` must be positive definite. */
function cholesky(a: SymmetricMatrix, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j];
      for (let k = 0; k < j; k++) rest -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i === j ? Math.sqrt(rest) : rest / l[j * n + j];
    }
  }
  return l;
}

/**
 * x of a x = b, for a positive definite matrix.
 *
 * @param b [n]
 * @throws RangeError where the matrix is not positive definite
 */
export function solvePositive(a: SymmetricMatrix, b: Float64Array, n: number): Float64Array<ArrayBuffer> {
  return solveEach(a, [b], n)[0];
}

/** solvePositive() for several right sides, of one decomposition. */
export function solveEach(a: SymmetricMatrix, rights: readonly Float64Array[], n: number): Float64Array<ArrayBuffer>[] {
  const l = cholesky(a, n);
  for (let i = 0; i < n; i++) {
    if (!(l[i * n + i] > 0)) throw new RangeError(`A matrix is not positive definite, as its row ${i} shows.`);
  }
  return rights.map((b) => {
    const x = Float64Array.from(b);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
      x[i] /= l[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] -= l[k * n + i] * x[k];
      x[i] /= l[i * n + i];
    }
    return x;
  });
}

/** Rows x of b [n, n] become the solutions of L y = x, in place: b <- b L^-T. */
function solveRows(l: Float64Array, b: Float64Array, n: number): void {
  for (let row = 0; row < n * n; row += n) {
    for (let j = 0; j < n; j++) {
      let rest = b[row + j];
      for (let k = 0; k < j; k++) rest -= l[j * n + k] * b[row + k];
      b[row + j] = rest / l[j * n + j];
    }
  }
}

function transpose(b: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) [b[i * n + j], b[j * n + i]] = [b[j * n + i], b[i * n + j]];
  }
}

/**
 * L^-1 b L^-T of w = L L^T: it has the eigenvalues of w^-1/2 b w^-1/2, for both are similar to w^-1 b.
 *
 * @param w positive definite
 */
export function whitened(b: SymmetricMatrix, w: SymmetricMatrix, n: number): SymmetricMatrix {
  const l = cholesky(w, n), full = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) full[j * n + i] = full[i * n + j];
  }
  solveRows(l, full, n);
  transpose(full, n);
  solveRows(l, full, n);
  return full;
}

/**
 * Diagonal d [n] and off-diagonal e [n - 1] of a tridiagonal matrix with the eigenvalues of `a`, by Householder
 * reflections (Golub and Van Loan, Matrix Computations, 8.3.1).
 */
function tridiagonal(a: SymmetricMatrix, n: number): { d: Float64Array; e: Float64Array } {
  const rest = a.slice(), d = new Float64Array(n), e = new Float64Array(Math.max(0, n - 1));
  const v = new Float64Array(n), w = new Float64Array(n);
  // From the last row up, so that what remains is a leading block, whose rows are contiguous.
  for (let m = n - 1; m > 0; m--) {
    const row = m * n;
    d[m] = rest[row + m];
    let others = 0;
    for (let j = 0; j < m - 1; j++) others += (v[j] = rest[row + j]) ** 2;
    const last = e[m - 1] = rest[row + m - 1];
    if (others === 0) continue;
    // The reflection of v onto its last axis; of the two the one that does not cancel.
    e[m - 1] = (last > 0 ? -1 : 1) * Math.sqrt(others + last ** 2);
    v[m - 1] = last - e[m - 1];
    const beta = 2 / (others + v[m - 1] ** 2);

    w.fill(0, 0, m);
    for (let i = 0; i < m; i++) {
      const start = i * n, vi = v[i];
      let sum = rest[start + i] * vi;
      for (let j = 0; j < i; j++) {
        const value = rest[start + j];
        sum += value * v[j];
        w[j] += value * vi;
      }
      w[i] += sum;
    }
    let product = 0;
    for (let i = 0; i < m; i++) product += v[i] * (w[i] *= beta);
    for (let i = 0; i < m; i++) w[i] -= beta * product / 2 * v[i];
    for (let i = 0; i < m; i++) {
      const start = i * n, vi = v[i], wi = w[i];
      for (let j = 0; j <= i; j++) rest[start + j] -= vi * w[j] + wi * v[j];
    }
  }
  d[0] = rest[0];
  return { d, e };
}

/**
 * The eigenvalues of a symmetric matrix, ascending: Householder reflections to tridiagonal form, then the implicit QR
 * method with Wilkinson's shift (Golub and Van Loan, 8.3.3). Absolute errors are near 1e-16 of the largest. O(n^3): 3 s
 * for n = 1,280.
 *
 * @param a [n, n], row-major; its lower triangle is read, and stays as it is
 * @throws RangeError where an element is not finite
 */
export function symmetricEigenvalues(a: SymmetricMatrix, n: number): Float64Array<ArrayBuffer> {
  const broken = a.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw new RangeError(`Element ${broken} of a matrix is ${a[broken]}: it has no eigenvalues.`);
  const { d, e } = tridiagonal(a, n);
  const negligible = (i: number) => Math.abs(e[i]) <= Number.EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1]));
  for (let high = n - 1; high > 0;) {
    if (negligible(high - 1)) {
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !negligible(low - 1)) low--;
    // Wilkinson's shift: the eigenvalue of the last 2 x 2 block that is nearer to its last element.
    const half = (d[high - 1] - d[high]) / 2, off = e[high - 1];
    const shift = d[high] - off ** 2 / (half + (half < 0 ? -1 : 1) * Math.hypot(half, off));
    let x = d[low] - shift, bulge = e[low];
    for (let k = low; k < high; k++) {
      const r = Math.hypot(x, bulge), c = r === 0 ? 1 : x / r, s = r === 0 ? 0 : bulge / r;
      if (k > low) e[k - 1] = r;
      const a = d[k], b = e[k], g = d[k + 1];
      d[k] = c * c * a + 2 * c * s * b + s * s * g;
      d[k + 1] = s * s * a - 2 * c * s * b + c * c * g;
      e[k] = x = c * s * (g - a) + (c * c - s * s) * b;
      if (k < high - 1) {
        bulge = s * e[k + 1];
        e[k + 1] *= c;
      }
    }
  }
  return Float64Array.from(d).sort();
}
