/**
 * data2vec 2.0's decoder: a few grouped convolutions over the grid of tokens, each with a layer norm without scale and
 * shift, a GELU and a residual, and a linear layer (arXiv 2212.07525, section 3.2, and its code).
 *
 * @module
 */
import type { ParameterShapes } from "../../jepa/architectures.ts";
import { addBias, linear, normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** Sizes of the decoder. */
export interface ConvolutionalDecoderSize {
  /** Channels. */
  width: number;
  /** Convolutions. */
  depth: number;
  /** Groups of channels that do not mix; a divisor of this width and of the tokens'. */
  groups: number;
}

/** Side of the convolutions. */
const KERNEL = 3;

/** The decoder's parameters, for tokens of width D. */
export function convolutionalDecoderShapes(
  tokens: number,
  { width, depth, groups }: ConvolutionalDecoderSize,
): ParameterShapes {
  if (width % groups !== 0 || tokens % groups !== 0) {
    throw new RangeError(`${groups} groups do not divide the decoder's ${width} channels and the tokens' ${tokens}.`);
  }
  const shapes: ParameterShapes = {};
  for (let i = 0; i < depth; i++) {
    shapes[`conv${i}.weight`] = [width, (i === 0 ? tokens : width) / groups, KERNEL, KERNEL];
    shapes[`conv${i}.bias`] = [width];
  }
  return { ...shapes, "proj.weight": [tokens, width], "proj.bias": [tokens] };
}

const gelu = fused(
  "plain_gelu",
  (x: Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  "activation",
);

/** A convolution of 3 x 3 in groups, as PyTorch's: x [S, H, W, I] and weight [O, I / groups, 3, 3] give [S, H, W, O]. */
function groupedConvolution(x: Tensor, weight: Tensor, groups: number): Tensor {
  const [samples, height, width, inputs] = x.shape as [number, number, number, number];
  const outputs = weight.shape[0], own = inputs / groups, places = samples * height * width;
  const padded = tf.pad(x as tf.Tensor4D, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  const taps = Array.from({ length: KERNEL ** 2 }, (_, tap) => {
    const from = [0, Math.floor(tap / KERNEL), tap % KERNEL, 0];
    return tf.reshape(tf.slice(padded, from, [samples, height, width, inputs]), [places, groups, own]);
  });
  const columns = tf.transpose(tf.concat(taps, 2), [1, 0, 2]); // [G, S*H*W, 9*I/G]
  const split = tf.reshape(weight, [groups, outputs / groups, own, KERNEL ** 2]);
  const kernels = tf.reshape(tf.transpose(split, [0, 3, 2, 1]), [groups, KERNEL ** 2 * own, outputs / groups]);
  const convolved = tf.matMul(columns, kernels); // [G, S*H*W, O/G]
  return tf.reshape(tf.transpose(convolved, [1, 0, 2]), [samples, height, width, outputs]);
}

/** Tokens [S, N, D] of a square grid in raster order to predictions [S, N, D]. */
export function decodeTokens(p: Parameters, { depth, groups }: ConvolutionalDecoderSize, tokens: Tensor): Tensor {
  const [samples, count] = tokens.shape as [number, number, number], side = Math.sqrt(count);
  let x: Tensor = tf.reshape(tokens, [samples, side, side, -1]);
  for (let i = 0; i < depth; i++) {
    const hidden = addBias(groupedConvolution(x, p[`conv${i}.weight`], groups), p[`conv${i}.bias`]);
    const activated = gelu(normalise(hidden));
    x = x.shape[3] === activated.shape[3] ? tf.add(x, activated) : activated;
  }
  return linear(p, "proj", tf.reshape(x, [samples, count, -1])); // [S, N, D]
}
