/**
 * The diffusion's network: a U-Net (Ho et al. 2020, arXiv 2006.11239) whose residual blocks are scaled and shifted by what the
 * time step and a representation say (Dhariwal and Nichol 2021, arXiv 2105.05233), as in RCDM's code (Bordes et al. 2022,
 * arXiv 2112.09164). Unless asked for more it is smaller than theirs: one block on each level down and up, and attention in
 * the middle alone; and it has no convolutions where the size changes, and no parameters in the norms.
 *
 * Why no transformer: a DiT (Peebles and Xie 2023, arXiv 2212.09748) on patches of 4 pixels took half again as many images a
 * second and learned less from them in an hour; its samples found their source half as often (weights/EXPERIMENTS.md).
 *
 * Images and features are [B, H, W, C], kernels [height, width, inputs, outputs]; parameters are named after DDPM's code,
 * those of the attention as in nn/layers.ts.
 *
 * @module
 */
import type { ParameterShapes } from "../../jepa/architectures.ts";
import { convolution, convolve } from "../../nn/convolution.ts";
import { addBranch, attend, linear } from "../../nn/layers.ts";
import { parametersOf } from "../../nn/initialisation.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";

/** Sizes of a U-Net. */
export interface UnetSize {
  /** Height and width of the image, in pixels: a multiple of 2^(levels - 1). */
  image: number;
  /** Channels of each level, multiples of 16: the first is at the image's size, each next one at half of the size before. */
  channels: readonly number[];
  /** Attention heads, a divisor of the channels where there is attention. */
  heads: number;
  /** Residual blocks of each level down, and as many up. Default 1. */
  blocks?: number;
  /** Sides of the levels, in pixels, on which attention follows each residual block. Default none; the middle always has it. */
  attention?: readonly number[];
  /** Length of the representation that it is conditioned on, R. */
  condition: number;
}

/** Groups that a norm divides the channels into. */
const GROUPS = 16;

/** Length of the sines and cosines of a time step, and of the embedding of it and of the condition, E. */
const EMBEDDING = 256;

/** A residual block on the way down or up, and what follows it. */
interface Stage {
  name: string;
  level: number;
  inputs: number;
  outputs: number;
  attended: boolean;
}

/** The residual blocks on the way down, from fine to coarse, and on the way up, each of which takes one's output from there. */
function stages({ image, channels, blocks = 1, attention = [] }: UnetSize): { down: Stage[]; up: Stage[] } {
  const down: Stage[] = [], up: Stage[] = [];
  channels.forEach((width, level) => {
    const above = channels[Math.max(level - 1, 0)], attended = attention.includes(image / 2 ** level);
    for (let i = 0; i < blocks; i++) {
      const part = i === 0 ? `${level}` : `${level}.${i}`;
      down.push({ name: `down.${part}`, level, inputs: i === 0 ? above : width, outputs: width, attended });
      // The last one on a level has the channels of the level above.
      up.push({ name: `up.${part}`, level, inputs: 2 * width, outputs: i === 0 ? above : width, attended });
    }
  });
  return { down, up: up.reverse() };
}

/**
 * Names and shapes of the parameters.
 *
 * @throws RangeError as checkUnet() does
 */
export function unetShapes(size: UnetSize): ParameterShapes {
  checkUnet(size);
  const { channels, condition } = size;
  const shapes: Record<string, readonly number[]> = {};
  const dense = (name: string, outputs: number, inputs: number) => {
    shapes[`${name}.weight`] = [outputs, inputs];
    shapes[`${name}.bias`] = [outputs];
  };
  const convolution = (name: string, side: number, inputs: number, outputs: number) => {
    shapes[`${name}.weight`] = [side, side, inputs, outputs];
    shapes[`${name}.bias`] = [outputs];
  };
  const residual = (name: string, inputs: number, outputs: number) => {
    convolution(`${name}.conv1`, 3, inputs, outputs);
    dense(`${name}.temb_proj`, 2 * outputs, EMBEDDING);
    convolution(`${name}.conv2`, 3, outputs, outputs);
    if (inputs !== outputs) convolution(`${name}.nin_shortcut`, 1, inputs, outputs);
  };

  dense("temb.dense.0", EMBEDDING, EMBEDDING);
  dense("temb.dense.1", EMBEDDING, EMBEDDING);
  dense("condition.proj", EMBEDDING, condition);
  shapes["condition.none"] = [EMBEDDING];
  const first = channels[0], last = channels[channels.length - 1];
  convolution("conv_in", 3, 3, first);
  const attention = (name: string, width: number) => {
    dense(`${name}.qkv`, 3 * width, width);
    dense(`${name}.proj`, width, width);
  };
  const stage = ({ name, inputs, outputs, attended }: Stage) => {
    residual(name, inputs, outputs);
    if (attended) attention(`${name}.attn`, outputs);
  };
  const { down, up } = stages(size);
  down.forEach(stage);
  attention("mid.attn", last);
  residual("mid.block", last, last);
  up.toReversed().forEach(stage);
  convolution("conv_out", 3, first, 3);
  return shapes;
}

/**
 * Holds that a U-Net's sizes fit each other.
 *
 * @throws RangeError that says which do not
 */
export function checkUnet(size: UnetSize): void {
  const { image, channels, heads, blocks = 1, attention = [] } = size;
  if (!channels?.length || !channels.every((n) => n > 0 && n % GROUPS === 0)) {
    throw new RangeError(
      `A U-Net has at least one level, each of a multiple of ${GROUPS} channels; got ${channels && `[${channels}]`}.`,
    );
  }
  const levels = channels.length, least = 2 ** (levels - 1), last = channels[levels - 1];
  if (!(image > 0 && image % least === 0)) {
    throw new RangeError(
      `A U-Net of ${levels} levels takes images of a multiple of ${least} pixels, not of ${image}: take fewer levels or ` +
        "another image size.",
    );
  }
  if (!(heads > 0 && last % heads === 0)) {
    throw new RangeError(`${heads} heads do not divide the last level's ${last} channels.`);
  }
  if (!Number.isSafeInteger(blocks) || blocks < 1) throw new RangeError(`A level has at least 1 block; got ${blocks}.`);
  const sides = channels.map((_, level) => image / 2 ** level), stray = attention.find((side) => !sides.includes(side));
  if (stray !== undefined) {
    throw new RangeError(`No level has a side of ${stray} pixels for attention: they have ${sides.join(", ")}.`);
  }
  const { down, up } = stages(size), odd = [...down, ...up].find((one) => one.attended && one.outputs % heads !== 0);
  if (odd) throw new RangeError(`${heads} heads do not divide the ${odd.outputs} channels of ${odd.name}.`);
}

/**
 * New parameters: residual blocks begin as their shortcuts, which are the identity where the width stays, the attention as the
 * identity and the output as zero, for the products that end them are zeros; the other weights are normal and keep the mean
 * square of what they take.
 *
 * @param seed the same seed gives the same values on every machine
 */
export function initialiseUnet(size: UnetSize, seed: number): Parameters {
  return parametersOf(unetShapes(size), (name, shape) => initialValues(name, shape, seed));
}

function initialValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  const isZero = /\.bias$|(conv2|conv_out|temb_proj|attn\.proj)\.weight$|^condition\.none$/.test(name);
  if (isZero) return new Float32Array(length);
  const random = randomStream(seed, ...new TextEncoder().encode(name));
  const inputs = length / shape[shape.length === 4 ? 3 : 0];
  return Float32Array.from({ length }, () => random.normal() / Math.sqrt(inputs));
}

const swish = (x: Tensor) => tf.mul(x, tf.sigmoid(x));

const silu = fused("silu", swish, "activation");

/** x [B, H, W, C] less the mean, and over the deviation, of each image's groups of channels (Wu and He 2018, arXiv 1803.08494). */
function standardiseGroups(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const grouped = tf.reshape(x, [batch, height * width, GROUPS, channels / GROUPS]); // [B, H*W, G, C/G]
  const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
  const variance = tf.mean(tf.square(centred), [1, 3], true); // [B, 1, G, 1]
  return tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), x.shape);
}

const groupNorm = fused("group_norm", standardiseGroups, "activation");

/** SiLU(norm(x)). */
const activatedNorm = fused("activated_norm", (x: Tensor) => swish(standardiseGroups(x)), "activation");

/** SiLU(norm(x + b) (1 + scale) + shift): x [B, H, W, C], b [C], scale and shift [B, 1, 1, C]. */
const modulatedNorm = fused(
  "modulated_norm",
  (x: Tensor, bias: Tensor, scale: Tensor, shift: Tensor) =>
    swish(tf.add(tf.mul(standardiseGroups(tf.add(x, bias)), tf.add(scale, 1)), shift)),
  "activation",
);

/**
 * A residual block: [B, H, W, I] to [B, H, W, O].
 *
 * @param embedding [B, E], of the time step and the representation, after SiLU
 */
export function residualBlock(p: Parameters, name: string, x: Tensor, embedding: Tensor): Tensor {
  const modulation = linear(p, `${name}.temb_proj`, embedding); // [B, 2*O]
  const [batch, both] = modulation.shape;
  const [scale, shift] = tf.split(tf.reshape(modulation, [batch, 1, 1, both!]), 2, 3); // [B, 1, 1, O]
  const hidden = convolve(p, `${name}.conv1`, activatedNorm(x)); // [B, H, W, O]
  const branch = convolve(p, `${name}.conv2`, modulatedNorm(hidden, p[`${name}.conv1.bias`], scale, shift));
  if (`${name}.nin_shortcut.weight` in p) x = convolution(p, `${name}.nin_shortcut`, x); // [B, H, W, O]
  return addBranch(x, branch, p[`${name}.conv2.bias`]);
}

/** x + attention(norm(x)) over all places of x [B, H, W, C]. */
function attentionBlock(p: Parameters, name: string, x: Tensor, heads: number): Tensor {
  const [batch, , , channels] = x.shape;
  const tokens = tf.reshape(groupNorm(x), [batch, -1, channels!]); // [B, H*W, C]
  return addBranch(x, tf.reshape(attend(p, name, tokens, heads), x.shape), p[`${name}.proj.bias`]);
}

/** Averages of 2 x 2: [B, H, W, C] to [B, H/2, W/2, C]. */
const halve = fused("halve", (x: Tensor) => {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  return tf.mean(tf.reshape(x, [batch, height / 2, 2, width / 2, 2, channels]), [2, 4]);
});

/** Every number four times: [B, H, W, C] to [B, 2H, 2W, C]. */
const double = fused("double", (x: Tensor) => {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  // Broadcasting, because tfjs's tile() has no gradient beyond four axes.
  const spread = tf.add(tf.reshape(x, [batch, height, 1, width, 1, channels]), tf.zeros([1, 1, 2, 1, 2, 1]));
  return tf.reshape(spread, [batch, 2 * height, 2 * width, channels]);
});

/** Cosines, then sines, of time steps [B] at 128 frequencies from 1 down towards 1/10000: [B, E]. */
function timeFrequencies(time: Tensor): Tensor {
  const half = EMBEDDING / 2;
  const frequencies = tf.tensor2d(Array.from({ length: half }, (_, i) => 10000 ** (-i / half)), [1, half]);
  const angles = tf.mul(tf.reshape(time, [-1, 1]), frequencies); // [B, E/2]
  return tf.concat([tf.cos(angles), tf.sin(angles)], 1);
}

/** The embedding of time steps [B] and of representations [B, R], of those with `kept` [B] 0 the one for none: [B, E]. */
function embed(p: Parameters, time: Tensor, representation: Tensor, kept: Tensor): Tensor {
  const hidden = silu(linear(p, "temb.dense.0", timeFrequencies(time)));
  const share = tf.reshape(kept, [-1, 1]); // [B, 1]
  const conditional = tf.mul(share, linear(p, "condition.proj", representation));
  const condition = tf.add(conditional, tf.mul(tf.sub(1, share), p["condition.none"]));
  return silu(tf.add(linear(p, "temb.dense.1", hidden), condition));
}

/**
 * What the network predicts of noisy images.
 *
 * @param noisy [B, H, W, 3], x_t
 * @param time float32 [B], the diffusion's steps t
 * @param representation [B, R], standardised
 * @param kept float32 [B], 1, or 0 where the representation is to be ignored
 * @returns [B, H, W, 3]
 */
export function unet(
  p: Parameters,
  size: UnetSize,
  noisy: Tensor,
  time: Tensor,
  representation: Tensor,
  kept: Tensor,
): Tensor {
  const { heads } = size, { down, up } = stages(size);
  const embedding = embed(p, time, representation, kept); // [B, E]
  const stage = ({ name, attended }: Stage, x: Tensor) => {
    const y = residualBlock(p, name, x, embedding);
    return attended ? attentionBlock(p, `${name}.attn`, y, heads) : y;
  };
  let x = convolution(p, "conv_in", noisy), level = 0; // [B, H, W, C0]
  const skips: Tensor[] = [];
  for (const one of down) {
    if (one.level > level) x = halve(x);
    level = one.level;
    skips.push(x = stage(one, x)); // [B, H/2^l, W/2^l, Cl]
  }
  x = residualBlock(p, "mid.block", attentionBlock(p, "mid.attn", x, heads), embedding);
  for (const one of up) {
    if (one.level < level) x = double(x);
    level = one.level;
    x = stage(one, tf.concat([x, skips.pop()!], 3)); // of [B, H/2^l, W/2^l, 2*Cl]
  }
  return convolution(p, "conv_out", activatedNorm(x));
}
