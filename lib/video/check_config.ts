/**
 * What the configuration of a run of V-JEPA may hold.
 *
 * @module
 */
import { tokenGrid } from "../jepa/architectures.ts";
import {
  checkEncoder,
  COMMON_PARTS,
  ENCODER_PARTS,
  momentumShape,
  PREDICTOR_PARTS,
} from "../jepa/pretraining/run_shape.ts";
import {
  checkShape,
  count,
  divides,
  flag,
  list,
  naming,
  number,
  oneOf,
  optional,
  range,
  record,
  share,
} from "../shapes.ts";
import { rotaryAngles } from "../nn/rotary.ts";
import { partsOf } from "../training/steps.ts";
import { type VideoMask, videoMasks } from "./masks.ts";
import type { VideoArchitecture, VjepaConfig } from "./presets.ts";

const fromZero = number({ least: 0 });

const architecture = record<VideoArchitecture>({
  ...ENCODER_PARTS,
  frames: count,
  tubelet: count,
  rotary: optional(oneOf("tiled", "interleaved")),
  predictor: record<VideoArchitecture["predictor"]>({ ...PREDICTOR_PARTS, maskTokens: count }, (size, path) => {
    divides(size, path, "heads", "width");
  }),
}, (size, path) => {
  checkEncoder(size, path);
  divides(size, path, "tubelet", "frames");
  for (const { width, heads } of [size, size.predictor]) {
    if (size.rotary) rotaryAngles([1, 1, 1], width / heads, size.rotary); // says what heads it takes
  }
});

const mask = record<VideoMask>({
  blocks: fromZero,
  scale: range(1),
  aspect: optional(range()),
  temporalScale: optional(range(1)),
  contextTime: optional(share),
});

const shape = record<VjepaConfig>({
  ...COMMON_PARTS,
  method: oneOf("vjepa"),
  architecture,
  every: count,
  masks: list(mask),
  truncation: oneOf("raster", "random"),
  regulariser: record<VjepaConfig["regulariser"]>({ variance: fromZero, covariance: fromZero }),
  residualRescale: optional(flag),
  momentum: momentumShape,
  scheduleScale: optional(number({ least: 1 })),
  recompute: flag,
}, (config) => {
  partsOf(config);
  const { masks, truncation, architecture } = config, { maskTokens } = architecture.predictor;
  if (masks.length !== maskTokens) {
    throw new RangeError(
      `${masks.length} kinds of masks need as many mask tokens; architecture.predictor has ${maskTokens}.`,
    );
  }
  masks.forEach((mask) => videoMasks({ ...mask, truncation, grid: tokenGrid(architecture) }));
});

/**
 * Holds that a configuration is one of V-JEPA's.
 *
 * @param from the file that it is from, for the message
 * @throws RangeError that names the part which is missing, unknown or wrong, where it stands and what it must be
 */
export function checkVideoConfig(config: unknown, from?: string): asserts config is VjepaConfig {
  naming(from, () => checkShape(config, shape));
}
