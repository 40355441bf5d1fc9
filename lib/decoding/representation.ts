/**
 * What is decoded: one vector for an image, or for a block of it, made of the target encoder's or the predictor's output.
 *
 * Both are taken layer-normed, token by token, for that is the space in which the predictor predicts (paper, section 3), and
 * then averaged: a decoder of the one is a decoder of the other.
 *
 * @module
 */
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";
import type { EncoderSize, PredictorSize } from "../jepa/architectures.ts";
import { encode, patchify } from "../jepa/encoder.ts";
import { predict } from "../jepa/predictor.ts";
import { normalise } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** A frozen encoder. */
export interface FrozenEncoder {
  /** Its sizes. */
  size: EncoderSize;
  /** Its parameters, which stay the caller's. */
  parameters: Parameters;
  /** By what pixels are standardised for it. */
  preprocessing: Pick<Preprocessing, "mean" | "deviation">;
  /** The predictor that was trained with it, whose parameters stay the caller's too; needed for decoders of predictions. */
  predictor?: { size: PredictorSize; parameters: Parameters };
}

/** The sizes of an encoder, and by what pixels are standardised for it: all of it but its parameters. */
export type EncoderSetting = Pick<FrozenEncoder, "size" | "preprocessing">;

/**
 * The target encoder's tokens, layer-normed as the objective's targets are.
 *
 * @param pixels uint8 [B, H, W, 3]
 * @returns [B, N, D]
 */
export function representTokens(p: Parameters, { size, preprocessing }: EncoderSetting, pixels: Tensor): Tensor {
  return normalise(encode(p, size, patchify(pixels, size.patch, preprocessing)));
}

/**
 * Averages of tokens.
 *
 * @param tokens [B, N, D]
 * @param weights [B, N], an image's add up to 1: see wholeImage() and blockWeights()
 * @returns [B, D]
 */
export function poolTokens(tokens: Tensor, weights: Tensor): Tensor {
  const [batch, count] = weights.shape;
  return tf.squeeze(tf.matMul(tf.reshape(weights, [batch, 1, count!]), tokens), [1]);
}

/** Weights [N] of the average over some of an image's tokens. */
export function blockWeights(tokens: number, block: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(tokens);
  for (const token of Array.from(block)) weights[token] = 1 / block.length;
  return weights;
}

/**
 * What the predictor says of target blocks that it has not seen, averaged over each block (paper, figure 6).
 *
 * @param pixels uint8 [B, H, W, 3]
 * @param context int32 [B, C], the patches that the encoder sees
 * @param targets int32 [M, B, T], the blocks' patches
 * @returns [M, B, D]
 */
export function predictBlocks(
  encoder: Parameters,
  { size, preprocessing }: EncoderSetting,
  predictor: Parameters,
  predictorSize: PredictorSize,
  { pixels, context, targets }: { pixels: Tensor; context: Tensor; targets: Tensor },
): Tensor {
  const seen = encode(encoder, size, patchify(pixels, size.patch, preprocessing), context); // [B, C, D]
  return tf.mean(predict(predictor, predictorSize, seen, context, targets), 2);
}

/** Weights float32 [B, N] of an image's tokens, which add up to 1. */
export type Pooling = { pooling: Tensor };

/** The patches that the encoder sees, int32 [B, C], and a target block of each image, int32 [1, B, T]. */
export type Masked = { context: Tensor; targets: Tensor };

/**
 * The vector [B, D] that a pooled decoder draws samples for, not standardised: the target encoder's tokens, averaged, or the
 * predictor's of a block that it has not seen.
 *
 * @param pixels uint8 [B, H, W, 3]
 */
export function pooledCondition(
  { encoder, predictor }: { encoder: Parameters; predictor?: Parameters },
  setting: EncoderSetting & { predictor?: { size: PredictorSize } },
  pixels: Tensor,
  seen: Pooling | Masked,
): Tensor {
  if ("pooling" in seen) return poolTokens(representTokens(encoder, setting, pixels), seen.pooling);
  return tf.squeeze(predictBlocks(encoder, setting, predictor!, setting.predictor!.size, { pixels, ...seen }), [0]);
}

/** Mean and deviation of each of a representation's dimensions, by which it is standardised for a decoder. */
export interface Standardisation extends Parameters {
  /** [D] */
  mean: Tensor;
  /** [D], above 0. */
  deviation: Tensor;
}

/** Of rows [R, D]; the deviation of a dimension that hardly varies is taken as 1. */
export function standardisationOf(rows: Float32Array, width: number): Standardisation {
  const count = rows.length / width;
  const mean = new Float64Array(width), square = new Float64Array(width);
  for (let i = 0; i < rows.length; i += width) for (let j = 0; j < width; j++) mean[j] += rows[i + j] / count;
  for (let i = 0; i < rows.length; i += width) {
    for (let j = 0; j < width; j++) square[j] += (rows[i + j] - mean[j]) ** 2 / count;
  }
  const deviation = square.map((variance, j) => variance > 1e-12 * Math.max(1, mean[j] ** 2) ? Math.sqrt(variance) : 1);
  return { mean: tf.tensor1d([...mean]), deviation: tf.tensor1d([...deviation]) };
}

/** (x - mean) / deviation over the last axis. */
export function standardiseBy(x: Tensor, { mean, deviation }: Pick<Standardisation, "mean" | "deviation">): Tensor {
  return tf.div(tf.sub(x, mean), deviation);
}
