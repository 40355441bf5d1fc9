/**
 * Surprise: how far what comes lies from what was predicted from the beginning of a clip (after Garrido et al. 2025,
 * arXiv 2502.11831). Of two clips, one of which breaks a law, the encoder that has learned it is more surprised by that
 * one.
 *
 * @module
 */
import { renderFrames } from "../../datasets/clips/scene_clips.ts";
import { type Violation, violationPair } from "../../datasets/scenes/violations.ts";
import { tokenCount, tokenGrid } from "../../jepa/architectures.ts";
import { gatherTokens, tubelets } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import type { VideoArchitecture } from "../../video/presets.ts";
import { clipTargets, predictClip } from "../../video/vjepa.ts";

/** The networks that are surprised: the encoder, for context and targets alike, and its predictor. */
export interface SurprisedNetworks {
  encoder: Parameters;
  predictor: Parameters;
}

/**
 * The surprise at the second half of clips: mean absolute error over its tokens, float32 [B].
 *
 * @param seen uint8 [B, T, size, size, 3], of which the first half is the context
 * @param actual likewise, of which the second half is what comes
 * @param kind the mask token that stands for the second half: which kind of mask hid it in training
 */
export function surprise(
  networks: SurprisedNetworks,
  architecture: VideoArchitecture,
  seen: Tensor,
  actual: Tensor,
  kind: number,
): Tensor {
  const [batch] = actual.shape, count = tokenCount(architecture), [times, rows, columns] = tokenGrid(architecture);
  const half = Math.floor(times / 2) * rows * columns;
  const from = (start: number, end: number) => {
    const places = Int32Array.from({ length: batch * (end - start) }, (_, i) => start + i % (end - start));
    return tf.tensor2d(places, [batch, end - start], "int32");
  };
  const targets = from(half, count), mask = { context: from(0, half), targets: tf.expandDims(targets, 0) };
  const said = clipTargets(networks.encoder, architecture, tubelets(actual, architecture)); // [B, N, D]
  const { predicted } = predictClip(networks, architecture, tubelets(seen, architecture), mask, kind); // [1, B, T, D]
  return tf.mean(tf.abs(tf.sub(tf.squeeze(predicted, [0]), gatherTokens(said, targets))), [1, 2]);
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
  const rendered: [Uint8Array, Uint8Array][] = [], middle = frames / 2;
  for (let index = 0; rendered.length < pairs; index++) {
    const pair = violationPair(kind, { seed, split: 2, index }, { frames, frame: middle });
    if (!pair) continue;
    const possible = renderFrames(pair.possible, image), impossible = possible.slice(); // alike until the middle
    impossible.set(renderFrames(pair.impossible.slice(middle), image), possible.length / 2);
    rendered.push([possible, impossible]);
  }
  return rendered;
}
