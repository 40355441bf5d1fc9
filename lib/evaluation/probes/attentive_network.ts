/**
 * The network of the attentive probe: a learned query attends over an image's patches, and a linear head reads what it
 * gathered. As V-JEPA's (Bardes et al. 2024, arXiv 2404.08471, appendix); CAE's (Chen et al. 2022, arXiv 2202.03026) has no
 * MLP.
 *
 * @module
 */
import { biasedGelu, layerNorm, linear, normalise, product } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** The size of an attentive probe. */
export interface AttentiveSize {
  /** Length of a patch's vector. */
  width: number;
  /** Classes to tell apart. */
  classes: number;
  /** Width of the MLP behind the attention, in multiples of `width`; 0 for none. */
  mlpRatio: number;
}

/** Names and shapes of the probe's parameters. */
export function attentiveShapes({ width, classes, mlpRatio }: AttentiveSize): Record<string, readonly number[]> {
  const hidden = mlpRatio * width;
  const mlp = {
    "norm2.weight": [width],
    "norm2.bias": [width],
    "mlp.fc1.weight": [hidden, width],
    "mlp.fc1.bias": [hidden],
    "mlp.fc2.weight": [width, hidden],
    "mlp.fc2.bias": [width],
  };
  return {
    query: [1, width],
    "norm1.weight": [width],
    "norm1.bias": [width],
    "attn.q.weight": [width, width],
    "attn.q.bias": [width],
    // A bias of the keys would raise all patches' scores alike.
    "attn.k.weight": [width, width],
    "attn.v.weight": [width, width],
    "attn.v.bias": [width],
    "attn.proj.weight": [width, width],
    "attn.proj.bias": [width],
    ...mlpRatio > 0 ? mlp : {},
    "head.weight": [classes, width],
    "head.bias": [classes],
  };
}

/** Softmax over the patches of scores [B, N, H]: [B, H, N]. */
const attention = fused("query_attention", (scores: Tensor) => {
  const byHead = tf.transpose(scores, [0, 2, 1]);
  const exponentials = tf.exp(tf.sub(byHead, tf.max(byHead, 2, true)));
  return tf.div(exponentials, tf.sum(exponentials, 2, true));
}, "activation");

/**
 * Logits [B, C] of frozen tokens [B, N, D]: z = q + attention(q, norm1(tokens)), then z + MLP(norm2(z)) where there is an
 * MLP, then the head.
 *
 * One query asks, so the keys' and values' products need not be formed for each token: the score (W_q q) . (W_k x) is
 * (W_k^T W_q q) . x, and the average of W_v x is W_v of the average of x. What is left is a product with H vectors.
 *
 * @param heads of the attention
 */
export function attentiveLogits(p: Parameters, heads: number, tokens: Tensor): Tensor {
  const [batch, , width] = tokens.shape as [number, number, number], d = width / heads;
  const x = normalise(tokens); // [B, N, D], without norm1's scale and shift
  const query = tf.reshape(linear(p, "attn.q", p.query), [heads, 1, d]);
  const keys = tf.reshape(p["attn.k.weight"], [heads, d, width]);
  const directions = tf.mul(tf.reshape(tf.matMul(query, keys), [heads, width]), p["norm1.weight"]); // [H, D]
  const scores = product(x, tf.mul(directions, 1 / Math.sqrt(d))); // [B, N, H]
  const averages = tf.matMul(attention(scores), x); // [B, H, D]
  const seen = tf.add(tf.mul(averages, p["norm1.weight"]), p["norm1.bias"]);
  const values = tf.reshape(p["attn.v.weight"], [heads, d, width]);
  const attended = tf.matMul(tf.transpose(seen, [1, 0, 2]), values, false, true); // [H, B, d]
  const merged = tf.add(tf.reshape(tf.transpose(attended, [1, 0, 2]), [batch, width]), p["attn.v.bias"]);
  let z = tf.add(p.query, linear(p, "attn.proj", merged)); // [B, D]
  if (p["mlp.fc1.weight"]) {
    const hidden = product(layerNorm(p, "norm2", z, 1e-5), p["mlp.fc1.weight"]);
    z = tf.add(z, linear(p, "mlp.fc2", biasedGelu(hidden, p["mlp.fc1.bias"])));
  }
  return linear(p, "head", z);
}
