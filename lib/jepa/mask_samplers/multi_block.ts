/**
 * Multi-block masks, the paper's strategy (Section 3), drawn without preference for any part of the image and with
 * lengths that stay the same for the whole run. The kit's default; as_published.ts is the authors' own sampler.
 *
 * @module
 */
import { type Random, randomStream, shuffled } from "../../random.ts";
import { contextOf, emptyMasks, type Grid, type MaskSampler, targetBlock } from "../masks.ts";
import {
  type Block,
  blockShapesOfOneArea,
  checkGrid,
  checkInteger,
  checkRange,
  patchesOf,
  patchesOutside,
  placeBlock,
  type Range,
} from "./blocks.ts";

/** Options of `multiBlock`; the defaults are the paper's. */
export interface MultiBlockOptions {
  /** Patches down and across an image. */
  grid: Grid;
  /** Target blocks an image, M. Default 4 (Table 10). */
  blocks?: number;
  /** Range of a target block's area as a share of the grid. Default [0.15, 0.2] (Table 8). */
  targetScale?: Range;
  /** Range of a target block's height / width. Default [0.75, 1.5]. */
  targetAspect?: Range;
  /** Range of the context block's area, before the targets are taken out, as a share. Default [0.85, 1] (Table 9). */
  contextScale?: Range;
  /** Context patches an image, C. Default: the `contextQuantile` of what is left without a cut. */
  contextLength?: number;
  /** Share of the draws that leave fewer than C patches and are drawn anew. Default 0.05. */
  contextQuantile?: number;
  /** Which patches beyond C an image loses: those at an edge of the grid, or random ones. Default "edge". */
  surplus?: "edge" | "random";
}

/** Images simulated to know how many context patches are left. */
const SIMULATED = 4096;
/** Draws of one image before giving up; at an acceptance of 1 %, the least allowed, 1 in 10^43 images gets there. */
const TRIES = 10_000;

/**
 * Multi-block masks with fixed lengths C and T.
 * - Targets: all block shapes of one area T (see `blockShapesOfOneArea`) are equally likely, drawn for each image and
 *   block; the place is uniform over all places in the grid.
 * - Context: a block of the grid's own aspect (square on a square grid), its scale and place drawn for each image, minus
 *   that image's targets. An image with fewer than C patches left is drawn anew, targets and context.
 * - C, unless given, is the `contextQuantile` of the patches left in 4,096 images simulated with a fixed seed, so it
 *   depends on the options alone. A lower quantile redraws less and cuts more. By default C is 0.27 of an 8 x 8 grid,
 *   0.36 of 14 x 14 and 0.35 of 16 x 16, where the median without a cut is 0.47 and the published cut leaves 0.27.
 * - Surplus "edge": patches are dropped from the end of the raster order, as in the published cut, but under one of the
 *   grid's symmetries drawn for each image (8 of a square grid, 4 otherwise), so that each edge loses as much as any
 *   other and the context stays in one piece. "random" drops patches anywhere, which leaves holes between neighbours:
 *   reported to collapse on small grids, and offered so that this can be measured.
 *
 * @throws RangeError for options that no block satisfies or that leave too little context.
 */
export function multiBlock(options: MultiBlockOptions): MaskSampler {
  const { grid, blocks = 4, contextQuantile = 0.05, surplus = "edge" } = options;
  const { targetScale = [0.15, 0.2], targetAspect = [0.75, 1.5], contextScale = [0.85, 1] } = options;
  checkGrid(grid);
  checkInteger("blocks", blocks, 1);
  checkRange("targetScale", targetScale, 1);
  checkRange("targetAspect", targetAspect, Infinity);
  checkRange("contextScale", contextScale, 1);
  if (!(contextQuantile >= 0 && contextQuantile < 1)) {
    throw new RangeError(`contextQuantile must be in [0, 1); got ${contextQuantile}.`);
  }

  const shapes = blockShapesOfOneArea(grid, targetScale, targetAspect);
  const targetLength = shapes[0][0] * shapes[0][1];
  const draw = (random: Random) => {
    const targets = Array.from(
      { length: blocks },
      () => placeBlock(shapes[random.integer(shapes.length)], grid, random),
    );
    return { targets, remaining: patchesOutside(placeContextBlock(contextScale, grid, random), targets, grid) };
  };

  const sizes = remainingSizes(JSON.stringify([grid, blocks, targetScale, targetAspect, contextScale]), draw);
  const contextLength = options.contextLength ?? sizes[Math.floor(contextQuantile * SIMULATED)];
  checkContextLength(contextLength, sizes, { given: options.contextLength !== undefined, blocks, targetLength });

  const orders = rasterOrders(grid);
  return (batch, random) => {
    const masks = emptyMasks({ batch, blocks, contextLength, targetLength });
    for (let i = 0; i < batch; i++) {
      const { targets, remaining } = drawUntil(draw, contextLength, random);
      const order = surplus === "edge" ? orders[random.integer(orders.length)] : shuffled(grid[0] * grid[1], random);
      contextOf(masks, i).set(firstInOrder(remaining, contextLength, order));
      targets.forEach((block, m) => targetBlock(masks, m, i).set(patchesOf(block, grid)));
    }
    return masks;
  };
}

/** What was simulated before: a run makes its sampler several times, if only to check its configuration. */
const simulated = new Map<string, Int32Array>();

/** [4096], ascending: the context patches that are left in simulated images; `options` are all that they depend on. */
function remainingSizes(options: string, draw: (random: Random) => { remaining: Int32Array }): Int32Array {
  const known = simulated.get(options);
  if (known) return known;
  const random = randomStream(0);
  const sizes = Int32Array.from({ length: SIMULATED }, () => draw(random).remaining.length).sort();
  simulated.set(options, sizes);
  return sizes;
}

/** A block of the grid's aspect whose area is a uniform share of the grid's, at a uniform place. */
function placeContextBlock([min, max]: Range, grid: Grid, random: Random): Block {
  const side = Math.sqrt(min + random.uniform() * (max - min));
  return placeBlock([Math.max(1, Math.round(grid[0] * side)), Math.max(1, Math.round(grid[1] * side))], grid, random);
}

function checkContextLength(
  contextLength: number,
  sizes: Int32Array,
  options: { given: boolean; blocks: number; targetLength: number },
): void {
  const { given, blocks, targetLength } = options;
  if (given) checkInteger("contextLength", contextLength, 1);
  const accepted = sizes.filter((size) => size >= contextLength).length / sizes.length;
  if (contextLength >= 1 && accepted >= 0.01) return;
  const median = sizes[sizes.length >> 1];
  throw new RangeError(
    given
      ? `contextLength ${contextLength} is too long: ${blocks} target blocks of ${targetLength} patches leave a median ` +
        `of ${median} patches and at most ${sizes[sizes.length - 1]}; choose one of about ${median} or less.`
      : `The context would be empty: ${blocks} target blocks of ${targetLength} patches leave a median of ${median} ` +
        `patches; use fewer or smaller target blocks, a larger context block or a larger contextQuantile.`,
  );
}

function drawUntil<Drawn extends { remaining: Int32Array }>(
  draw: (random: Random) => Drawn,
  contextLength: number,
  random: Random,
): Drawn {
  for (let tries = 0; tries < TRIES; tries++) {
    const drawn = draw(random);
    if (drawn.remaining.length >= contextLength) return drawn;
  }
  throw new Error(`No masks with ${contextLength} context patches in ${TRIES} draws: choose a smaller contextLength.`);
}

/** The raster order of the patches seen through each symmetry of the grid: flips, and transpositions where square. */
function rasterOrders([height, width]: Grid): Uint32Array[] {
  const symmetries = height === width ? 8 : 4;
  return Array.from({ length: symmetries }, (_, symmetry) =>
    Uint32Array.from({ length: height * width }, (_, k) => {
      let row = Math.floor(k / width), column = k % width;
      if (symmetry & 4) [row, column] = [column, row];
      if (symmetry & 1) row = height - 1 - row;
      if (symmetry & 2) column = width - 1 - column;
      return row * width + column;
    }));
}

/** Of the ascending `patches`, the `count` that come first in `order`, a permutation of the grid; ascending. */
function firstInOrder(patches: Int32Array, count: number, order: Uint32Array): Int32Array {
  const present = new Set(patches);
  const kept = new Int32Array(count);
  for (let k = 0, n = 0; n < count; k++) {
    if (present.has(order[k])) kept[n++] = order[k];
  }
  return kept.sort();
}
