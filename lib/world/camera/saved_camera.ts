/**
 * Trained camera models as one safetensors file: the predictor and the frozen encoder, so that the file is whole by itself,
 * with the configuration and the encoder's sizes.
 *
 * @module
 */
import { encoderShapes, type EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import type { CameraConfig } from "./camera_objective.ts";
import { checkCameraConfig } from "./check_camera_config.ts";
import { framePredictorShapes } from "./frame_predictor.ts";
import type { FrameEncoder } from "./frame_tokens.ts";
import { loadNetworks, saveNetworks } from "../saved_networks.ts";

/** A camera model; whoever has it disposes of its parameters. */
export interface CameraModel {
  /** How it was trained. */
  config: CameraConfig;
  /** What sees. */
  encoder: FrameEncoder;
  /** Those of framePredictorShapes(). */
  predictor: Parameters;
}

/**
 * Writes a camera model.
 *
 * @param path its file
 * @throws RangeError naming the tensor whose numbers are not finite
 */
export async function saveCamera(path: string, { config, encoder, predictor }: CameraModel): Promise<void> {
  await saveNetworks(path, { encoder: encoder.parameters, predictor }, "camera", { config, size: encoder.size });
}

/**
 * Reads a camera model that saveCamera() wrote.
 *
 * @param path the file, or a run's folder, in which it is camera.safetensors
 * @throws Error naming the file, and the tensor, where it is no such file or lacks one
 */
export async function loadCamera(path: string): Promise<CameraModel> {
  const file = path.endsWith(".safetensors") ? path : `${path}/camera.safetensors`;
  const shapesOf = ({ config, size }: { config: CameraConfig; size: EncoderSize }) => {
    checkCameraConfig(config, file);
    return { encoder: encoderShapes(size), predictor: framePredictorShapes(config.predictor, size.width) };
  };
  const { about: { config, size }, networks } = await loadNetworks(file, {
    key: "camera",
    what: "camera model",
    shapesOf,
  });
  return { config, encoder: { size, parameters: networks.encoder }, predictor: networks.predictor };
}
