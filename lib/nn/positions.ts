/**
 * Fixed sine-cosine positions of images and clips, as in the authors' code (after MAE, He et al. 2022, appendix A.1), and
 * positions for another grid than the one they were made for.
 *
 * @module
 */

/** Sines, then cosines, of a coordinate at `size / 2` frequencies 10000^(-i / (size / 2)). */
function encodeCoordinate(position: number, size: number): number[] {
  const half = size / 2;
  const angles = Array.from({ length: half }, (_, i) => position / 10000 ** (i / half));
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}

/**
 * Position embeddings of a square grid, [grid * grid, width] in raster order. The first half of the vector encodes the
 * column, the second the row (MAE's code calls the first "h" but feeds it the columns; checkpoints hold it so).
 *
 * @throws RangeError where the width is not a multiple of 4.
 */
export function sineCosinePositions(width: number, grid: number): Float32Array<ArrayBuffer> {
  if (width % 4 !== 0) throw new RangeError(`Sine-cosine positions need a width that 4 divides; got ${width}.`);
  const positions = new Float32Array(grid * grid * width);
  for (let row = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++) {
      const vector = [...encodeCoordinate(column, width / 2), ...encodeCoordinate(row, width / 2)];
      positions.set(vector, (row * grid + column) * width);
    }
  }
  return positions;
}

/**
 * Position embeddings of a clip's grid, [times * side * side, width], the first time's places first: time, row and column by
 * equal parts, each of 2 ceil(width / 6) numbers, of which those beyond the width are cut off. V-JEPA's code calls that
 * "uniform power" (Bardes et al. 2024, arXiv 2404.08471; facebookresearch/jepa, src/models/utils/pos_embs.py).
 *
 * @throws RangeError where the width is not even
 */
export function clipPositions(width: number, times: number, side: number): Float32Array<ArrayBuffer> {
  if (width % 2 !== 0) throw new RangeError(`Sine-cosine positions of clips need an even width; got ${width}.`);
  const part = 2 * Math.ceil(width / 6), positions = new Float32Array(times * side * side * width);
  for (let place = 0; place < times * side * side; place++) {
    const time = Math.floor(place / (side * side)), row = Math.floor(place / side) % side, column = place % side;
    const vector = [time, row, column].flatMap((coordinate) => encodeCoordinate(coordinate, part));
    positions.set(vector.slice(0, width), place * width);
  }
  return positions;
}

/** Weights of the four neighbours at `-1 .. 2` from a place `t` behind the second: Keys' cubic convolution, a = -0.75. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** For each of `to` places: the neighbours among `from`, the borders repeated, and their weights. */
function cubicTaps(from: number, to: number): { places: number[]; weights: number[] }[] {
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * from / to - 0.5;
    const first = Math.floor(centre);
    const places = [-1, 0, 1, 2].map((step) => Math.min(Math.max(first + step, 0), from - 1));
    return { places, weights: cubicWeights(centre - first) };
  });
}

/**
 * Position embeddings for another grid, as for images of another size: bicubic, without antialiasing, grids aligned at
 * their borders. So do transformers' `interpolate_pos_encoding` and PyTorch's F.interpolate(mode="bicubic",
 * align_corners=False).
 *
 * @param positions [rows * columns, D] in raster order
 * @param from its [rows, columns]
 * @param to the new [rows, columns]
 * @returns [rows * columns, D] of the new grid
 * @throws RangeError where the positions are not as many rows as the grid has places
 */
export function interpolatePositions(
  positions: Float32Array,
  from: readonly [number, number],
  to: readonly [number, number],
): Float32Array<ArrayBuffer> {
  const width = positions.length / (from[0] * from[1]);
  if (!Number.isInteger(width)) {
    throw new RangeError(`${positions.length} numbers are no vectors for the places of a ${from.join(" x ")} grid.`);
  }
  const [rows, columns] = [cubicTaps(from[0], to[0]), cubicTaps(from[1], to[1])];
  const interpolated = new Float32Array(to[0] * to[1] * width);
  const vector = new Float64Array(width);
  rows.forEach((row, r) =>
    columns.forEach((column, c) => {
      vector.fill(0);
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 4; j++) {
          const weight = row.weights[i] * column.weights[j];
          const start = (row.places[i] * from[1] + column.places[j]) * width;
          for (let d = 0; d < width; d++) vector[d] += weight * positions[start + d];
        }
      }
      interpolated.set(vector, (r * to[1] + c) * width);
    })
  );
  return interpolated;
}
