/**
 * V-JEPA 2-AC's predictor (Assran et al. 2025, arXiv 2506.09985): a transformer over an action's token and a picture's tokens,
 * picture after picture, in which a token sees its own picture and those before. What it says at a picture's tokens are the
 * tokens of the next one.
 *
 * Other than there: no token of the state (of a robot's arm), for what an action does is to be seen.
 *
 * @module
 */
import { blockShapes, type EncoderSize, type ParameterShapes, tokenGrid } from "../../jepa/architectures.ts";
import { block, layerNorm, linear, normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { rotaryAngles, type Rotation } from "../../nn/rotary.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";

/** Sizes of the predictor; its MLP ratio is 4. */
export interface FramePredictorSize {
  /** Length of a token, P. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads, a divisor of the width; each has an even number of numbers, 6 or more. */
  heads: number;
}

/** Of the pictures' tokens: how many across and down, and how long they are. */
export type FrameGrid = Pick<EncoderSize, "image" | "patch" | "width">;

/** Names and shapes of its parameters, the authors' names. */
export function framePredictorShapes({ width, depth }: FramePredictorSize, tokenWidth: number): ParameterShapes {
  return {
    "predictor_embed.weight": [width, tokenWidth],
    "predictor_embed.bias": [width],
    "action_encoder.weight": [width, 2],
    "action_encoder.bias": [width],
    ...blockShapes("predictor_blocks", width, depth, 4),
    "predictor_norm.weight": [width],
    "predictor_norm.bias": [width],
    "predictor_proj.weight": [tokenWidth, width],
    "predictor_proj.bias": [tokenWidth],
  };
}

/** Who sees whom, float32 [T*K, T*K], of T pictures of K tokens: 1 where the column's picture is not after the row's. */
export function frameCausal(frames: number, tokens: number): Float32Array<ArrayBuffer> {
  const all = frames * tokens, frameOf = (token: number) => Math.floor(token / tokens);
  return Float32Array.from({ length: all * all }, (_, i) => frameOf(i % all) <= frameOf(Math.floor(i / all)) ? 1 : 0);
}

/** How tokens are turned, [T * (1 + N), d]: a picture's by time, row and column, an action's by time alone. */
export function frameAngles(frames: number, rows: number, columns: number, d: number): Float32Array<ArrayBuffer> {
  const places = rotaryAngles([frames, rows, columns], d, "interleaved"), count = rows * columns;
  const angles = new Float32Array(frames * (1 + count) * d);
  for (let t = 0; t < frames; t++) {
    const own = places.subarray(t * count * d, (t + 1) * count * d);
    angles.set(own.subarray(0, d), t * (1 + count) * d); // row 0 and column 0 turn nothing
    angles.set(own, (t * (1 + count) + 1) * d);
  }
  return angles;
}

function rotationOf(frames: number, grid: FrameGrid, d: number): Rotation {
  const [, rows, columns] = tokenGrid(grid), angles = frameAngles(frames, rows, columns, d);
  const own = tf.tensor4d(angles, [1, 1, angles.length / d, d]);
  return { cos: tf.cos(own), sin: tf.sin(own) };
}

/**
 * What comes after each picture, layer-normed: [B, T, N, D].
 *
 * @param tokens [B, T, N, D], of pictures one after another
 * @param actions [B, T, 2], done at each; in units in which they are at most 1 long
 */
export function predictFrames(
  p: Parameters,
  { depth, heads, width }: FramePredictorSize,
  grid: FrameGrid,
  tokens: Tensor,
  actions: Tensor,
): Tensor {
  const [batch, frames, count] = tokens.shape as number[], each = 1 + count;
  const told = tf.expandDims(linear(p, "action_encoder", actions), 2); // [B, T, 1, P]
  let x = tf.concat([told, linear(p, "predictor_embed", tokens)], 2); // [B, T, 1+N, P]
  x = tf.reshape(x, [batch, frames * each, width]);
  const present = tf.tensor2d(frameCausal(frames, each), [frames * each, frames * each]);
  const rotation = rotationOf(frames, grid, width / heads);
  for (let i = 0; i < depth; i++) x = block(p, `predictor_blocks.${i}`, x, heads, { present, rotation });
  const seen = tf.slice(tf.reshape(x, [batch, frames, each, width]), [0, 0, 1, 0]); // [B, T, N, P]
  return normalise(linear(p, "predictor_proj", layerNorm(p, "predictor_norm", seen)));
}

/** The last picture of [B, T, N, D]: [B, 1, N, D]. */
const last = (x: Tensor) => tf.slice(x, [0, x.shape[1]! - 1, 0, 0]);

/**
 * The pictures after each of some actions, each predicted from those before: [B, H, N, D].
 *
 * @param seen [B, 1, N, D], the first picture's tokens
 * @param actions [B, H, 2]
 * @param next what comes after each of T pictures, e.g. predictFrames()
 */
export function rollOut(seen: Tensor, actions: Tensor, next: (tokens: Tensor, actions: Tensor) => Tensor): Tensor {
  const [batch, horizon] = actions.shape as number[];
  let tokens = seen;
  for (let t = 1; t <= horizon; t++) {
    tokens = tf.concat([tokens, last(next(tokens, tf.slice(actions, [0, 0, 0], [batch, t, 2])))], 1); // [B, 1+t, N, D]
  }
  return tf.slice(tokens, [0, 1, 0, 0]);
}
