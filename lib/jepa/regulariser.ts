/**
 * The terms that keep short runs from collapsing: VICReg's variance, covariance and invariance (Bardes et al. 2022, arXiv
 * 2105.04906, section 4.1), which C-JEPA (Mo and Tong 2024, arXiv 2410.19560) adds to I-JEPA's prediction.
 *
 * Variance and covariance are taken over single tokens, each less what the batch's images share at its position: over
 * pooled representations they whiten the image's average and lose what the patches hold (weights/EXPERIMENTS.md).
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** Weights of the terms; 0 leaves a term out, all 0 is the published objective. */
export interface Regulariser {
  /** Weight of the variance term, mu. */
  variance: number;
  /** Weight of the covariance term, nu. */
  covariance: number;
  /** Weight of the invariance term, lambda; above 0 a batch of B images is two crops of each of B / 2. */
  invariance: number;
}

/** The deviation that each dimension is pushed up to: gamma. */
const GOAL = 1;

/** Weights [C] that average to 1, for `present` [C] of ones and of zeros, which are padding: for means of what is no padding. */
export function weightsOf(present: Tensor): Tensor {
  return tf.div(present, tf.mean(present));
}

/**
 * Tokens less the batch's mean at their position, so that what depends on the position alone does not count as variance.
 *
 * @param x [B, C, D]
 * @param places int32 [B, C], the tokens' patches, in 0 .. patches - 1
 * @param present float32 [C], 1 for tokens and 0 for padding; all are tokens where it is left out
 * @returns [B*C, D]; what it holds for padding means nothing
 */
export function lessPosition(x: Tensor, places: Tensor, patches: number, present?: Tensor): Tensor {
  const rows = tf.reshape(x, [-1, x.shape[2]!]) as tf.Tensor2D; // [B*C, D]
  // Products with one-hot rows: a gather's gradient is slow.
  const all = tf.oneHot(tf.reshape(places, [-1]) as tf.Tensor1D, patches, 1, 0, "float32") as tf.Tensor2D; // [B*C, N]
  const oneHot: tf.Tensor2D = present ? tf.mul(all, rowsOf(present, x.shape[0])) : all;
  const counts = tf.maximum(tf.sum(oneHot, 0), 1); // [N]
  const means = tf.div(tf.matMul(oneHot, rows, true), tf.expandDims(counts, 1)) as tf.Tensor2D; // [N, D]
  return tf.sub(rows, tf.matMul(oneHot, means));
}

/** Numbers [C] of the tokens, for each image's: [B*C, 1]. */
function rowsOf(numbers: Tensor, batch: number): Tensor {
  return tf.expandDims(tf.tile(numbers, [batch]), 1);
}

/**
 * VICReg's equations 1 and 3 of centred rows z [S, D]: the deviation of each dimension is pushed up to 1, and different
 * dimensions towards no correlation. Both divide by S, not S - 1, as many more means than one were taken off.
 */
export function varianceAndCovariance(z: Tensor): { variance: Tensor; covariance: Tensor } {
  const [rows, width] = z.shape;
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(z), 0), 1e-4)); // [D]
  const variance = tf.mean(tf.relu(tf.sub(GOAL, deviation)));
  const products = tf.div(tf.matMul(z as tf.Tensor2D, z as tf.Tensor2D, true), rows); // [D, D]
  const others = tf.mul(products, tf.sub(1, tf.eye(width!))); // without the diagonal
  const covariance = tf.div(tf.sum(tf.square(others)), width!);
  return { variance, covariance };
}

/**
 * VICReg's equation 5 across crops: the context's average-pooled representation of each crop against what the target
 * encoder says of the image's other crop; averaged over the dimensions, which the paper sums.
 *
 * @param context [B, C, D]; rows i and i + B / 2 are crops of one image
 * @param target [B, N, D], the target encoder's representations
 * @param present float32 [C], 1 for the context's tokens and 0 for padding; all are tokens where it is left out
 */
export function invarianceOf(context: Tensor, target: Tensor, present?: Tensor): Tensor {
  const weighted = present ? tf.mul(context, tf.expandDims(weightsOf(present), 1)) : context; // [B, C, D]
  const pooled = tf.mean(weighted, 1), [first, second] = tf.split(tf.mean(target, 1), 2); // [B, D], [B/2, D] each
  return tf.mean(tf.square(tf.sub(pooled, tf.concat([second, first]))));
}

/**
 * The weighted sum of the terms, as a scalar; undefined where all weights are 0.
 *
 * @param present float32 [C], 1 for the context's tokens and 0 for padding; all are tokens where it is left out
 */
export function regularisation(
  weights: Regulariser,
  context: Tensor,
  places: Tensor,
  target: Tensor,
  present?: Tensor,
): Tensor | undefined {
  const terms: Tensor[] = [];
  if (weights.variance > 0 || weights.covariance > 0) {
    const rows = lessPosition(context, places, target.shape[1]!, present);
    // The moments' means weigh each row's square.
    const weighted = present ? tf.mul(rows, rowsOf(tf.sqrt(weightsOf(present)), context.shape[0])) : rows;
    const { variance, covariance } = varianceAndCovariance(weighted);
    terms.push(tf.mul(variance, weights.variance), tf.mul(covariance, weights.covariance));
  }
  if (weights.invariance > 0) terms.push(tf.mul(invarianceOf(context, target, present), weights.invariance));
  return terms.length > 0 ? tf.addN(terms) : undefined;
}
