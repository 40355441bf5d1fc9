/**
 * The loss of fine-tuning as a pure function: a linear head on the average-pooled tokens, cross-entropy with smoothed labels.
 *
 * @module
 */
import type { Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { encode, patchify } from "../../jepa/encoder.ts";
import { linear } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import type { Losses } from "../../training/objective.ts";

/** What of the options the loss depends on. */
export interface FineTuneLossConfig {
  /** Size of the encoder. */
  size: EncoderSize;
  /** Share of a label's weight that all classes divide among them. */
  labelSmoothing: number;
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

/** The loss of labelled images as a function of the encoder's parameters and the head's, head.weight [C, D] and head.bias [C]. */
export function fineTuneLoss(
  { size, labelSmoothing, preprocessing }: FineTuneLossConfig,
  { pixels, labels }: LabelledImages,
): (p: Parameters) => Losses {
  const patches = patchify(pixels, size.patch, preprocessing); // [B, N, 3*p*p]
  return (p) => {
    const logits = classify(p, size, patches); // [B, C]
    // Share of the batch whose greatest logit is the label's, before the update.
    const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), labels), "float32"));
    return { loss: smoothedCrossEntropy(logits, labels, labelSmoothing), reported: { accuracy } };
  };
}
