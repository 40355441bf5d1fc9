/**
 * What the configuration of a camera model's run may hold.
 *
 * @module
 */
import { COMMON_PARTS } from "../../jepa/pretraining/run_shape.ts";
import { checkShape, count, naming, number, oneOf, record, shape } from "../../shapes.ts";
import { partsOf } from "../../training/steps.ts";
import type { CameraConfig } from "./camera_objective.ts";
import type { FramePredictorSize } from "./frame_predictor.ts";

const { batch, microBatch, epochs, learningRate, weightDecay, clip, precision, seed } = COMMON_PARTS;

const path = shape("the path of an encoder of clips", (value) => typeof value === "string" && value !== "");

const objects = shape(
  "two whole numbers from 1 on, the first at most the second, such as [2, 4]",
  (value) =>
    Array.isArray(value) && value.length === 2 && value.every((n) => Number.isSafeInteger(n) && n >= 1) &&
    value[0] <= value[1],
);

const SHAPE = record<CameraConfig>({
  method: oneOf("camera-scenes"),
  encoder: path,
  scenes: record<CameraConfig["scenes"]>({ clips: count, frames: number({ least: 2, whole: true }), objects }),
  predictor: record<FramePredictorSize>({ width: count, depth: count, heads: count }),
  rollout: count,
  ...{ batch, microBatch, epochs, learningRate, weightDecay, clip, precision, seed },
}, (config) => {
  partsOf(config);
  const { predictor: { width, heads }, rollout, scenes: { frames } } = config, each = width / heads;
  if (!(Number.isInteger(each) && each % 2 === 0 && each >= 6)) {
    throw new RangeError(
      `predictor.width must be predictor.heads times an even number from 6 on; got a width of ${width} and ${heads} heads.`,
    );
  }
  if (rollout < frames) return;
  throw new RangeError(`rollout must be less than scenes.frames, which is ${frames}; got ${rollout}.`);
});

/**
 * Holds that a configuration is a camera model's.
 *
 * @param from the file that it is from, for the message
 * @throws RangeError that names the part which is missing, unknown or wrong, where it stands and what it must be
 */
export function checkCameraConfig(config: unknown, from?: string): asserts config is CameraConfig {
  naming(from, () => checkShape(config, SHAPE));
}
