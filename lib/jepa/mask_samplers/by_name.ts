/**
 * Mask samplers as a run's configuration names them.
 *
 * @module
 */
import type { Grid, MaskSampler } from "../masks.ts";
import { randomMasks, rasterizedQuadrants, singleBlock } from "./ablations.ts";
import { multiBlockAsPublished, type MultiBlockAsPublishedOptions } from "./as_published.ts";
import { multiBlock, type MultiBlockOptions } from "./multi_block.ts";

/** A sampler's name and its options besides the grid. */
export type MaskConfig =
  | { sampler: "multiBlock" } & Omit<MultiBlockOptions, "grid">
  | { sampler: "multiBlockAsPublished" } & Omit<MultiBlockAsPublishedOptions, "grid">
  | { sampler: "random"; targetScale?: number }
  | { sampler: "singleBlock"; targetScale?: readonly [number, number]; targetAspect?: readonly [number, number] }
  | { sampler: "rasterizedQuadrants" };

/**
 * The sampler that a configuration asks for.
 *
 * @throws RangeError for a name that is not one of the five, or options that do not fit the grid.
 */
export function maskSampler(config: MaskConfig, grid: Grid): MaskSampler {
  switch (config.sampler) {
    case "multiBlock":
      return multiBlock({ ...config, grid });
    case "multiBlockAsPublished":
      return multiBlockAsPublished({ ...config, grid });
    case "random":
      return randomMasks({ ...config, grid });
    case "singleBlock":
      return singleBlock({ ...config, grid });
    case "rasterizedQuadrants":
      return rasterizedQuadrants({ grid });
  }
  const { sampler } = config as { sampler: unknown };
  throw new RangeError(
    `No mask sampler is called ${
      JSON.stringify(sampler)
    }: use multiBlock, multiBlockAsPublished, random, singleBlock or ` +
      "rasterizedQuadrants.",
  );
}
