/**
 * One step of fine-tuning as a pure function: a linear head on the average-pooled tokens, cross-entropy with smoothed
 * labels, and AdamW on the whole of it with layer-wise learning rates.
 *
 * @module
 */
import type { Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { encode, patchify } from "../../jepa/encoder.ts";
import { linear } from "../../nn/layers.ts";
import { isTrained, type Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { adamw, globalNorm, type Moments, type UpdateScalars } from "../../training/adamw.ts";
import { layerDecay } from "./layer_decay.ts";

/** What fine-tuning carries from step to step. */
export interface FineTuneState {
  /** The encoder's, and head.weight [C, D] and head.bias [C]. */
  parameters: Parameters;
  /** Of their gradients. */
  moments: Moments;
}

/** What of the options the step depends on. */
export interface FineTuneStepConfig {
  /** Size of the encoder. */
  size: EncoderSize;
  /** Share of a label's weight that all classes divide among them. */
  labelSmoothing: number;
  /** What a layer's learning rate is of the next one's. */
  layerDecay: number;
  /** By what pixels are standardised. */
  preprocessing: Pick<Preprocessing, "mean" | "deviation">;
}

/** Images with their labels, in the compiled step's form. */
export interface LabelledImages {
  /** uint8 [B, H, W, 3] */
  pixels: Tensor;
  /** int32 [B] */
  labels: Tensor;
}

/** The schedule's values at a step, as float32 scalars. */
export type FineTuneScalars = Omit<UpdateScalars, "clip">;

/** What a step reports, as float32 scalars. */
export interface FineTuneMetrics {
  /** Cross-entropy with smoothed labels, in nats. */
  loss: Tensor;
  /** Share of the batch whose greatest logit is the label's, before the update. */
  accuracy: Tensor;
  /** Norm of all gradients together. */
  gradientNorm: Tensor;
}

/** Cross-entropy of logits [B, C] with int32 labels [B] that keep 1 - smoothing of their weight; the rest goes to all classes alike. */
export function smoothedCrossEntropy(logits: Tensor, labels: Tensor, smoothing: number): Tensor {
  const classes = logits.shape[1]!;
  const oneHot = tf.oneHot(labels, classes, 1, 0, "float32"); // [B, C]
  const wanted = tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / classes);
  return tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, wanted), 1)));
}

/** Logits [B, C] of patches [B, N, 3*p*p]: the head on the average of the tokens that the encoder's norm puts out. */
function classify(p: Parameters, size: EncoderSize, patches: Tensor): Tensor {
  return linear(p, "head", tf.mean(encode(p, size, patches), 1));
}

/** One step on all parameters but the fixed positions. Gradients are not clipped. */
export function fineTuneStep(
  { size, labelSmoothing, layerDecay: decay, preprocessing }: FineTuneStepConfig,
  { parameters, moments }: FineTuneState,
  { pixels, labels }: LabelledImages,
  scalars: FineTuneScalars,
): { state: FineTuneState; result: FineTuneMetrics } {
  const names = Object.keys(parameters).filter(isTrained);
  const patches = patchify(pixels, size.patch, preprocessing); // [B, N, 3*p*p]
  let logits: Tensor;
  const { value: loss, grads } = tf.valueAndGrads((...values: Tensor[]) => {
    const trained = Object.fromEntries(names.map((name, i) => [name, values[i]]));
    logits = tf.keep(classify({ ...parameters, ...trained }, size, patches)); // [B, C]
    return smoothedCrossEntropy(logits, labels, labelSmoothing) as tf.Scalar;
  })(names.map((name) => parameters[name]));
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));

  const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits!, 1), labels), "float32"));
  logits!.dispose();
  const update: UpdateScalars = { ...scalars, clip: tf.scalar(1) };
  const state = adamw(parameters, gradients, moments, update, layerDecay(decay, size.depth));
  return { state, result: { loss, accuracy, gradientNorm: globalNorm(gradients) } };
}
