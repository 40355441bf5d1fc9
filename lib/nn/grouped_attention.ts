/**
 * Attention of tokens that are seen by all and of groups of tokens that see those and their own: what a mask over the pairs
 * of tokens would say, without the products that the mask would throw away.
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** The first tokens are seen by all, and see themselves; the others stand in groups of one length, each seen by itself. */
export interface Groups {
  /** Tokens that all see, C. */
  shared: number;
  /** Groups of the others, M. */
  count: number;
}

/** softmax(scale x) over the last axis, with no weight for keys that are padding where `present` is given. */
export type Weights = (scores: Tensor, present?: Tensor) => Tensor;

/**
 * The weighted sums of the values.
 *
 * @param q [B, H, C + M*T, d], or [B, H, M*T, d] where the shared tokens ask nothing
 * @param k [B, H, C + M*T, d], v alike
 * @param present float32 [C + T], 1 for tokens and 0 for padding, of the shared ones and then of each group
 * @returns as q
 */
export function groupedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { shared, count }: Groups,
  weightsOf: Weights,
  present?: Tensor,
): Tensor {
  const [batch, heads, keys, width] = k.shape as [number, number, number, number];
  const grouped = keys - shared, length = grouped / count; // M*T, T
  const part = (x: Tensor, from: number, size: number) => tf.slice(x, [0, 0, from, 0], [batch, heads, size, width]);
  const perGroup = (x: Tensor, columns: number) => tf.reshape(x, [batch * heads * count, length, columns]);
  const perHead = (x: Tensor, columns: number) => tf.reshape(x, [batch, heads, grouped, columns]);
  const asks = q.shape[2] === keys;

  const sharedK = part(k, 0, shared), sharedV = part(v, 0, shared); // [B, H, C, d]
  const ownK = perGroup(part(k, shared, grouped), width), ownV = perGroup(part(v, shared, grouped), width); // [B*H*M, T, d]
  const own = asks ? part(q, shared, grouped) : q; // [B, H, M*T, d]
  const scores = tf.concat([
    perGroup(tf.matMul(own, sharedK, false, true), shared),
    tf.matMul(perGroup(own, width), ownK, false, true),
  ], 2); // [B*H*M, T, C+T]
  const weights = weightsOf(scores, present), rows = batch * heads * count;
  const bySharedV = tf.matMul(perHead(tf.slice(weights, [0, 0, 0], [rows, length, shared]), shared), sharedV);
  const byOwnV = tf.matMul(tf.slice(weights, [0, 0, shared], [rows, length, length]), ownV); // [B*H*M, T, d]
  const sums = tf.add(bySharedV, perHead(byOwnV, width)); // [B, H, M*T, d]
  if (!asks) return sums;

  const sharedScores = tf.matMul(part(q, 0, shared), sharedK, false, true); // [B, H, C, C]
  const sharedWeights = weightsOf(sharedScores, present && tf.slice(present, 0, shared));
  return tf.concat([tf.matMul(sharedWeights, sharedV), sums], 2); // [B, H, C + M*T, d]
}
