/**
 * What the configuration of a world model's run may hold.
 *
 * @module
 */
import { COMMON_PARTS } from "../jepa/pretraining/run_shape.ts";
import {
  checkShape,
  count,
  counts,
  divides,
  naming,
  number,
  oneOf,
  optional,
  record,
  type Shape,
  share,
} from "../shapes.ts";
import { partsOf } from "../training/steps.ts";
import type { RoomsConfig } from "./episodes.ts";
import type { NormalStates, WorldWeights } from "./losses.ts";
import type { WorldSize } from "./networks.ts";
import type { WorldConfig } from "./objective.ts";

const fromZero = number({ least: 0 }), atLeastTwo = number({ least: 2, whole: true });

const weights = record<WorldWeights>({
  variance: fromZero,
  covariance: fromZero,
  smoothness: fromZero,
  lag: count,
  inverseDynamics: fromZero,
});

const normalStates = record<NormalStates>({ sigreg: fromZero, directions: count });

/** Of a run whose regulariser has this shape. */
function runShape(regulariser: Shape): Shape {
  const { batch, microBatch, epochs, learningRate, weightDecay, clip, precision, seed } = COMMON_PARTS;
  return record<WorldConfig>({
    method: oneOf("two-rooms"),
    rooms: record<RoomsConfig>({
      picture: oneOf(33, 65),
      layout: oneOf("fixed", "random"),
      frames: atLeastTwo,
      crossing: share,
      sharing: count,
    }),
    networks: record<WorldSize>({
      stacks: optional(
        record<NonNullable<WorldSize["stacks"]>>({ channels: counts, blocks: number({ least: 0, whole: true }) }),
      ),
      hidden: optional(counts),
      width: atLeastTwo,
      predictor: optional(count),
      inverse: count,
    }),
    horizon: count,
    regulariser,
    ...{ batch, microBatch, episodes: count, epochs, learningRate, weightDecay, clip, precision, seed },
  }, (config) => {
    partsOf(config);
    const { batch, microBatch = batch, rooms: { sharing, frames }, horizon } = config;
    divides({ "rooms.sharing": sharing, microBatch }, "", "rooms.sharing", "microBatch");
    const { regulariser } = config, lag = "lag" in regulariser ? regulariser.lag : 0;
    for (const [name, value] of Object.entries({ horizon, "regulariser.lag": lag })) {
      if (value < frames) continue;
      throw new RangeError(`${name} must be less than rooms.frames, which is ${frames}; got ${value}.`);
    }
  });
}

const SHAPES = { weights: runShape(weights), normalStates: runShape(normalStates) };

/**
 * Holds that a configuration is a world model's.
 *
 * @param from the file that it is from, for the message
 * @throws RangeError that names the part which is missing, unknown or wrong, where it stands and what it must be
 */
export function checkWorldConfig(config: unknown, from?: string): asserts config is WorldConfig {
  const { regulariser } = { ...config as Partial<WorldConfig> };
  const isNormal = typeof regulariser === "object" && regulariser !== null && "sigreg" in regulariser;
  naming(from, () => checkShape(config, isNormal ? SHAPES.normalStates : SHAPES.weights));
}
