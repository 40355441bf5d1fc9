/**
 * Which images an encoder finds alike: the nearest by their representations.
 *
 * @module
 */

/** The nearest rows of a bank, for each query from the nearest on. */
export interface Neighbours {
  /** [Q, k], rows of the bank. */
  indices: Int32Array<ArrayBuffer>;
  /** [Q, k], cosines, in -1 .. 1. */
  similarities: Float32Array<ArrayBuffer>;
}

/** Rows [N, width] less the mean of `of`'s, each brought to length 1; a row that is the mean itself becomes zeros. */
export function centredDirections(rows: Float32Array, of: Float32Array, width: number): Float64Array<ArrayBuffer> {
  const mean = new Float64Array(width), unit = Float64Array.from(rows);
  for (let i = 0; i < of.length; i++) mean[i % width] += of[i] * width / of.length;
  for (let i = 0; i < unit.length; i += width) {
    let square = 0;
    for (let j = i; j < i + width; j++) square += (unit[j] -= mean[j - i]) ** 2;
    for (let j = i; j < i + width; j++) unit[j] /= Math.sqrt(square) || 1;
  }
  return unit;
}

/**
 * The rows of a bank that are most similar to each query, by the cosine after the bank's mean is taken off both: without
 * that, what all images share decides. Of equally similar rows the earlier counts as nearer.
 *
 * @param queries [Q, width], row-major, e.g. of representImages()
 * @param bank [N, width], of the same encoder
 * @throws RangeError where these are no rows of that width, or k is not in 1 .. N
 */
export function nearestNeighbours(queries: Float32Array, bank: Float32Array, width: number, k: number): Neighbours {
  const count = queries.length / width, rows = bank.length / width;
  if (!Number.isInteger(count) || !Number.isInteger(rows)) {
    throw new RangeError(`${queries.length} and ${bank.length} numbers are no rows of ${width}.`);
  }
  if (!Number.isSafeInteger(k) || k < 1 || k > rows) {
    throw new RangeError(`There are 1 to ${rows} nearest of ${rows} rows; got ${k}.`);
  }
  const q = centredDirections(queries, bank, width), b = centredDirections(bank, bank, width);
  const indices = new Int32Array(count * k), similarities = new Float32Array(count * k);
  for (let i = 0; i < count; i++) {
    const nearest: { row: number; similarity: number }[] = [];
    for (let row = 0; row < rows; row++) {
      let similarity = 0;
      for (let j = 0; j < width; j++) similarity += q[i * width + j] * b[row * width + j];
      if (nearest.length === k && similarity <= nearest[k - 1].similarity) continue;
      const farther = nearest.findIndex((other) => similarity > other.similarity);
      nearest.splice(farther < 0 ? nearest.length : farther, 0, { row, similarity });
      nearest.length = Math.min(nearest.length, k);
    }
    nearest.forEach(({ row, similarity }, n) => {
      indices[i * k + n] = row;
      similarities[i * k + n] = similarity;
    });
  }
  return { indices, similarities };
}
