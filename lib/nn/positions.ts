/**
 * Fixed two-dimensional sine-cosine positions, as in the authors' code (after MAE, He et al. 2022, appendix A.1).
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
