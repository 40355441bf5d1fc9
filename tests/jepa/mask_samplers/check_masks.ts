/**
 * What every mask sampler must keep to, as assertions that the samplers' tests share.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { contextOf, type Grid, type Masks, targetBlock } from "../../../lib/jepa/masks.ts";

/** Every index is in the grid, every row ascends, and no context patch is one of its image's targets. */
export function checkMasks(masks: Masks, grid: Grid): void {
  const patches = grid[0] * grid[1];
  assertEquals(masks.context.length, masks.batch * masks.contextLength);
  assertEquals(masks.targets.length, masks.blocks * masks.batch * masks.targetLength);
  assert(masks.contextLength > 0 && masks.targetLength > 0);
  for (let i = 0; i < masks.batch; i++) {
    const context = contextOf(masks, i);
    checkRow(context, patches);
    for (let m = 0; m < masks.blocks; m++) {
      const target = targetBlock(masks, m, i);
      checkRow(target, patches);
      assert(!target.some((patch) => context.includes(patch)), `image ${i}: target block ${m} overlaps the context`);
    }
  }
}

function checkRow(row: Int32Array, patches: number): void {
  for (let k = 0; k < row.length; k++) {
    assert(row[k] >= 0 && row[k] < patches, `patch ${row[k]} is outside the grid`);
    assert(k === 0 || row[k] > row[k - 1], `${row} does not ascend`);
  }
}

/** Height and width of the rectangle that the patches fill; fails where they do not fill one. */
export function rectangle(patches: Int32Array, [, gridWidth]: Grid): [height: number, width: number] {
  const rows = Array.from(patches, (patch) => Math.floor(patch / gridWidth));
  const columns = Array.from(patches, (patch) => patch % gridWidth);
  const height = Math.max(...rows) - Math.min(...rows) + 1, width = Math.max(...columns) - Math.min(...columns) + 1;
  assertEquals(height * width, new Set(patches).size, `${patches} is no rectangle`);
  return [height, width];
}

/** The grid's symmetries as permutations of the patches: flips of rows and columns, transposition where square. */
export function symmetries([height, width]: Grid): ((patch: number) => number)[] {
  const flipRows = (patch: number) => (height - 1 - Math.floor(patch / width)) * width + patch % width;
  const flipColumns = (patch: number) => patch - 2 * (patch % width) + width - 1;
  const transpose = (patch: number) => (patch % width) * width + Math.floor(patch / width);
  const flips = [(p: number) => p, flipRows, flipColumns, (p: number) => flipRows(flipColumns(p))];
  return height === width ? [...flips, ...flips.map((flip) => (p: number) => flip(transpose(p)))] : flips;
}

/**
 * The counts, each of up to `images` images, agree with their mirror images under every symmetry of the grid to within
 * 5 standard deviations of the difference of two binomial counts.
 */
export function checkSymmetric(counts: Uint32Array, images: number, grid: Grid): void {
  for (const symmetry of symmetries(grid)) {
    counts.forEach((count, patch) => {
      const mirrored = counts[symmetry(patch)], p = (count + mirrored) / 2 / images;
      const tolerance = 5 * Math.sqrt(2 * images * p * (1 - p)) + 1;
      assert(Math.abs(count - mirrored) <= tolerance, `patch ${patch}: ${count} against ${mirrored} of ${images}`);
    });
  }
}
