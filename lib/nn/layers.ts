/**
 * The layers of a vision transformer as pure functions over named parameters: linear, layer norm, GELU, self-attention,
 * MLP and the pre-norm block (Dosovitskiy et al. 2021, arXiv 2010.11929, equations 2-3).
 *
 * Biases are added inside the elementwise kernel that follows a product, which saves a pass over memory.
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused, kernel, sumOfRows } from "../tensorflow/fused.ts";
import { withGradient, withGradientOfResult } from "../tensorflow/nested.ts";
import { recomputed } from "../tensorflow/recomputed.ts";
import { rowMax, rowMean, rowSum } from "../tensorflow/row_reductions.ts";
import { groupedAttention, type Groups } from "./grouped_attention.ts";
import type { Parameters } from "./parameters.ts";
import { rotate, type Rotation, rotationFrom } from "./rotary.ts";

type Plain = (...inputs: Tensor[]) => Tensor;
type Gradient = (...inputs: Tensor[]) => Tensor[];

/** Of every norm where nothing else is said, as in the authors' code. */
const EPSILON = 1e-6;

/** The product of linear(), without its bias: x [..., I] and W [O, I] give [..., O]. */
export function product(x: Tensor, weight: Tensor): Tensor {
  const [outputs, inputs] = weight.shape;
  const rows = tf.reshape(x, [-1, inputs]); // [B*N, I]
  return tf.reshape(tf.matMul(rows as tf.Tensor2D, weight as tf.Tensor2D, false, true), [
    ...x.shape.slice(0, -1),
    outputs,
  ]);
}

/** x + b over the last axis. */
export const addBias: (x: Tensor, bias: Tensor) => Tensor = withGradient(
  fused("bias", (x: Tensor, bias: Tensor) => tf.add(x, bias)) as Plain,
  (dy) => [dy, sumOfRows(dy)],
  0,
);

/** W x + b over the last axis: x [..., I] to [..., O]. */
export function linear(p: Parameters, name: string, x: Tensor): Tensor {
  return addBias(product(x, p[`${name}.weight`]), p[`${name}.bias`]);
}

/** z = (x - mean) / sqrt(variance + epsilon) over the last axis, [..., D], and 1 / sqrt(variance + epsilon), [..., 1]. */
function standardised(x: Tensor, epsilon: number): [z: Tensor, factor: Tensor] {
  const centred = tf.sub(x, rowMean(x));
  const factor = tf.rsqrt(tf.add(rowMean(tf.square(centred)), epsilon));
  return [tf.mul(centred, factor), factor];
}

/** By x, of dz by z: factor (dz - mean(dz) - z mean(z dz)). */
function standardisedGradient(dz: Tensor, [z, factor]: [Tensor, Tensor]): Tensor {
  return tf.mul(factor, tf.sub(tf.sub(dz, rowMean(dz)), tf.mul(z, rowMean(tf.mul(z, dz)))));
}

/** (x - mean) / sqrt(variance + epsilon) over the last axis; not to be differentiated inside a kernel. */
export const standardise = (x: Tensor, epsilon: number): Tensor => standardised(x, epsilon)[0];

type Affine = (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;

function affineNorm(epsilon: number): Affine {
  let norm = norms.get(epsilon);
  if (!norm) {
    const forward: Affine = (x, weight, bias) => tf.add(tf.mul(standardise(x, epsilon), weight), bias);
    const backward = kernel("layer_norm_gradient", (dy: Tensor, x: Tensor, weight: Tensor) => {
      const [z, factor] = standardised(x, epsilon);
      return [standardisedGradient(tf.mul(dy, weight), [z, factor]), tf.mul(dy, z)];
    });
    norm = withGradient(fused("layer_norm", forward, "activation") as Plain, (dy, x, weight) => {
      const [dx, byWeight] = backward(dy, x, weight);
      return [dx, sumOfRows(byWeight), sumOfRows(dy)];
    }, 0);
    norms.set(epsilon, norm);
  }
  return norm;
}
const norms = new Map<number, Affine>();

/**
 * Layer norm over the last axis, with scale and shift.
 *
 * @param epsilon added to the variance; default 1e-6
 */
export function layerNorm(p: Parameters, name: string, x: Tensor, epsilon = EPSILON): Tensor {
  return affineNorm(epsilon)(x, p[`${name}.weight`], p[`${name}.bias`]);
}

/** Layer norm without scale and shift, epsilon 1e-5: what the targets go through (PyTorch's F.layer_norm). */
export const normalise: (x: Tensor) => Tensor = withGradient(
  fused("normalise", (x: Tensor) => standardise(x, 1e-5)) as Plain,
  kernel(
    "normalise_gradient",
    (dy: Tensor, x: Tensor) => [standardisedGradient(dy, standardised(x, 1e-5))],
  ) as Gradient,
  0,
);

const gelu = fused(
  "gelu",
  (x: Tensor, bias: Tensor) => {
    const h = tf.add(x, bias);
    return tf.mul(tf.mul(h, 0.5), tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1));
  },
  "activation",
);

/** dy (Phi(h) + h phi(h)), of the normal distribution and its density. */
const geluGradient = kernel("gelu_gradient", (dy: Tensor, x: Tensor, bias: Tensor) => {
  const h = tf.add(x, bias), density = tf.mul(tf.exp(tf.mul(tf.square(h), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  const distribution = tf.mul(tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1), 0.5);
  return [tf.mul(dy, tf.add(distribution, tf.mul(h, density)))];
});

/** h / 2 (1 + erf(h / sqrt 2)) of h = x + b: the exact GELU. */
export const biasedGelu: (x: Tensor, bias: Tensor) => Tensor = withGradient(gelu as Plain, (dy, x, bias) => {
  const [dx] = geluGradient(dy, x, bias);
  return [dx, sumOfRows(dx)];
}, 0);

/** x + (y + b): the residual stream takes in what a branch computed. */
export const addBranch: (x: Tensor, y: Tensor, bias: Tensor) => Tensor = withGradient(
  fused("residual", (x: Tensor, y: Tensor, bias: Tensor) => tf.add(x, tf.add(y, bias))) as Plain,
  (dy) => [dy, dy, sumOfRows(dy)],
  0,
);

/** [B, N, K*H*d] + b, split into K x heads: [K, B, H, N, d]. */
function splitHeads(parts: number, heads: number): (x: Tensor, bias: Tensor) => Tensor {
  const key = `${parts} ${heads}`;
  let split = splits.get(key);
  if (!split) {
    const forward = fused("split_heads", (x: Tensor, bias: Tensor) => {
      const [batch, tokens, width] = x.shape;
      const biased = tf.reshape(tf.add(x, bias), [batch, tokens, parts, heads, width / (parts * heads)]);
      return tf.transpose(biased, [2, 0, 3, 1, 4]);
    }, "activation");
    const backward = (dy: Tensor, x: Tensor) => {
      // No kernel of XLA's, which is far slower at a transpose than TensorFlow.
      const dx = tf.reshape(tf.transpose(dy, [1, 3, 0, 2, 4]), x.shape); // [B, N, K*H*d]
      return [dx, sumOfRows(dx)];
    };
    splits.set(key, split = withGradient(forward as Plain, backward, 0));
  }
  return split;
}
const splits = new Map<string, (x: Tensor, bias: Tensor) => Tensor>();

function softmax(scores: Tensor): Tensor {
  const exponentials = tf.exp(tf.sub(scores, rowMax(scores)));
  return tf.mul(exponentials, tf.div(1, rowSum(exponentials))); // tf.reciprocal() alone is an approximation, good to 1e-5
}

/** By the scores S, for the weights P = softmax(scale S): scale (P dP - P sum(P dP)), the sum over a row. */
const scoresGradient = fused(
  "softmax_gradient",
  (dy: Tensor, weights: Tensor, scale: Tensor) => {
    const product = tf.mul(weights, dy);
    return tf.mul(scale, tf.sub(product, tf.mul(weights, rowSum(product))));
  },
  "activation",
);

const scaledSoftmax = withGradientOfResult(
  fused("softmax", (scores: Tensor, scale: Tensor) => softmax(tf.mul(scores, scale)), "activation") as Plain,
  scoresGradient,
);

/** Less 1e9, of which the exponential is 0, where `present` [N] or [N, N] is 0: such keys get no weight and no gradient. */
const scaledSoftmaxOfPresent = withGradientOfResult(
  fused(
    "softmax_of_present",
    (scores: Tensor, scale: Tensor, present: Tensor) =>
      softmax(tf.add(tf.mul(scores, scale), tf.mul(tf.sub(present, 1), 1e9))),
    "activation",
  ) as Plain,
  (dy, weights, scale) => scoresGradient(dy, weights, scale),
);

const mergeHeads = fused("merge_heads", (x: Tensor) => {
  const [batch, heads, tokens, width] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * width]);
}, "activation");

/** Which tokens a block computes, and which it sees. */
export interface BlockOptions {
  /**
   * Computes only the tokens from this one on (they still attend to all), for a last block of which the others are not
   * read. Default 0.
   */
  from?: number;
  /** What the norms add to the variance. Default 1e-6. */
  epsilon?: number;
  /**
   * float32 [N], 1 for tokens and 0 for padding, to which nothing attends; all are tokens where it is left out. With groups
   * [C + T], of the shared tokens and of a group's. Where not all tokens see the same, without groups and `from`: [N, N],
   * whose row has a token's own.
   */
  present?: Tensor;
  /** Where tokens do not all see each other: groups of them see shared ones and themselves. Default all see all. */
  groups?: Groups;
  /** Turns queries and keys by their tokens' places: rotary positions; left out where positions are added to tokens. */
  rotation?: Rotation;
}

/** Multi-head self-attention of x [B, N, D], before the output's bias; `from` > 0 asks only for the tokens from there on. */
export function attend(
  p: Parameters,
  name: string,
  x: Tensor,
  heads: number,
  { from = 0, present, groups, rotation }: Omit<BlockOptions, "epsilon"> = {},
): Tensor {
  const [batch, tokens, width] = x.shape;
  const weight = p[`${name}.qkv.weight`], bias = p[`${name}.qkv.bias`]; // [3D, D], [3D]
  let q, k, v; // [B, H, N, d] each
  if (from === 0) {
    [q, k, v] = tf.unstack(splitHeads(3, heads)(product(x, weight), bias)); // of [3, B, H, N, d]
  } else {
    const asking = tf.slice(x, [0, from, 0], [batch, tokens! - from, width!]);
    q = tf.squeeze(splitHeads(1, heads)(product(asking, tf.slice(weight, 0, width)), tf.slice(bias, 0, width)), [0]);
    const [rest, restBias] = [tf.slice(weight, width!), tf.slice(bias, width!)];
    [k, v] = tf.unstack(splitHeads(2, heads)(product(x, rest), restBias));
  }
  if (rotation) {
    q = rotate(q, from === 0 ? rotation : rotationFrom(rotation, from));
    k = rotate(k, rotation);
  }
  const scale = tf.scalar(1 / Math.sqrt(width! / heads));
  const weightsOf = (scores: Tensor, present?: Tensor) =>
    present ? scaledSoftmaxOfPresent(scores, scale, present) : scaledSoftmax(scores, scale);
  const sums = groups
    ? groupedAttention(q, k, v, groups, weightsOf, present)
    : tf.matMul(weightsOf(tf.matMul(q, k, false, true), present), v); // [B, H, N, d], of weights [B, H, N, N]
  return product(mergeHeads(sums), p[`${name}.proj.weight`]); // [B, N, D]
}

/** A block's parameters, by their names in it. */
const BLOCK = [
  ...["norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"],
  ...["norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"],
];

function computeBlock(p: Parameters, x: Tensor, heads: number, options: BlockOptions): Tensor {
  const { from = 0, epsilon } = options;
  const attended = attend(p, "attn", layerNorm(p, "norm1", x, epsilon), heads, options);
  if (from > 0) x = tf.slice(x, [0, from, 0]);
  x = addBranch(x, attended, p["attn.proj.bias"]);
  const hidden = product(layerNorm(p, "norm2", x, epsilon), p["mlp.fc1.weight"]); // [B, N, 4D]
  const branch = product(biasedGelu(hidden, p["mlp.fc1.bias"]), p["mlp.fc2.weight"]);
  return addBranch(x, branch, p["mlp.fc2.bias"]);
}

/** The block as a function of x, its parameters and, where there are such, of what is present and of how places turn. */
function blockOf(
  heads: number,
  from: number,
  epsilon: number,
  padded: boolean,
  rotary: boolean,
  groups?: Groups,
): (...inputs: Tensor[]) => Tensor {
  const key = `${heads} ${from} ${epsilon} ${padded} ${rotary} ${groups?.shared} ${groups?.count}`;
  let compute = blocks.get(key);
  if (!compute) {
    const fn = (x: Tensor, ...inputs: Tensor[]) => {
      const p = Object.fromEntries(BLOCK.map((name, i) => [name, inputs[i]])), rest = inputs.slice(BLOCK.length);
      const present = padded ? rest.shift() : undefined;
      const rotation = rotary ? { cos: rest[0], sin: rest[1] } : undefined;
      return computeBlock(p, x, heads, { from, epsilon, groups, present, rotation });
    };
    blocks.set(key, compute = recomputed("block", fn, (padded ? 1 : 0) + (rotary ? 2 : 0)));
  }
  return compute;
}
const blocks = new Map<string, (...inputs: Tensor[]) => Tensor>();

/**
 * A pre-norm transformer block, x + attention(norm(x)) and then x + MLP(norm(x)): [B, N, D] to [B, N, D], or with `from`
 * to [B, N - from, D]. In functions compiled with `recompute` it keeps only x for its gradient.
 */
export function block(p: Parameters, name: string, x: Tensor, heads: number, options: BlockOptions = {}): Tensor {
  const { from = 0, epsilon = EPSILON, present, groups, rotation } = options;
  const parameters = BLOCK.map((part) => p[`${name}.${part}`]);
  const constants = [...present ? [present] : [], ...rotation ? [rotation.cos, rotation.sin] : []];
  return blockOf(heads, from, epsilon, !!present, !!rotation, groups)(x, ...parameters, ...constants);
}
