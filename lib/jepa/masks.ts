/**
 * What a mask sampler returns: for each image of a batch, which patches the context encoder sees and which ones the
 * predictor has to predict. The samplers themselves are in mask_samplers/.
 *
 * @module
 */
import type { Random } from "../random.ts";

/** Patches down and across an image, e.g. [14, 14] for 224 pixels and patches of 16. */
export type Grid = readonly [height: number, width: number];

/** The masks of one batch, as patch indices in raster order of the grid (row * width + column). */
export interface Masks {
  /** Images, B. */
  batch: number;
  /** Target blocks an image, M. */
  blocks: number;
  /** Context patches an image, C. */
  contextLength: number;
  /** Patches of one target block, T. */
  targetLength: number;
  /** [B, C], ascending in each row. */
  context: Int32Array;
  /** [M, B, T], ascending in each row; blocks of one image may overlap each other. */
  targets: Int32Array;
}

/**
 * Draws the masks of one batch; the same streams give the same masks. What is drawn once for the whole batch comes from
 * `shared`, `random` itself where it is left out, so that the micro-batches of a step have it in common.
 */
export type MaskSampler = (batch: number, random: Random, shared?: Random) => Masks;

/** How often each patch was context, and how often a target, over many images. */
export interface MaskHeatMaps {
  /** Images counted. */
  images: number;
  /** [height * width], images whose context holds the patch. */
  context: Uint32Array;
  /** [height * width], images of which at least one target block holds the patch. */
  targets: Uint32Array;
}

/**
 * Counts over `batches` batches of `batch` images how often each patch is context and how often it is a target. The
 * size of the batch matters for the sampler as published, which cuts every context to the batch's shortest.
 */
export function maskHeatMaps(
  sampler: MaskSampler,
  options: { grid: Grid; batches: number; batch: number; random: Random },
): MaskHeatMaps {
  const { grid, batches, batch, random } = options;
  const patches = grid[0] * grid[1];
  const context = new Uint32Array(patches), targets = new Uint32Array(patches);
  const lastSeen = new Int32Array(patches).fill(-1);
  for (let b = 0; b < batches; b++) {
    const masks = sampler(batch, random);
    for (const patch of masks.context) context[patch]++;
    for (let i = 0; i < batch; i++) {
      for (let m = 0; m < masks.blocks; m++) {
        for (const patch of targetBlock(masks, m, i)) {
          if (lastSeen[patch] !== b * batch + i) targets[patch]++;
          lastSeen[patch] = b * batch + i;
        }
      }
    }
  }
  return { images: batches * batch, context, targets };
}

/** The context patches of image `i`, [C], a view. */
export function contextOf(masks: Masks, i: number): Int32Array {
  return masks.context.subarray(i * masks.contextLength, (i + 1) * masks.contextLength);
}

/** The patches of target block `m` of image `i`, [T], a view. */
export function targetBlock(masks: Masks, m: number, i: number): Int32Array {
  const row = m * masks.batch + i;
  return masks.targets.subarray(row * masks.targetLength, (row + 1) * masks.targetLength);
}

/** Masks of the given shape with every index zero, for a sampler to fill through `contextOf` and `targetBlock`. */
export function emptyMasks(shape: Omit<Masks, "context" | "targets">): Masks {
  const { batch, blocks, contextLength, targetLength } = shape;
  return {
    ...shape,
    context: new Int32Array(batch * contextLength),
    targets: new Int32Array(blocks * batch * targetLength),
  };
}
