/**
 * V-JEPA's masks (Bardes et al. 2024, arXiv 2404.08471, section 3.2): the union of a few blocks of the frame, as long
 * as the clip, is to be predicted from all the rest.
 *
 * @module
 */
import { type Random, randomStream, shuffled } from "../random.ts";
import { contextOf, emptyMasks, type Masks, type MaskSampler, targetBlock } from "../jepa/masks.ts";
import type { MaskSize } from "../jepa/mask_samplers/as_published_lengths.ts";
import { checkInteger, checkRange, type Range } from "../jepa/mask_samplers/blocks.ts";

/** Tokens of a clip over time, down and across. */
export type ClipGrid = readonly [times: number, rows: number, columns: number];

/** One kind of mask. */
export interface VideoMask {
  /** Blocks whose union is predicted; 0 where only `contextTime` hides something. */
  blocks: number;
  /** A block's share of the frame. */
  scale: Range;
  /** A block's height / width. Default [0.75, 1.5]. */
  aspect?: Range;
  /** A block's share of the clip's time. Default [1, 1]. */
  temporalScale?: Range;
  /** The context sees this first share of the clip's time, at least a token; what is later is predicted. Default 1. */
  contextTime?: number;
}

/** The published pair: eight small blocks and two large ones, as long as the clip. */
export const PUBLISHED_MASKS: readonly VideoMask[] = [
  { blocks: 8, scale: [0.15, 0.15] },
  { blocks: 2, scale: [0.7, 0.7] },
];

/**
 * How contexts and targets of different lengths become those of a batch:
 * - "raster", as published: the first tokens in raster order, as many as the batch's shortest has. So the last frames are
 *   lost, more often than not, and a step is compiled for each pair of lengths, or padded (see videoMaskSize()).
 * - "random": random ones, of lengths that stay the same for a whole run. A quarter of the draws leave a shorter context,
 *   and one in twenty less to predict: these are drawn anew.
 */
export type Truncation = "raster" | "random";

/** Of a clip: which tokens are seen, and which predicted, ascending. */
interface Drawn {
  context: Int32Array;
  targets: Int32Array;
}

/** Duration, height and width of a block, in tokens. */
type BlockSize = readonly [times: number, height: number, width: number];

/** Holds that a mask can be drawn. */
function checkMask(grid: ClipGrid, mask: VideoMask): void {
  checkInteger("masks.blocks", mask.blocks, 0);
  for (const n of grid) checkInteger("a clip's tokens over time, down and across", n, 1);
  checkRange("masks.scale", mask.scale, 1);
  checkRange("masks.aspect", mask.aspect ?? [1, 1], Infinity);
  checkRange("masks.temporalScale", mask.temporalScale ?? [1, 1], 1);
  const { contextTime = 1 } = mask;
  if (!(contextTime > 0 && contextTime <= 1)) {
    throw new RangeError(`masks.contextTime must be above 0 and at most 1; got ${contextTime}.`);
  }
  if (mask.blocks === 0 && contextLimit(grid, mask) === grid[0]) {
    throw new RangeError("A mask of 0 blocks hides nothing: lower its contextTime, or raise its blocks.");
  }
}

const contextLimit = ([times]: ClipGrid, { contextTime = 1 }: VideoMask) =>
  Math.max(1, Math.floor(times * contextTime + 1e-9));

/** A block's size, from three numbers: of its time, its area and its aspect. */
function blockSize([times, rows, columns]: ClipGrid, mask: VideoMask, random: Random): BlockSize {
  const { scale, aspect = [0.75, 1.5], temporalScale = [1, 1] } = mask;
  const within = ([min, max]: Range) => min + random.uniform() * (max - min);
  const duration = Math.max(1, Math.floor(times * within(temporalScale) + 1e-9));
  const area = Math.floor(rows * columns * within(scale) + 1e-9), ratio = within(aspect);
  return [
    duration,
    Math.min(Math.round(Math.sqrt(area * ratio)), rows),
    Math.min(Math.round(Math.sqrt(area / ratio)), columns),
  ];
}

/** One clip's mask: blocks of this size, each anywhere. */
function drawClip(grid: ClipGrid, mask: VideoMask, [duration, height, width]: BlockSize, random: Random): Drawn {
  const [times, rows, columns] = grid, seen = new Uint8Array(times * rows * columns).fill(1);
  seen.fill(0, contextLimit(grid, mask) * rows * columns);
  for (let block = 0; block < mask.blocks; block++) {
    const top = random.integer(rows - height + 1), left = random.integer(columns - width + 1);
    const start = random.integer(times - duration + 1);
    for (let t = start; t < start + duration; t++) {
      for (let row = top; row < top + height; row++) {
        const from = (t * rows + row) * columns + left;
        seen.fill(0, from, from + width);
      }
    }
  }
  const all = Int32Array.from(seen, (_, token) => token);
  return { context: all.filter((token) => seen[token] === 1), targets: all.filter((token) => seen[token] === 0) };
}

/** Draws until the context, and what is to be predicted, are as long as they must be. */
function drawUntil(long: MaskSize, draw: () => Drawn): Drawn {
  let short: keyof Drawn = "context";
  for (let tries = 0; tries < TRIES; tries++) {
    const drawn = draw();
    if (drawn.context.length >= long.contextLength && drawn.targets.length >= long.targetLength) return drawn;
    short = drawn.context.length < long.contextLength ? "context" : "targets";
  }
  throw new RangeError(
    short === "context"
      ? `No mask left a context in ${TRIES} draws: make its blocks fewer or smaller.`
      : `No mask hid enough in ${TRIES} draws: make its blocks more or larger.`,
  );
}

/** Draws of one clip before giving up, and clips that are simulated to know how long masks are. */
const TRIES = 1000, SIMULATED = 4096;

const shortest = (drawn: readonly Drawn[]): MaskSize => ({
  contextLength: Math.min(...drawn.map(({ context }) => context.length)),
  targetLength: Math.min(...drawn.map(({ targets }) => targets.length)),
});

/** The lengths of a kind: a quarter of its draws leave a shorter context, and 5 % less to predict. */
function usualSize(grid: ClipGrid, mask: VideoMask): MaskSize {
  const random = randomStream(0);
  const drawn = Array.from({ length: SIMULATED }, () => drawClip(grid, mask, blockSize(grid, mask, random), random));
  const quantile = (lengths: number[], share: number) =>
    Math.max(1, lengths.sort((a, b) => a - b)[Math.floor(share * SIMULATED)]);
  return {
    contextLength: quantile(drawn.map(({ context }) => context.length), 0.25),
    targetLength: quantile(drawn.map(({ targets }) => targets.length), 0.05),
  };
}

/** A sampler of one kind of mask: of each clip one block, the union of what is to be predicted. */
export function videoMasks(options: VideoMask & { grid: ClipGrid; truncation: Truncation }): MaskSampler {
  const { grid, truncation, ...mask } = options;
  checkMask(grid, mask);
  const usual = truncation === "random" ? usualSize(grid, mask) : { contextLength: 1, targetLength: 1 };

  return (batch, random, shared = random): Masks => {
    // As published, one size a batch; where lengths stay the same for a run, one a draw, or few sizes would ever be drawn.
    const common = truncation === "raster" ? blockSize(grid, mask, shared) : undefined;
    const draw = () => drawClip(grid, mask, common ?? blockSize(grid, mask, random), random);
    const drawn = Array.from({ length: batch }, () => drawUntil(usual, draw));
    const size = truncation === "raster" ? shortest(drawn) : usual;
    const cut = (tokens: Int32Array, length: number) => {
      if (truncation === "raster" || tokens.length === length) return tokens.subarray(0, length);
      return Int32Array.from(shuffled(tokens.length, random).subarray(0, length), (i) => tokens[i]).sort();
    };
    const masks = emptyMasks({ batch, blocks: 1, ...size });
    drawn.forEach(({ context, targets }, i) => {
      contextOf(masks, i).set(cut(context, size.contextLength));
      targetBlock(masks, 0, i).set(cut(targets, size.targetLength));
    });
    return masks;
  };
}

/** Batches that are simulated to know how long the shortest masks of a batch get. */
const BATCHES = 256;

/**
 * To which size a run pads masks that are cut in raster order, so that its step is compiled once: that which holds all
 * of 256 simulated batches. What exceeds it stays as it is, and is compiled for. None for masks whose lengths stay the
 * same.
 */
export function videoMaskSize(
  options: VideoMask & { grid: ClipGrid; truncation: Truncation },
  batch: number,
): MaskSize | undefined {
  if (options.truncation === "random") return undefined;
  const sampler = videoMasks(options), random = randomStream(0);
  const sizes = Array.from({ length: BATCHES }, () => sampler(batch, random));
  return {
    contextLength: Math.max(...sizes.map(({ contextLength }) => contextLength)),
    targetLength: Math.max(...sizes.map(({ targetLength }) => targetLength)),
  };
}
