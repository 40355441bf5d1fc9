/**
 * Rectangular blocks of patches: which shapes a grid can hold, where they are placed and which patches they cover.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import type { Grid } from "../masks.ts";

/** An interval, both ends included. */
export type Range = readonly [min: number, max: number];

/** Height and width of a block, in patches. */
export type BlockShape = readonly [height: number, width: number];

/** A block at its place in a grid: rows top .. top + height - 1, columns left .. left + width - 1. */
export interface Block {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Throws RangeError unless the grid has at least 2 x 2 patches. */
export function checkGrid([height, width]: Grid): void {
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 2 || width < 2) {
    throw new RangeError(
      `A mask sampler needs a grid of at least 2 x 2 patches; got ${height} x ${width}: ` +
        `make the image larger or its patches smaller.`,
    );
  }
}

/** Throws RangeError unless 0 < min <= max <= limit; `name` is the option's, for the message. */
export function checkRange(name: string, [min, max]: Range, limit: number): void {
  if (!(min > 0 && min <= max && max <= limit)) {
    const bounds = limit === Infinity ? "0 < min <= max" : `0 < min <= max <= ${limit}`;
    throw new RangeError(`${name} must be [min, max] with ${bounds}; got [${min}, ${max}].`);
  }
}

/** Throws RangeError unless `value` is a whole number of at least `min`. */
export function checkInteger(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min) {
    throw new RangeError(`${name} must be a whole number of at least ${min}; got ${value}.`);
  }
}

/**
 * Every block shape of one and the same area, so that all target blocks of a run have equally many patches. Of the
 * areas whose share of the grid lies in `scale`, one is chosen for which the shapes with height / width in `aspect` are
 * the same set when transposed (no preference for upright blocks), then are most numerous, then lie nearest to the
 * middle of `scale`. For example 8 x 8: 3 x 4 and 4 x 3; 14 x 14: 5 x 6 and 6 x 5; 16 x 16: 6 x 7 and 7 x 6.
 *
 * @throws RangeError where no whole number of patches satisfies both ranges.
 */
export function blockShapesOfOneArea(grid: Grid, scale: Range, aspect: Range): BlockShape[] {
  const patches = grid[0] * grid[1];
  const middle = patches * (scale[0] + scale[1]) / 2;
  const shapesByArea = new Map<number, BlockShape[]>();
  for (let height = 1; height <= grid[0]; height++) {
    for (let width = 1; width <= grid[1]; width++) {
      const area = height * width;
      if (area === patches || !within(height / width, aspect)) continue;
      shapesByArea.set(area, [...shapesByArea.get(area) ?? [], [height, width]]);
    }
  }

  const rank = (area: number, shapes: BlockShape[]) => [
    Number(shapes.every(([h, w]) => shapes.some(([h2, w2]) => h === w2 && w === h2))),
    shapes.length,
    -Math.abs(area - middle),
  ];
  const candidates = [...shapesByArea].filter(([area]) => within(area / patches, scale));
  candidates.sort((a, b) => {
    const rankA = rank(...a), rankB = rank(...b);
    const k = rankA.findIndex((value, i) => value !== rankB[i]);
    return k < 0 ? 0 : rankB[k] - rankA[k];
  });
  if (candidates.length > 0) return candidates[0][1];

  const [nearest] = [...shapesByArea].sort(([a], [b]) => Math.abs(a - middle) - Math.abs(b - middle));
  const hint = nearest
    ? `the nearest is ${nearest[1][0].join(" x ")}, scale ${(nearest[0] / patches).toFixed(3)}`
    : "no scale would do with that aspect";
  throw new RangeError(
    `No block of whole patches on a ${grid.join(" x ")} grid has a scale in [${scale}] and an aspect ` +
      `(height / width) in [${aspect}]; ${hint}.`,
  );
}

/** Allows for the rounding of quotients such as 0.15 = 15 / 100. */
function within(value: number, [min, max]: Range): boolean {
  return value >= min - 1e-9 && value <= max + 1e-9;
}

/** A block of the given shape, its place uniform over all those in the grid. */
export function placeBlock([height, width]: BlockShape, grid: Grid, random: Random): Block {
  return {
    top: random.integer(grid[0] - height + 1),
    left: random.integer(grid[1] - width + 1),
    height,
    width,
  };
}

/** The block's patches, ascending. */
export function patchesOf(block: Block, [, gridWidth]: Grid): Int32Array {
  const { top, left, height, width } = block;
  const patches = new Int32Array(height * width);
  for (let row = 0, k = 0; row < height; row++) {
    for (let column = 0; column < width; column++) patches[k++] = (top + row) * gridWidth + left + column;
  }
  return patches;
}

/** The patches of `block` that lie in none of the `removed` blocks, ascending. */
export function patchesOutside(block: Block, removed: readonly Block[], grid: Grid): Int32Array {
  return patchesOf(block, grid).filter((patch) => {
    const row = Math.floor(patch / grid[1]), column = patch % grid[1];
    return !removed.some((b) =>
      row >= b.top && row < b.top + b.height && column >= b.left && column < b.left + b.width
    );
  });
}
