/**
 * The masking strategies that Table 6 compares multi-block masks with. Each fixes its lengths for the whole run.
 *
 * @module
 */
import { shuffled } from "../../random.ts";
import { contextOf, emptyMasks, type Grid, type MaskSampler, targetBlock } from "../masks.ts";
import {
  blockShapesOfOneArea,
  checkGrid,
  checkRange,
  patchesOf,
  patchesOutside,
  placeBlock,
  type Range,
} from "./blocks.ts";

/**
 * "Random" of Table 6: the target is a random subset of the patches, the context all others. One target "block".
 *
 * @param options.targetScale Share of the patches to predict, in (0, 1). Default 0.6.
 */
export function randomMasks(options: { grid: Grid; targetScale?: number }): MaskSampler {
  const { grid, targetScale = 0.6 } = options;
  checkGrid(grid);
  const patches = grid[0] * grid[1];
  const targetLength = Math.round(targetScale * patches), contextLength = patches - targetLength;
  if (!(targetLength > 0 && contextLength > 0)) {
    throw new RangeError(
      `targetScale ${targetScale} leaves no patches for ${targetLength > 0 ? "the context" : "the target"} on a ` +
        `${grid.join(" x ")} grid; it must lie between 0 and 1.`,
    );
  }
  return (batch, random) => {
    const masks = emptyMasks({ batch, blocks: 1, contextLength, targetLength });
    for (let i = 0; i < batch; i++) {
      const order = shuffled(patches, random);
      targetBlock(masks, 0, i).set(order.subarray(0, targetLength).sort());
      contextOf(masks, i).set(order.subarray(targetLength).sort());
    }
    return masks;
  };
}

/**
 * "Block" of Table 6: the target is one large block, the context all other patches. The block's shapes have one area
 * (see `blockShapesOfOneArea`), and its place is uniform.
 *
 * @param options.targetScale Range of the block's area as a share of the grid. Default [0.55, 0.65], around the paper's
 * 0.6, which few grids hold exactly.
 * @param options.targetAspect Range of its height / width. Default [0.75, 1.5].
 */
export function singleBlock(options: { grid: Grid; targetScale?: Range; targetAspect?: Range }): MaskSampler {
  const { grid, targetScale = [0.55, 0.65], targetAspect = [0.75, 1.5] } = options;
  checkGrid(grid);
  checkRange("targetScale", targetScale, 1);
  checkRange("targetAspect", targetAspect, Infinity);
  const shapes = blockShapesOfOneArea(grid, targetScale, targetAspect);
  const targetLength = shapes[0][0] * shapes[0][1];
  const image = { top: 0, left: 0, height: grid[0], width: grid[1] };
  return (batch, random) => {
    const masks = emptyMasks({ batch, blocks: 1, contextLength: grid[0] * grid[1] - targetLength, targetLength });
    for (let i = 0; i < batch; i++) {
      const block = placeBlock(shapes[random.integer(shapes.length)], grid, random);
      targetBlock(masks, 0, i).set(patchesOf(block, grid));
      contextOf(masks, i).set(patchesOutside(image, [block], grid));
    }
    return masks;
  };
}

/**
 * "Rasterized" of Table 6: the image is cut into four quadrants; one, random for each image, is the context and the
 * three others, in raster order, are the target blocks. Both sides of the grid must be even.
 */
export function rasterizedQuadrants(options: { grid: Grid }): MaskSampler {
  const { grid } = options;
  checkGrid(grid);
  if (grid.some((side) => side % 2 !== 0)) {
    throw new RangeError(`Quadrants of equal size need a grid with even sides; got ${grid.join(" x ")}.`);
  }
  const [height, width] = [grid[0] / 2, grid[1] / 2];
  const quadrants = [[0, 0], [0, width], [height, 0], [height, width]]
    .map(([top, left]) => patchesOf({ top, left, height, width }, grid));
  return (batch, random) => {
    const masks = emptyMasks({ batch, blocks: 3, contextLength: height * width, targetLength: height * width });
    for (let i = 0; i < batch; i++) {
      const context = random.integer(4);
      contextOf(masks, i).set(quadrants[context]);
      quadrants.filter((_, q) => q !== context).forEach((patches, m) => targetBlock(masks, m, i).set(patches));
    }
    return masks;
  };
}
