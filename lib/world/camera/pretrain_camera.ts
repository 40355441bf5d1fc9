/**
 * pretrainCamera(): a whole run of a camera model in a folder, from a configuration to its file.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type CameraClips, loadCameraClips } from "../../datasets/clips/camera_clips.ts";
import type { TrainingData } from "../../datasets/dataset.ts";
import { loadEncoder } from "../../jepa/pretrained.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import { decided } from "../../training/runs/decided.ts";
import { type Run, type RunLogEntry, type RunOptions, trainRun } from "../../training/runs/run.ts";
import { type CameraConfig, cameraObjective, type CameraTokens, cameraTokens } from "./camera_objective.ts";
import { checkCameraConfig } from "./check_camera_config.ts";
import type { FrameEncoder } from "./frame_tokens.ts";
import { saveCamera } from "./saved_camera.ts";

/** One line of log.jsonl. Values that are not finite are written as null. */
export interface CameraLogEntry extends RunLogEntry {
  /** Mean absolute error of the next picture's tokens, which are layer-normed, of true ones before. */
  teacherForced: number;
  /** The same of the first few pictures, each predicted from those predicted before. */
  rollout: number;
}

/** What a run leaves. */
export interface CameraResult extends Omit<Run<CameraLogEntry>, "state"> {
  /** Those of framePredictorShapes(); the caller disposes of them. */
  predictor: Parameters;
  /** The file that holds it, and the encoder. */
  weights: string;
}

/** What a camera model learns from. */
export interface CameraData {
  /** What sees; the caller disposes of its parameters. */
  encoder: FrameEncoder;
  /** The pictures as it sees them. */
  tokens: CameraTokens;
  /** By which a run is bound to both. */
  images: TrainingData;
}

/** Of pictures and the encoder that sees them; its numbers are read once. */
async function fingerprintOf({ parameters }: FrameEncoder, pixels: Uint8Array): Promise<string> {
  const hash = createHash("sha256").update(pixels);
  for (const [name, tensor] of Object.entries(parameters)) {
    const values = await tensor.data<"float32">();
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex");
}

/**
 * Loads a configuration's encoder, draws its sequences or takes what was drawn before, and encodes every picture once.
 *
 * @param dir the folder of data sets, usually "data"
 * @param onProgress told how many of the sequences are rendered, or read
 * @throws Error where the encoder cannot be read, or sees images
 */
export async function openCameraData(
  dir: string,
  { encoder: path, scenes, seed }: Pick<CameraConfig, "encoder" | "scenes" | "seed">,
  onProgress?: (clips: number) => void,
): Promise<CameraData> {
  const { size, parameters, predictor } = await loadEncoder(path);
  disposeAll(predictor?.parameters ?? {});
  const encoder = { size, parameters };
  try {
    if (size.tubelet === undefined) {
      throw new Error(`${path} encodes images; a camera model needs an encoder of clips: set \`encoder\` to one.`);
    }
    const clips: CameraClips = await loadCameraClips(dir, { ...scenes, size: size.image, seed, onProgress });
    const fingerprint = await fingerprintOf(encoder, clips.pixels);
    const images: TrainingData = {
      name: `turned scenes as ${path} sees them`,
      length: scenes.clips,
      source: "scenes",
      fingerprint: () => Promise.resolve({ images: scenes.clips, pixels: fingerprint }),
    };
    return { encoder, images, tokens: await cameraTokens(encoder, clips) };
  } catch (error) {
    disposeAll(parameters);
    throw error;
  }
}

/**
 * Trains a camera model (V-JEPA 2-AC's predictor on a frozen encoder), writing the run into a folder: config.json, data.json,
 * log.jsonl, the newest checkpoints, and at the end camera.safetensors, which loadCamera() reads.
 *
 * The result depends on the configuration and the encoder alone: a run that was stopped, by its signal or by a kill, and
 * resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @param data from openCameraData()
 * @throws RangeError as checkCameraConfig() does, before anything is written
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite or a checkpoint cannot be written
 */
export async function pretrainCamera(
  asked: CameraConfig,
  { encoder, tokens, images }: CameraData,
  options: RunOptions<CameraLogEntry>,
): Promise<CameraResult> {
  checkCameraConfig(asked);
  const config = await decided(asked, asked.predictor.width, options);
  const objective = cameraObjective(config, encoder.size, tokens);
  const { state, ...run } = await trainRun(objective, { config, images }, options);
  disposeAll([state.first, state.second]);
  const weights = `${options.dir}/camera.safetensors`, { predictor } = state.trained;
  if (run.finished && (options.workers?.rank ?? 0) === 0) await saveCamera(weights, { config, encoder, predictor });
  return { ...run, predictor, weights };
}
