/**
 * Encoders of clips, with their predictors, from files.
 *
 * @module
 */
import { loadEncoder, type LoadOptions } from "../jepa/pretrained.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import type { VideoArchitecture } from "./presets.ts";

/** An encoder of clips with its predictor. */
export interface VideoModel {
  /** Their sizes. */
  architecture: VideoArchitecture;
  /** The encoder's parameters. */
  encoder: Parameters;
  /** The predictor's. */
  predictor: Parameters;
}

/** The parameters of both, without their sizes. */
export type VideoNetworks = Pick<VideoModel, "encoder" | "predictor">;

/**
 * Loads an encoder of clips and its predictor; the caller disposes of the parameters.
 *
 * @param path as loadEncoder() takes it
 * @throws Error as loadEncoder() does, and where the encoder sees images or has no predictor of clips beside it
 */
export async function loadVideoEncoder(
  path: string,
  options: Pick<LoadOptions, "onDownload"> = {},
): Promise<VideoModel> {
  const { size, parameters: encoder, predictor } = await loadEncoder(path, options), { frames, tubelet } = size;
  const refuse = (why: string): never => {
    tf.dispose([encoder, predictor?.parameters ?? {}]);
    throw new Error(`${path} ${why}`);
  };
  if (frames === undefined || tubelet === undefined) return refuse("encodes images, not clips.");
  if (predictor?.size.maskTokens === undefined) {
    return refuse("holds an encoder of clips without its predictor, which says what comes next: take a run's folder.");
  }
  const { maskTokens, ...narrow } = predictor.size;
  const architecture = { ...size, frames, tubelet, predictor: { ...narrow, maskTokens } };
  return { architecture, encoder, predictor: predictor.parameters };
}
