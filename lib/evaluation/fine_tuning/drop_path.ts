/**
 * Drop path, or stochastic depth (Huang et al. 2016, arXiv 1603.09382), as timm's ViTs have it: in training each branch of a
 * block is left out for some images, and counts for more where it is not. What is left out is drawn outside the compiled
 * step, which takes it as an input.
 *
 * @module
 */
import type { EncoderSize } from "../../jepa/architectures.ts";
import { embed } from "../../jepa/encoder.ts";
import { attend, biasedGelu, layerNorm, product } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import type { Random } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** How likely each block's branches are left out: from 0 in the first to `rate` in the last, [depth]. */
export function dropRates(rate: number, depth: number): number[] {
  return Array.from({ length: depth }, (_, i) => depth === 1 ? 0 : rate * i / (depth - 1));
}

/**
 * What the branches of each block count for each image: 0, or 1 / (1 - the block's rate). float32 [depth * 2 * batch], of
 * each block the attention's, then the MLP's.
 */
export function drawPaths(rate: number, depth: number, batch: number, random: Random): Float32Array<ArrayBuffer> {
  const rates = dropRates(rate, depth);
  return Float32Array.from({ length: depth * 2 * batch }, (_, i) => {
    const own = rates[Math.floor(i / (2 * batch))];
    return random.uniform() < own ? 0 : 1 / (1 - own);
  });
}

/** x + share * (y + b) */
const addShare = fused(
  "dropped_residual",
  (x: Tensor, y: Tensor, bias: Tensor, share: Tensor) => tf.add(x, tf.mul(share, tf.add(y, bias))),
);

/**
 * encode() of all patches, with branches that count as drawPaths() says. (Its blocks are written out here, so that those of
 * pretraining have no part that they never use.)
 *
 * @param patches [B, N, c*p*p]
 * @param paths [depth, 2, B]
 */
export function encodeWithDropPath(
  p: Parameters,
  { depth, heads, epsilon }: EncoderSize,
  patches: Tensor,
  paths: Tensor,
): Tensor {
  const batch = patches.shape[0];
  const shares = tf.unstack(tf.reshape(paths, [2 * depth, batch, 1, 1]));
  let x = embed(p, patches);
  for (let i = 0; i < depth; i++) {
    const name = `blocks.${i}`;
    const attended = attend(p, `${name}.attn`, layerNorm(p, `${name}.norm1`, x, epsilon), heads);
    x = addShare(x, attended, p[`${name}.attn.proj.bias`], shares[2 * i]);
    const hidden = product(layerNorm(p, `${name}.norm2`, x, epsilon), p[`${name}.mlp.fc1.weight`]); // [B, N, 4D]
    const branch = product(biasedGelu(hidden, p[`${name}.mlp.fc1.bias`]), p[`${name}.mlp.fc2.weight`]);
    x = addShare(x, branch, p[`${name}.mlp.fc2.bias`], shares[2 * i + 1]);
  }
  return layerNorm(p, "norm", x, epsilon);
}
