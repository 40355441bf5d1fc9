/**
 * pretrain(): a whole run of I-JEPA, or of a method beside it, in a folder, from a configuration and images to an encoder's
 * file.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { saveEncoder } from "../jepa/save_encoder.ts";
import type { Parameters } from "../nn/parameters.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import { decided } from "../training/runs/decided.ts";
import { type Monitor, type Run, type RunLogEntry, type RunOptions, trainRun } from "../training/runs/run.ts";
import { standardisedPreprocessing } from "../datasets/channel_statistics.ts";
import { checkConfig } from "./check_config.ts";
import { encoderOf } from "./config.ts";
import { checkChannels, standardised } from "./parts/standardised.ts";
import type { RunConfig } from "../jepa/pretraining/presets.ts";
import { isJepa, keptNetwork, type MethodConfig, objectiveOf } from "./methods.ts";

/** One line of log.jsonl. Values that are not finite are written as null. */
export interface LogEntry extends RunLogEntry {
  /** Collapse measure: deviation over the batch of average-pooled, layer-normed tokens, averaged over dimensions. */
  featureStd: number;
  /** I-JEPA's and an image world model's: the loss without what regularises it. */
  prediction?: number;
  /** Of the same: cosine of predictions and targets, averaged over the target patches, in -1 .. 1. */
  cosine?: number;
  /** The same less what the batch's images share at a position: near 0 where the target depends on its position alone. */
  centredCosine?: number;
  /** Of methods that compare crops: how far their projections lie apart, before its weight. */
  invariance?: number;
  /** VICReg's variance term, before its weight. */
  variance?: number;
  /** VICReg's covariance term, before its weight. */
  covariance?: number;
  /** LeJEPA's statistic, before its weight. */
  sigreg?: number;
}

/** One line of log.jsonl of I-JEPA's. */
export type JepaLogEntry = LogEntry & Required<Pick<LogEntry, "prediction" | "cosine" | "centredCosine" | "momentum">>;

/** How to run it; none of this changes the result. */
export interface PretrainOptions<Entry = LogEntry> extends RunOptions<Entry> {
  /** Measures of the target encoder go into the log; see representationMonitor() for one. */
  monitor?: Monitor;
}

/** What a run leaves. */
export interface PretrainResult<Entry = LogEntry> extends Omit<Run<Entry>, "state"> {
  /** Parameters of the encoder that is kept (keptNetwork()), which evaluations use; the caller disposes of them. */
  targetEncoder: Parameters;
  /** The file that holds them. */
  weights: string;
}

/** Pretrains an encoder with I-JEPA (paper, section 3). */
export function pretrain(
  config: RunConfig,
  dataset: Dataset,
  options: PretrainOptions<JepaLogEntry>,
): Promise<PretrainResult<JepaLogEntry>>;
/**
 * Pretrains an encoder with the method that the configuration names, I-JEPA (paper, section 3) where it names none, writing
 * the run into a folder: config.json, log.jsonl, the newest checkpoints, and at the end encoder.safetensors. That is a Vision
 * Transformer without class token whatever the method, so that all that takes I-JEPA's encoders takes it.
 *
 * A precision of "auto" is decided here, or, of a run that goes on, as it was when it began. The result depends on the
 * configuration and the images alone: a run that was stopped, by its signal or by a kill, and
 * resumed ends with the same weights, bit for bit, on the same machine.
 *
 * @throws RangeError as checkConfig() does, or where the images have other channels, before anything is written
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite or a checkpoint cannot be written; the last whole one is then left as it is
 */
export function pretrain(
  config: MethodConfig,
  dataset: Dataset,
  options: PretrainOptions,
): Promise<PretrainResult>;
export async function pretrain<Entry extends LogEntry>(
  asked: MethodConfig,
  dataset: Dataset,
  options: PretrainOptions<Entry>,
): Promise<PretrainResult<Entry>> {
  checkConfig(asked);
  const { monitor: _, ...running } = options;
  checkChannels(asked, dataset);
  const config = await standardised(await decided(asked, asked.architecture.width, options), dataset, options);
  const objective = objectiveOf(config, dataset), network = keptNetwork(objective);
  const measure: Monitor["measure"] = (encoder, step) => options.monitor!.measure(encoder, step);
  const monitor = options.monitor && { every: options.monitor.every, measure, network };
  const setting = { config, images: dataset, monitor };
  const { state, ...run } = await trainRun(objective, setting, running);
  const { trained, averages } = state, { [network]: targetEncoder, ...others } = { ...trained, ...averages };
  const weights = `${options.dir}/encoder.safetensors`;
  if (run.finished && (options.workers?.rank ?? 0) === 0) {
    // One of pixels is none for those who load it to see what it says of representations.
    const predictor = isJepa(config) && config.targets !== "pixels" || config.method === "iwm"
      ? { size: config.architecture.predictor, parameters: trained.predictor }
      : undefined;
    const onProgress = (done: number, total: number) =>
      options.onFile?.({ action: "writing", path: weights, done, total });
    const preprocessing = standardisedPreprocessing(config.architecture.image, config.standardise);
    const encoder = { size: encoderOf(config.architecture), parameters: targetEncoder, preprocessing, predictor };
    await saveEncoder(weights, encoder, { onProgress });
  }
  disposeAll([others, state.first, state.second]);
  return { ...run, targetEncoder, weights };
}
