/**
 * The encoder: a Vision Transformer without [cls] token, over all patches (target encoder) or over the context block's
 * alone (context encoder).
 *
 * @module
 */
import type { Pixels } from "../datasets/pixels/cut_image.ts";
import { block, layerNorm, product } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { rotaryAngles, type Rotation } from "../nn/rotary.ts";
import { type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import { type EncoderSize, tokenCount, tokenGrid } from "./architectures.ts";

/** Mean and deviation of ImageNet's pixels in [0, 1], by which the authors standardise images. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/**
 * Images in memory as a tensor [count, size, size, c] of their c channels: uint8 of colours, float32 of other channels.
 *
 * @param pixels `count` images of `size` pixels, row-major
 */
export function pixelTensor(pixels: Pixels<ArrayBufferLike>, count: number, size: number): Tensor {
  const channels = pixels.length / (count * size ** 2),
    shape: [number, number, number, number] = [
      ...[count, size, size, channels] as const,
    ];
  return pixels instanceof Uint8Array ? uint8Tensor(pixels, shape) : tf.tensor4d(pixels, shape);
}

/**
 * Images as patches: pixels [B, H, W, c] of c channels to standardised [B, N, c*p*p], in
 * the order of a convolution's weights.
 *
 * @param normalisation mean and deviation of pixels / 255 by channel; default ImageNet's
 */
export function patchify(
  pixels: Tensor,
  patch: number,
  { mean, deviation }: { mean: number[]; deviation: number[] } = IMAGENET,
): Tensor {
  const [batch, height, width, channels] = pixels.shape;
  const rows = height! / patch, columns = width! / patch;
  const standardised = tf.div(tf.sub(tf.div(tf.cast(pixels, "float32"), 255), mean), deviation); // [B, H, W, c]
  const grid = tf.reshape(standardised, [batch, rows, patch, columns, patch, channels!]);
  return tf.reshape(tf.transpose(grid, [0, 1, 3, 5, 2, 4]), [batch, rows * columns, channels! * patch * patch]);
}

/**
 * Clips as tubelets: uint8 pixels [B, T, H, W, 3] in 0..255 to standardised [B, N, 3*t*p*p], N = T/t * H/p * W/p, the first
 * t frames' first, in the order of a three-dimensional convolution's weights.
 *
 * @param normalisation mean and deviation of pixels in [0, 1] by channel; default ImageNet's
 */
export function tubelets(
  pixels: Tensor,
  { patch, tubelet = 1 }: Pick<EncoderSize, "patch" | "tubelet">,
  normalisation?: { mean: number[]; deviation: number[] },
): Tensor {
  const [batch, frames, height, width] = pixels.shape;
  const patches = patchify(tf.reshape(pixels, [batch * frames!, height!, width!, 3]), patch, normalisation);
  const [, places, values] = patches.shape; // [B*T, H/p * W/p, c*p*p]
  const apart = tf.reshape(patches, [batch * frames! / tubelet, tubelet, places!, 3, patch * patch]);
  return tf.reshape(tf.transpose(apart, [0, 2, 3, 1, 4]), [batch, frames! / tubelet * places!, tubelet * values!]);
}

/**
 * Takes tokens by their place: x [B, N, D] (or [1, N, D] for all images alike) at indices int32 [G, K], whose row g
 * belongs to image g mod B, gives [G, K, D].
 */
export function gatherTokens(x: Tensor, indices: Tensor): Tensor {
  const [batch, tokens, width] = x.shape;
  const [groups, count] = indices.shape;
  const image = Int32Array.from({ length: groups }, (_, g) => g % batch * tokens!);
  const flat = tf.reshape(tf.add(indices, tf.tensor2d(image, [groups, 1], "int32")), [-1]);
  return tf.reshape(tf.gather(tf.reshape(x, [-1, width!]), flat), [groups, count, width!]);
}

/**
 * How the tokens at these places are turned where positions are rotary, undefined where they are added to tokens.
 *
 * @param headWidth numbers of a head: the encoder's, or the predictor's
 * @param places int32 [B, C]; all in their order where it is left out
 */
export function rotationAt(size: EncoderSize, headWidth: number, places?: Tensor): Rotation | undefined {
  if (!size.rotary) return undefined;
  const angles = tf.tensor3d(rotaryAngles(tokenGrid(size), headWidth, size.rotary), [1, tokenCount(size), headWidth]);
  const own = tf.expandDims(places ? gatherTokens(angles, places) : angles, 1); // [B, 1, C, d]
  return { cos: tf.cos(own), sin: tf.sin(own) };
}

/** Tokens as they enter the first block: [B, C, D] of the `visible` patches int32 [B, C], [B, N, D] of all. */
export function embed(p: Parameters, patches: Tensor, visible?: Tensor): Tensor {
  const at = (x: Tensor) => visible ? gatherTokens(x, visible) : x;
  const weight = p["patch_embed.proj.weight"], bias = p["patch_embed.proj.bias"]; // [D, c, p, p], or of tubelets [D, 3, t, p, p]
  const embedded = product(at(patches), tf.reshape(weight, [weight.shape[0], -1])); // [B, C, D]
  return tf.add(embedded, p["pos_embed"] ? tf.add(at(p["pos_embed"]), bias) : bias); // rotary positions add nothing
}

/**
 * Representations of patches, s_x or s_y.
 *
 * @param patches [B, N, c*p*p] from patchify(), or [B, N, 3*t*p*p] from tubelets()
 * @param visible int32 [B, C], the patches to see; all where it is left out
 * @param present float32 [C], 1 for those that are patches and 0 for padding, which no other token sees; all are patches
 *   where it is left out
 * @returns [B, C, D] or [B, N, D]
 */
export function encode(
  p: Parameters,
  size: EncoderSize,
  patches: Tensor,
  visible?: Tensor,
  present?: Tensor,
): Tensor {
  const { depth, heads, epsilon } = size, rotation = rotationAt(size, size.width / heads, visible);
  let x = embed(p, patches, visible);
  for (let i = 0; i < depth; i++) x = block(p, `blocks.${i}`, x, heads, { epsilon, present, rotation });
  return layerNorm(p, "norm", x, epsilon);
}

/**
 * What the last `count` blocks put out, in their order, each through the encoder's norm, which was trained for the last
 * one alone: DINO's get_intermediate_layers() (Caron et al. 2021, arXiv 2104.14294), whose evaluation the paper follows
 * where it takes the last four layers.
 *
 * @param patches [B, N, c*p*p] from patchify()
 * @returns `count` times [B, N, D]; the last is what encode() gives
 * @throws RangeError where the encoder has no `count` blocks
 */
export function encodeLayers(
  p: Parameters,
  size: EncoderSize,
  patches: Tensor,
  count: number,
): Tensor[] {
  const { depth, heads, epsilon } = size;
  if (!Number.isSafeInteger(count) || count < 1 || count > depth) {
    throw new RangeError(`An encoder of ${depth} blocks has no last ${count}.`);
  }
  const layers: Tensor[] = [], rotation = rotationAt(size, size.width / heads);
  let x = embed(p, patches);
  for (let i = 0; i < depth; i++) {
    x = block(p, `blocks.${i}`, x, heads, { epsilon, rotation });
    if (i >= depth - count) layers.push(layerNorm(p, "norm", x, epsilon));
  }
  return layers;
}
