/**
 * Surprise: how far what comes lies from what was predicted from the beginning of a clip (after Garrido et al. 2025,
 * arXiv 2502.11831). Of two clips, one of which breaks a law, the encoder that has learned it is more surprised by that
 * one.
 *
 * @module
 */
import { renderFrames } from "../../datasets/clips/scene_clips.ts";
import { type Law, twinScenes } from "../../datasets/scenes/violations.ts";
import { tokenCount, tokenGrid } from "../../jepa/architectures.ts";
import { gatherTokens, tubelets } from "../../jepa/encoder.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import type { VideoArchitecture } from "../../video/presets.ts";
import type { VideoModel } from "../../video/load_video_encoder.ts";
import { clipTargets, predictClip } from "../../video/vjepa.ts";

/** Where the tokens of both halves lie, in raster order of time, row and column: int32 [B, N/2] each. */
function halves(architecture: VideoArchitecture, batch: number): { first: Tensor; second: Tensor } {
  const count = tokenCount(architecture), [times, rows, columns] = tokenGrid(architecture);
  const half = Math.floor(times / 2) * rows * columns;
  const from = (start: number, end: number) => {
    const places = Int32Array.from({ length: batch * (end - start) }, (_, i) => start + i % (end - start));
    return tf.tensor2d(places, [batch, end - start], "int32");
  };
  return { first: from(0, half), second: from(half, count) };
}

/**
 * What the predictor says of each token of the second half of clips, from the first: float32 [B, N/2, D].
 *
 * @param clips uint8 [B, T, size, size, 3]
 * @param kind the mask token that stands for the second half: which kind of mask hid it in training
 */
export function predictSecondHalf(model: VideoModel, clips: Tensor, kind: number): Tensor {
  const { architecture } = model, { first, second } = halves(architecture, clips.shape[0]);
  const mask = { context: first, targets: tf.expandDims(second, 0) };
  const { predicted } = predictClip(model, architecture, tubelets(clips, architecture), mask, kind); // [1, B, N/2, D]
  return tf.squeeze(predicted, [0]);
}

/** What the encoder says of each token of the second half of clips uint8 [B, T, size, size, 3], layer-normed: [B, N/2, D]. */
export function secondHalfTargets(
  { architecture, encoder }: Pick<VideoModel, "architecture" | "encoder">,
  clips: Tensor,
): Tensor {
  const said = clipTargets(encoder, architecture, tubelets(clips, architecture)); // [B, N, D]
  return gatherTokens(said, halves(architecture, clips.shape[0]).second);
}

/** Surprise: the mean absolute difference of what was predicted, of a token or a whole half, and what came, as long. */
export function surprise(predicted: Float32Array, came: Float32Array): number {
  return came.reduce((sum, value, i) => sum + Math.abs(predicted[i] - value), 0) / came.length;
}

/** Clips that belong together: of two clips [X, Y], the halves of both in all four combinations, each [T, size, size, 3]. */
export interface MatchedSet<Clip = Uint8Array> {
  /** X, and Y. */
  possible: readonly [Clip, Clip];
  /** X that goes on as Y, and Y that goes on as X. */
  impossible: readonly [Clip, Clip];
}

/** Two clips, and both with their second halves exchanged. */
export function matchedSet(x: Uint8Array, y: Uint8Array): MatchedSet {
  const joined = (first: Uint8Array, second: Uint8Array) => {
    const clip = first.slice();
    clip.set(second.subarray(clip.length / 2), clip.length / 2);
    return clip;
  };
  return { possible: [x, y], impossible: [joined(x, y), joined(y, x)] };
}

/** Scenes that are tried for each set: there is not always room to jump to. */
const TRIES = 1000;

/**
 * Rendered sets of one law that is broken in the middle of clips.
 *
 * @throws RangeError where of a thousand scenes for each set too few have room for it
 */
export function renderSets(
  law: Law,
  { frames, image }: Pick<VideoArchitecture, "frames" | "image">,
  sets: number,
  seed: number,
): MatchedSet[] {
  const rendered: MatchedSet[] = [];
  for (let index = 0; rendered.length < sets; index++) {
    if (index === TRIES * sets) {
      throw new RangeError(
        `Of ${index} scenes of ${frames} frames ${rendered.length} break the law of ${law}, not ${sets}.`,
      );
    }
    const twins = twinScenes(law, { seed, split: 2, index }, { frames });
    if (twins) rendered.push(matchedSet(renderFrames(twins[0], image), renderFrames(twins[1], image)));
  }
  return rendered;
}

/** Of pairs, as [possible, impossible] surprises: the share in % whose impossible clip surprises more; ties count half. */
export function pairwiseAccuracy(pairs: readonly (readonly [possible: number, impossible: number])[]): number {
  const right = pairs.reduce((sum, [a, b]) => sum + (b > a ? 1 : b === a ? 0.5 : 0), 0);
  return 100 * right / pairs.length;
}

/**
 * Of sets of surprises: the share in % whose two impossible clips together surprise more than the two possible ones. As all
 * four share the same halves, how hard each half is to predict, whatever comes before it, counts on both sides.
 */
export function setAccuracy(sets: readonly MatchedSet<number>[]): number {
  const sum = ([a, b]: readonly [number, number]) => a + b;
  return pairwiseAccuracy(sets.map(({ possible, impossible }) => [sum(possible), sum(impossible)]));
}
