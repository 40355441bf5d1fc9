/**
 * pretrainVideo(): a whole run of V-JEPA in a folder, from a configuration and clips to an encoder's file.
 *
 * @module
 */
import type { ClipDataset } from "../datasets/clips/clips.ts";
import { saveEncoder } from "../jepa/save_encoder.ts";
import type { Parameters } from "../nn/parameters.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import { decided } from "../training/runs/decided.ts";
import { type Run, type RunLogEntry, type RunOptions, trainRun } from "../training/runs/run.ts";
import { checkVideoConfig } from "./check_config.ts";
import type { VjepaConfig } from "./presets.ts";
import { vjepaObjective } from "./vjepa.ts";

/** One line of log.jsonl. Values that are not finite are written as null. */
export interface VideoLogEntry extends RunLogEntry {
  /** The loss without what regularises it: mean absolute error over the hidden tokens. */
  prediction: number;
  /** Cosine of predictions and targets, averaged over the hidden tokens, in -1 .. 1. */
  cosine: number;
  /** The same less what the batch's clips share at a place: near 0 where targets depend on their place alone. */
  centredCosine: number;
  /** Collapse measure: deviation over the batch of average-pooled, layer-normed tokens, averaged over dimensions. */
  featureStd: number;
}

/** What a run leaves. */
export interface VideoResult extends Omit<Run<VideoLogEntry>, "state"> {
  /** The target encoder; the caller disposes of it. */
  targetEncoder: Parameters;
  /** The predictor; the caller disposes of it. */
  predictor: Parameters;
  /** The file that holds both. */
  weights: string;
}

/**
 * Pretrains an encoder of clips with V-JEPA (Bardes et al. 2024), writing the run into a folder: config.json,
 * log.jsonl, the newest checkpoints, and at the end encoder.safetensors, the target encoder and the predictor, which
 * loadEncoder() reads.
 *
 * The result depends on the configuration and the clips alone: a run that was stopped, by its signal or by a kill, and
 * resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @throws RangeError as checkVideoConfig() does, or where a clip is too short, before anything is written
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite or a checkpoint cannot be written
 */
export async function pretrainVideo(
  asked: VjepaConfig,
  clips: ClipDataset,
  options: RunOptions<VideoLogEntry>,
): Promise<VideoResult> {
  checkVideoConfig(asked);
  const { architecture } = asked, config = await decided(asked, architecture.width, options);
  const { state, ...run } = await trainRun(vjepaObjective(config, clips), { config, images: clips }, options);
  const { trained: { encoder, predictor }, averages: { target_encoder: targetEncoder } } = state;
  const weights = `${options.dir}/encoder.safetensors`;
  if (run.finished && (options.workers?.rank ?? 0) === 0) {
    const { predictor: narrow, ...size } = architecture;
    await saveEncoder(weights, { size, parameters: targetEncoder, predictor: { size: narrow, parameters: predictor } });
  }
  disposeAll([encoder, state.first, state.second]);
  return { ...run, targetEncoder, predictor, weights };
}
