/**
 * How long the masks are that multiBlockAsPublished() draws: which lengths a batch may have, and how likely each is.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import { drawingAsPublished, everyNumber, type MultiBlockAsPublishedOptions } from "./as_published.ts";
import type { BlockShape } from "./blocks.ts";
import type { Masks } from "../masks.ts";

/** The lengths of a batch's masks. */
export type MaskSize = Pick<Masks, "contextLength" | "targetLength">;

/** Lengths that a sampler may draw, and how likely they are. */
export interface LikelySize extends MaskSize {
  /** In 0 .. 1. */
  probability: number;
}

/** Images simulated for each pair of shapes. */
const SIMULATED = 512;
/** What is less likely than this is left out. */
const NEGLIGIBLE = 1e-9;

/** The shapes that numbers in [0, 1) select, with their shares of these. */
function shapesOf(shapeOf: (u: number) => BlockShape): { shape: BlockShape; share: number }[] {
  const numbers = everyNumber(), byName = Map.groupBy(numbers, (u) => shapeOf(u).join());
  return [...byName.values()].map((group) => ({ shape: shapeOf(group[0]), share: group.length / numbers.length }));
}

/**
 * The pairs of lengths that a batch may have. The context of one image is simulated, with a fixed seed; a batch's is cut to
 * the shortest of its images', so it reaches a length with the probability that one image does, to the power of the batch.
 * Of small batches this cannot tell how rare the longest contexts are: for them every length up to the whole block counts.
 *
 * @param batch images for which masks are drawn at once
 */
export function lengthsAsPublished(options: MultiBlockAsPublishedOptions, batch: number): readonly LikelySize[] {
  const key = JSON.stringify([options, batch]), known = simulated.get(key) ?? simulate(options, batch);
  simulated.set(key, known);
  return known;
}

/** What was simulated before: a run asks for it several times, and a reproduction for each of its runs. */
const simulated = new Map<string, readonly LikelySize[]>();

function simulate(options: MultiBlockAsPublishedOptions, batch: number): LikelySize[] {
  const { targetShape, contextShape, drawImage } = drawingAsPublished(options);
  const random = randomStream(0), sizes: LikelySize[] = [];
  for (const target of shapesOf(targetShape)) {
    for (const context of shapesOf(contextShape)) {
      const longest = context.shape[0] * context.shape[1];
      const images = new Uint32Array(longest + 1); // by their contexts' length
      for (let i = 0; i < SIMULATED; i++) images[drawImage(target.shape, context.shape, random).context.length]++;
      // As if one image more, of any length, had been drawn: none was seen is not none can be.
      for (let length = longest, reaching = 1, above = 0; length >= 1; length--) {
        reaching += images[length];
        const reached = (reaching / (SIMULATED + 1)) ** batch,
          probability = target.share * context.share * (reached - above);
        above = reached;
        if (probability * (longest + 1) < NEGLIGIBLE) continue;
        sizes.push({ contextLength: length, targetLength: target.shape[0] * target.shape[1], probability });
      }
    }
  }
  return sizes;
}
