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
import { encodeWithDropPath } from "./drop_path.ts";
import { mixed } from "./mixing.ts";

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
  /** float32 [H, W]: what each pixel keeps of its own image, see drawShares(); left out, images are not mixed. */
  shares?: Tensor;
  /** float32 [depth, 2, B]: what each branch counts, see drawPaths(); left out, all are taken. */
  paths?: Tensor;
}

/**
 * Cross-entropy of logits [B, C] with int32 labels [B] that keep 1 - smoothing of their weight; the rest goes to all classes
 * alike. With a `share`, a scalar, labels keep so much of that, and the image at the batch's other end has the rest.
 */
export function smoothedCrossEntropy(logits: Tensor, labels: Tensor, smoothing: number, share?: Tensor): Tensor {
  const classes = logits.shape[1]!;
  const own = tf.oneHot(labels, classes, 1, 0, "float32"), oneHot = share ? mixed(own, share) : own; // [B, C]
  const wanted = tf.add(tf.mul(oneHot, 1 - smoothing), smoothing / classes);
  return tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, wanted), 1)));
}

/** Logits [B, C] of patches [B, N, c*p*p]: the head on the average of the tokens that the encoder's norm puts out. */
function classify(p: Parameters, size: EncoderSize, patches: Tensor, paths?: Tensor): Tensor {
  const tokens = paths ? encodeWithDropPath(p, size, patches, paths) : encode(p, size, patches); // [B, N, D]
  return linear(p, "head", tf.mean(tokens, 1));
}

/** The loss of labelled images as a function of the encoder's parameters and the head's, head.weight [C, D] and head.bias [C]. */
export function fineTuneLoss(
  { size, labelSmoothing, preprocessing }: FineTuneLossConfig,
  { pixels, labels, shares, paths }: LabelledImages,
): (p: Parameters) => Losses {
  const seen = shares ? mixed(tf.cast(pixels, "float32"), tf.expandDims(shares, 2)) : pixels; // [B, H, W, c]
  const patches = patchify(seen, size.patch, preprocessing); // [B, N, c*p*p]
  const share = shares && tf.mean(shares);
  return (p) => {
    const logits = classify(p, size, patches, paths); // [B, C]
    // Share of the batch whose greatest logit is the label's, before the update.
    const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), labels), "float32"));
    return { loss: smoothedCrossEntropy(logits, labels, labelSmoothing, share), reported: { accuracy } };
  };
}
