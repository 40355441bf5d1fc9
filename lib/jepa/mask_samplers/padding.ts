/**
 * Masks whose lengths change from batch to batch, padded to one of two sizes, so that a run compiles its step at most
 * twice. Padding is told from patches, and counts for nothing in the step.
 *
 * @module
 */
import type { Architecture } from "../architectures.ts";
import { stepFlops, totalFlops } from "../flops.ts";
import type { Grid, Masks } from "../masks.ts";
import { lengthsAsPublished, type LikelySize, type MaskSize } from "./as_published_lengths.ts";
import type { MaskConfig } from "./by_name.ts";

/** Masks in which each row may end with padding: patch 0, over and over. */
export interface PaddedMasks extends Masks {
  /** How many patches of each row are none of it; absent where nothing can be padding. */
  unpadded?: MaskSize;
}

const fits = (inner: MaskSize, outer: MaskSize) =>
  inner.contextLength <= outer.contextLength && inner.targetLength <= outer.targetLength;

/** The first of the sizes that holds masks of this one, if any does. */
export function firstThatFits(size: MaskSize, sizes: readonly MaskSize[]): MaskSize | undefined {
  return sizes.find((other) => fits(size, other));
}

/**
 * Pads masks to the first of the sizes that holds them; what none holds, and all where there are no sizes, stays as it is.
 *
 * @param sizes from paddedSizes()
 */
export function padMasks(masks: Masks, sizes: readonly MaskSize[]): PaddedMasks {
  const size = firstThatFits(masks, sizes);
  if (!size) return masks;
  const pad = (rows: Int32Array, from: number, to: number) => {
    const padded = new Int32Array(rows.length / from * to);
    for (let row = 0; row < rows.length / from; row++) {
      padded.set(rows.subarray(row * from, (row + 1) * from), row * to);
    }
    return padded;
  };
  const { contextLength, targetLength } = masks;
  return {
    ...masks,
    ...size,
    context: pad(masks.context, contextLength, size.contextLength),
    targets: pad(masks.targets, targetLength, size.targetLength),
    unpadded: { contextLength, targetLength },
  };
}

/** The smallest size that holds all of these. */
export function enclosing(sizes: readonly MaskSize[]): MaskSize {
  return {
    contextLength: Math.max(...sizes.map(({ contextLength }) => contextLength)),
    targetLength: Math.max(...sizes.map(({ targetLength }) => targetLength)),
  };
}

/**
 * At most two sizes that hold all that may be drawn, of which the cheaper one that fits is first: those for which a step
 * costs least on average. Long contexts come with small target blocks, so neither of the two has to hold the longest of
 * both.
 */
export function cheapestSizes(drawn: readonly LikelySize[], costOf: (size: MaskSize) => number): MaskSize[] {
  const distinct = (key: keyof MaskSize) => [...new Set(drawn.map((size) => size[key]))];
  let best: MaskSize[] = [], least = Infinity;
  for (const contextLength of distinct("contextLength")) {
    for (const targetLength of distinct("targetLength")) {
      const inside = drawn.filter((size) => fits(size, { contextLength, targetLength }));
      const outside = drawn.filter((size) => !fits(size, { contextLength, targetLength }));
      const sizes = [inside, outside].filter((group) => group.length > 0).map(enclosing);
      const costs = sizes.map(costOf);
      const order = sizes.map((_, i) => i).sort((a, b) => costs[a] - costs[b]);
      const cost = drawn.reduce(
        (sum, size) => sum + size.probability * costs[order.find((i) => fits(size, sizes[i]))!],
        0,
      );
      if (cost < least) [least, best] = [cost, order.map((i) => sizes[i])];
    }
  }
  return best;
}

/**
 * The sizes to which a run pads its masks; none for samplers whose lengths stay the same. A batch that exceeds them, one in
 * 10^9, stays as it is, and costs a compilation of its own.
 *
 * Padding costs 10 to 12 % more FLOPs at the paper's sizes and 128 images at once (`deno task estimate` says how many);
 * the preset cifar10-published did 0.94 times the images/s of masks that are cut exactly (2 cores, float32).
 *
 * @param batch images for which the sampler draws masks at once: their shortest context is the length of all
 */
export function paddedSizes(masks: MaskConfig, architecture: Architecture, batch: number): MaskSize[] {
  if (masks.sampler !== "multiBlockAsPublished") return [];
  const side = architecture.image / architecture.patch, grid: Grid = [side, side];
  const { blocks = 4 } = masks;
  return cheapestSizes(
    lengthsAsPublished({ ...masks, grid }, batch),
    (size) => totalFlops(stepFlops(architecture, { ...size, blocks })),
  );
}
