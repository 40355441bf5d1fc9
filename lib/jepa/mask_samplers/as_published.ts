/**
 * Multi-block masks as the authors' code draws them, with what is odd about it, so that their runs can be repeated.
 * `multiBlock` in multi_block.ts is the sampler without these oddities.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import { contextOf, emptyMasks, type Grid, type MaskSampler, targetBlock } from "../masks.ts";
import {
  type Block,
  type BlockShape,
  checkGrid,
  checkInteger,
  checkRange,
  patchesOf,
  patchesOutside,
  type Range,
} from "./blocks.ts";

/** Options of `multiBlockAsPublished`; the defaults are those of the authors' configurations. */
export interface MultiBlockAsPublishedOptions {
  /** Patches down and across an image. */
  grid: Grid;
  /** Target blocks an image, M. Default 4. */
  blocks?: number;
  /** Area of a target block as a share of the grid. Default [0.15, 0.2]. */
  targetScale?: Range;
  /** Height / width of a target block. Default [0.75, 1.5]. */
  targetAspect?: Range;
  /** Area of the context block, before the targets are taken out of it, as a share of the grid. Default [0.85, 1]. */
  contextScale?: Range;
  /** A mask must hold more than this many patches. Default 10; a grid as small as 8 x 8 needs less, e.g. 4. */
  minKeep?: number;
}

/** Places tried before the context is allowed into one target block more. */
const TRIES = 20;

/**
 * Multi-block masks (Section 3 of the paper) as in the authors' code:
 * - The sizes of target and context blocks are drawn once a batch; one number drives both the scale and the aspect of a
 *   size, so the largest blocks are always the tallest.
 * - A block's corner is drawn once an image from [0, H - h) x [0, W - w), so no target ever reaches the last row or
 *   column; a block as high as the grid is made one row smaller, so neither does the context.
 * - The context is its block minus the image's target blocks. Where no more than `minKeep` patches are left, the block
 *   is placed anew; every 20 failures one target block more, the last first, is no longer taken out of the context. So
 *   on a crowded grid a context may hold patches of that image's targets.
 * - All contexts are cut to the shortest of the batch, keeping the first patches in raster order: the bottom rows are
 *   lost, the more so the larger the batch. (On 16 x 16 at batch 128 the mean context is 0.43 of the patches before the
 *   cut and 0.27 after it.)
 *
 * Both lengths vary from batch to batch, and each distinct pair would cost one compilation of the training step: some 100
 * of them in 1,000 batches of 128 on 16 x 16. So a run pads its masks to one of two sizes: see paddedSizes().
 *
 * @throws RangeError for options that no block satisfies, such as targets of `minKeep` patches or fewer, for which the
 * authors' code would never return.
 */
export function multiBlockAsPublished(options: MultiBlockAsPublishedOptions): MaskSampler {
  const { grid, blocks, targetShape, contextShape, drawImage } = drawingAsPublished(options);
  return (batch, random, shared = random) => {
    const target = targetShape(shared.uniform()), context = contextShape(shared.uniform());
    const images = Array.from({ length: batch }, () => drawImage(target, context, random));
    const contextLength = images.reduce((length, { context }) => Math.min(length, context.length), Infinity);
    const masks = emptyMasks({ batch, blocks, contextLength, targetLength: target[0] * target[1] });
    images.forEach(({ context, targets }, i) => {
      contextOf(masks, i).set(context.subarray(0, contextLength));
      targets.forEach((block, m) => targetBlock(masks, m, i).set(patchesOf(block, grid)));
    });
    return masks;
  };
}

/**
 * The parts of a draw: the shapes that a number in [0, 1) selects, once a batch, and one image's blocks.
 *
 * @throws RangeError as multiBlockAsPublished() does.
 */
export function drawingAsPublished(options: MultiBlockAsPublishedOptions): {
  grid: Grid;
  blocks: number;
  targetShape: (u: number) => BlockShape;
  contextShape: (u: number) => BlockShape;
  drawImage: (target: BlockShape, context: BlockShape, random: Random) => { targets: Block[]; context: Int32Array };
} {
  const { grid, blocks = 4, minKeep = 10 } = options;
  const { targetScale = [0.15, 0.2], targetAspect = [0.75, 1.5], contextScale = [0.85, 1] } = options;
  checkGrid(grid);
  checkInteger("blocks", blocks, 1);
  checkInteger("minKeep", minKeep, 0);
  checkRange("targetScale", targetScale, 1);
  checkRange("targetAspect", targetAspect, Infinity);
  checkRange("contextScale", contextScale, 1);

  const targetShape = (u: number) => checkedShape("target", blockShape(u, grid, targetScale, targetAspect));
  const contextShape = (u: number) => checkedShape("context", blockShape(u, grid, contextScale, [1, 1]));
  function checkedShape(name: string, shape: BlockShape): BlockShape {
    if (shape[0] * shape[1] > minKeep) return shape;
    throw new RangeError(
      `On a grid of ${grid.join(" x ")} a ${name} block may be ${shape.join(" x ")}, but a mask must hold more than ` +
        `minKeep = ${minKeep} patches: lower minKeep or raise ${name}Scale.`,
    );
  }
  // So that an impossible size is an error now and not in the middle of a run.
  for (const u of everyNumber()) targetShape(u), contextShape(u);

  const drawImage = (target: BlockShape, context: BlockShape, random: Random) => {
    const targets = Array.from({ length: blocks }, () => placeBlockAsPublished(target, grid, random));
    return { targets, context: placeContext(context, targets, { grid, minKeep, random }) };
  };
  return { grid, blocks, targetShape, contextShape, drawImage };
}

/** The numbers in [0, 1) that stand for all of them. */
export function everyNumber(): number[] {
  return Array.from({ length: 4096 }, (_, k) => k / 4096);
}

/** The size that one number `u` in [0, 1) selects: the same `u` for scale and aspect, never the grid's full extent. */
function blockShape(u: number, [gridHeight, gridWidth]: Grid, scale: Range, aspect: Range): BlockShape {
  const area = Math.floor(gridHeight * gridWidth * (scale[0] + u * (scale[1] - scale[0])));
  const ratio = aspect[0] + u * (aspect[1] - aspect[0]);
  return [
    Math.min(Math.round(Math.sqrt(area * ratio)), gridHeight - 1),
    Math.min(Math.round(Math.sqrt(area / ratio)), gridWidth - 1),
  ];
}

/** A place whose corner excludes the last possible row and column. */
function placeBlockAsPublished([height, width]: BlockShape, grid: Grid, random: Random): Block {
  return { top: random.integer(grid[0] - height), left: random.integer(grid[1] - width), height, width };
}

/** The context patches of one image: a block minus the targets, or minus ever fewer of them while too little is left. */
function placeContext(
  shape: BlockShape,
  targets: readonly Block[],
  options: { grid: Grid; minKeep: number; random: Random },
): Int32Array {
  const { grid, minKeep, random } = options;
  for (let excluded = targets.length;; excluded--) {
    for (let tries = 0; tries < TRIES; tries++) {
      const block = placeBlockAsPublished(shape, grid, random);
      const patches = patchesOutside(block, targets.slice(0, excluded), grid);
      // With no target excluded the whole block is left, and its size was checked.
      if (patches.length > minKeep) return patches;
    }
  }
}
