/**
 * Mask samplers as a run's configuration names them.
 *
 * @module
 */
import { count, number, oneOf, optional, type PartsOf, range, record, type Shape } from "../../shapes.ts";
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

type Options<S extends MaskConfig["sampler"]> = Omit<Extract<MaskConfig, { sampler: S }>, "sampler">;

const MULTI_BLOCK = {
  blocks: optional(count),
  targetScale: optional(range(1)),
  targetAspect: optional(range()),
  contextScale: optional(range(1)),
};

/** The options of each. */
const OPTIONS: { [S in MaskConfig["sampler"]]: PartsOf<Options<S>> } = {
  multiBlock: {
    ...MULTI_BLOCK,
    contextLength: optional(count),
    contextQuantile: optional(number({ least: 0, below: 1 })),
    surplus: optional(oneOf("edge", "random")),
  },
  multiBlockAsPublished: { ...MULTI_BLOCK, minKeep: optional(number({ least: 0, whole: true })) },
  random: { targetScale: optional(number({ above: 0, below: 1 })) },
  singleBlock: { targetScale: optional(range(1)), targetAspect: optional(range()) },
  rasterizedQuadrants: {},
};

const sampler = oneOf(...Object.keys(OPTIONS));

/** What a configuration says of masks; that they fit a grid, maskSampler() holds. */
export const maskShape: Shape = {
  parts: Object.assign({ sampler }, ...Object.values(OPTIONS)),
  check(masks, path) {
    record<{ sampler: string }>({ sampler }).check(masks, path);
    checkOptions(masks as MaskConfig);
    const parts: Record<string, Shape> = { sampler, ...OPTIONS[(masks as MaskConfig).sampler] };
    record<object>(parts).check(masks, path);
  },
};

/** A configuration from a file may say what no sampler of today does: a run would go on with other masks. */
function checkOptions({ sampler, ...options }: MaskConfig): void {
  const taken: readonly string[] = Object.keys(OPTIONS[sampler]);
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
