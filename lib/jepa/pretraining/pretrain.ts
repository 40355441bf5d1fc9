/**
 * pretrain(): a whole run of I-JEPA in a folder, from a configuration and images to an encoder's file.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import { type Monitor, type RunLogEntry, type RunOptions, trainRun } from "../../training/run.ts";
import type { targetRepresentations } from "../objective.ts";
import { saveEncoder } from "../save_encoder.ts";
import type { RunConfig } from "./presets.ts";
import { jepaObjective } from "./pretraining_objective.ts";

/** One line of log.jsonl. Values that are not finite are written as null. */
export interface LogEntry extends RunLogEntry {
  /** The loss without the variance and covariance terms. */
  prediction: number;
  /** Collapse measure: deviation over the batch of the average-pooled targets, averaged over dimensions. */
  featureStd: number;
  /** Cosine of predictions and targets, averaged over the target patches: in -1 .. 1. */
  cosine: number;
  /** The same less what the batch's images share at a position: near 0 where the target depends on its position alone. */
  centredCosine: number;
  /** Momentum of the target encoder. */
  momentum: number;
}

/** How to run it; none of this but `targetsOf` changes the result. */
export interface PretrainOptions extends RunOptions<LogEntry> {
  /** Measures of the target encoder go into the log; see representationMonitor() for one. */
  monitor?: Monitor;
  /**
   * What is predicted instead of targetRepresentations(), for experiments such as Table 7's pixelTargets(). The folder does
   * not keep it: a run that is resumed has to be given it again.
   */
  targetsOf?: typeof targetRepresentations;
}

/** What a run leaves. */
export interface PretrainResult {
  /** Whether all steps are done; false where `signal` stopped it. */
  finished: boolean;
  /** Steps done. */
  step: number;
  /** A line for each step, those before a resume included. */
  log: LogEntry[];
  /** The target encoder's parameters, which evaluations use; the caller disposes of them. */
  targetEncoder: Parameters;
  /** The file that holds them. */
  weights: string;
}

/**
 * Pretrains an encoder with I-JEPA (paper, section 3), writing the run into a folder: config.json, log.jsonl, the newest
 * checkpoints, and at the end encoder.safetensors with the target encoder.
 *
 * The result depends on the configuration and the images alone: a run that was stopped, by its signal or by a kill, and
 * resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite or a checkpoint cannot be written; the last whole one is then left as it is
 */
export async function pretrain(config: RunConfig, dataset: Dataset, options: PretrainOptions): Promise<PretrainResult> {
  const { monitor: _, targetsOf, ...running } = options;
  const objective = jepaObjective(config, dataset, targetsOf);
  const measure: Monitor["measure"] = (encoder, step) => options.monitor!.measure(encoder, step);
  const monitor = options.monitor && { every: options.monitor.every, measure, network: "target_encoder" };
  const setting = { config, images: dataset, monitor };
  const { finished, step, log, state } = await trainRun(objective, setting, running as RunOptions);
  const { averages: { target_encoder: targetEncoder }, ...rest } = state;
  const weights = `${options.dir}/encoder.safetensors`;
  if (finished && (options.workers?.rank ?? 0) === 0) {
    const { predictor: size, ...encoderSize } = config.architecture;
    const predictor = { size, parameters: rest.trained.predictor };
    const onProgress = (done: number, total: number) =>
      options.onFile?.({ action: "writing", path: weights, done, total });
    await saveEncoder(weights, { size: encoderSize, parameters: targetEncoder, predictor }, { onProgress });
  }
  disposeAll(rest);
  return { finished, step, log: log as LogEntry[], targetEncoder, weights };
}
