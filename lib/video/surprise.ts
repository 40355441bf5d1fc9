/**
 * Surprise: how far what comes lies from what was predicted from the beginning of a clip (after Garrido et al. 2025,
 * arXiv 2502.11831). Of two clips, one of which breaks a law, the encoder that has learned it is more surprised by that
 * one.
 *
 * @module
 */
import { renderFrames } from "../datasets/clips/scene_clips.ts";
import { type Violation, violationPair } from "../datasets/scenes/violations.ts";
import { tokenCount, tokenGrid } from "../jepa/architectures.ts";
import { gatherTokens, tubelets } from "../jepa/encoder.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf, uint8Tensor } from "../tensorflow/backend.ts";
import type { VideoArchitecture } from "./presets.ts";
import { clipTargets, predictClip } from "./vjepa.ts";

/** An encoder of clips with its predictor. */
export interface VideoModel {
  /** Their sizes. */
  architecture: VideoArchitecture;
  /** The encoder's parameters, of context and targets alike. */
  encoder: Parameters;
  /** The predictor's. */
  predictor: Parameters;
}

/**
 * The surprise at the second half of clips, given the first: mean absolute error over its tokens, float32 [B].
 *
 * @param pixels [B, T, size, size, 3]
 * @param kind the mask token that stands for the second half: which kind of mask hid it in training
 */
export function surprise(model: VideoModel, pixels: Uint8Array, kind: number): Float32Array {
  const { architecture } = model,
    { frames, image } = architecture,
    batch = pixels.length / (frames * image * image * 3);
  const count = tokenCount(architecture), [times, rows, columns] = tokenGrid(architecture);
  const half = Math.floor(times / 2) * rows * columns;
  const from = (start: number, end: number) =>
    Int32Array.from({ length: batch * (end - start) }, (_, i) => start + i % (end - start));
  return tf.tidy(() => {
    const tokens = tubelets(uint8Tensor(pixels, [batch, frames, image, image, 3]), architecture);
    const context = tf.tensor2d(from(0, half), [batch, half], "int32");
    const targets = tf.tensor2d(from(half, count), [batch, count - half], "int32");
    const actual = gatherTokens(clipTargets(model.encoder, architecture, tokens), targets); // [B, T, D]
    const mask = { context, targets: tf.expandDims(targets, 0) };
    const { predicted } = predictClip(model, architecture, tokens, mask, kind); // [1, B, T, D]
    return tf.mean(tf.abs(tf.sub(tf.squeeze(predicted, [0]), actual)), [1, 2]).dataSync() as Float32Array;
  });
}

/** Of pairs, as [possible, impossible] surprises: the share in % whose impossible clip surprises more; ties count half. */
export function pairwiseAccuracy(pairs: readonly (readonly [possible: number, impossible: number])[]): number {
  const right = pairs.reduce((sum, [a, b]) => sum + (b > a ? 1 : b === a ? 0.5 : 0), 0);
  return 100 * right / pairs.length;
}

/** Rendered pairs of one violation that begins in the middle of a clip, [possible, impossible], each [T, size, size, 3]. */
export function renderPairs(
  kind: Violation,
  { frames, image }: Pick<VideoArchitecture, "frames" | "image">,
  pairs: number,
  seed: number,
): [Uint8Array, Uint8Array][] {
  const rendered: [Uint8Array, Uint8Array][] = [];
  for (let index = 0; rendered.length < pairs; index++) {
    const pair = violationPair(kind, { seed, split: 2, index }, { frames, frame: frames / 2 });
    if (pair) rendered.push([renderFrames(pair.possible, image), renderFrames(pair.impossible, image)]);
  }
  return rendered;
}
