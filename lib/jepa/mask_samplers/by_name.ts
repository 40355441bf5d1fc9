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

/** The options of each. */
const OPTIONS: { [S in MaskConfig["sampler"]]: readonly (keyof Extract<MaskConfig, { sampler: S }>)[] } = {
  multiBlock: [
    ...["blocks", "targetScale", "targetAspect", "contextScale"] as const,
    ...["contextLength", "contextQuantile", "surplus"] as const,
  ],
  multiBlockAsPublished: ["blocks", "targetScale", "targetAspect", "contextScale", "minKeep"],
  random: ["targetScale"],
  singleBlock: ["targetScale", "targetAspect"],
  rasterizedQuadrants: [],
};

/** A configuration from a file may say what no sampler of today does: a run would go on with other masks. */
function checkOptions({ sampler, ...options }: MaskConfig): void {
  const taken: readonly string[] = OPTIONS[sampler];
  const unknown = Object.keys(options).filter((name) => !taken.includes(name));
  if (unknown.length === 0) return;
  const known = taken.length ? `its options are ${taken.join(", ")}` : "it has no options";
  throw new RangeError(`The mask sampler ${sampler} does not take ${unknown.join(", ")}: ${known}.`);
}

/**
 * The sampler that a configuration asks for.
 *
 * @throws RangeError for a name that is not one of the five, or options that it does not have or that do not fit the grid.
 */
export function maskSampler(config: MaskConfig, grid: Grid): MaskSampler {
  if (Object.hasOwn(OPTIONS, config.sampler)) checkOptions(config);
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
