/**
 * The predictor: a narrow Vision Transformer that, from the context block's representations and the places of a target
 * block, predicts the target block's representations.
 *
 * @module
 */
import type { Groups } from "../nn/grouped_attention.ts";
import { block, type BlockOptions, layerNorm, linear } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Rotation } from "../nn/rotary.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import type { PredictorSize } from "./architectures.ts";
import { gatherTokens } from "./encoder.ts";

/** Which places of the masks are patches, where masks of different lengths are padded to one: see padMasks(). */
export interface Present {
  /** float32 [C], 1 for patches of the context and 0 for padding. */
  context: Tensor;
  /** float32 [T], 1 for patches of a target block and 0 for padding. */
  targets: Tensor;
}

/**
 * What a predictor says at mask tokens: [G, T, D'] of tokens [G, C+T, P], of which the first `visible` are the context's.
 */
export function predictTokens(
  p: Parameters,
  { depth, heads }: PredictorSize,
  tokens: Tensor,
  visible: number,
  options: BlockOptions = {},
): Tensor {
  let x = tokens;
  for (let i = 0; i < depth - 1; i++) x = block(p, `predictor_blocks.${i}`, x, heads, options);
  // Of the last block only the mask tokens are read.
  x = block(p, `predictor_blocks.${depth - 1}`, x, heads, { ...options, from: visible });
  return linear(p, "predictor_proj", layerNorm(p, "predictor_norm", x));
}

/**
 * Predictions for M target blocks, each made by itself: with `sharedContext` from tokens of the context that are computed once.
 *
 * @param representation [B, C, D], the context encoder's output s_x
 * @param context int32 [B, C], the context's patches
 * @param targets int32 [M, B, T], the target blocks' patches
 * @param present which of both are patches, where some are padding; what is predicted there means nothing
 * @param rotation of the context's tokens and then the targets', [M*B, 1, C+T, d], where positions are rotary; else they are
 *   added to the tokens
 * @returns [M, B, T, D'], as many numbers of a patch as the last projection has: D, or 3 p^2 where pixels are predicted
 */
export function predict(
  p: Parameters,
  size: PredictorSize,
  representation: Tensor,
  context: Tensor,
  targets: Tensor,
  present?: Present,
  rotation?: Rotation,
): Tensor {
  if ("condition.fc1.weight" in p) {
    throw new RangeError("This predictor is an image world model's, which has to be told a transformation.");
  }
  const [blocks, batch, count] = targets.shape as [number, number, number];
  const visible = representation.shape[1]!, positions = p["predictor_pos_embed"]; // [1, N, P]
  const narrow = linear(p, "predictor_embed", representation); // [B, C, P]
  const seen = rotation ? narrow : tf.add(narrow, gatherTokens(positions, context));
  const tokens = present && tf.concat([present.context, present.targets]); // [C+T]
  const through = (x: Tensor, groups?: Groups) =>
    predictTokens(p, size, x, visible, { groups, rotation, present: tokens });
  if (size.sharedContext) {
    const places = tf.reshape(tf.transpose(targets, [1, 0, 2]), [batch, blocks * count]);
    const masked = tf.add(gatherTokens(positions, places), p["mask_token"]); // [B, M*T, P]
    const predicted = through(tf.concat([seen, masked], 1), { shared: visible, count: blocks }); // [B, M*T, D']
    return tf.transpose(tf.reshape(predicted, [batch, blocks, count, predicted.shape[2]!]), [1, 0, 2, 3]);
  }
  const masked = rotation
    ? tf.tile(p["mask_token"], [blocks * batch, count, 1]) // [M*B, T, P]
    : tf.add(gatherTokens(positions, tf.reshape(targets, [blocks * batch, count])), p["mask_token"]);
  const predicted = through(tf.concat([tf.tile(seen, [blocks, 1, 1]), masked], 1)); // [M*B, T, D'], of [M*B, C+T, P]
  return tf.reshape(predicted, [blocks, batch, count, predicted.shape[2]!]);
}
