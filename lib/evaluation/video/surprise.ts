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

/**
 * The surprise at each token of the second half of clips, from the first: the mean absolute error over its D numbers,
 * float32 [B, N/2], tokens in raster order of time, row and column.
 *
 * @param model the encoder is that of context and targets alike
 * @param seen uint8 [B, T, size, size, 3], of which the first half is the context
 * @param actual likewise, of which the second half is what comes
 * @param kind the mask token that stands for the second half: which kind of mask hid it in training
 */
export function tokenSurprise(
  model: VideoModel,
  seen: Tensor,
  actual: Tensor,
  kind: number,
): Tensor {
  const { architecture, encoder } = model,
    [batch] = actual.shape,
    count = tokenCount(architecture),
    [times, rows, columns] = tokenGrid(architecture);
  const half = Math.floor(times / 2) * rows * columns;
  const from = (start: number, end: number) => {
    const places = Int32Array.from({ length: batch * (end - start) }, (_, i) => start + i % (end - start));
    return tf.tensor2d(places, [batch, end - start], "int32");
  };
  const targets = from(half, count), mask = { context: from(0, half), targets: tf.expandDims(targets, 0) };
  const said = clipTargets(encoder, architecture, tubelets(actual, architecture)); // [B, N, D]
  const { predicted } = predictClip(model, architecture, tubelets(seen, architecture), mask, kind); // [1, B, N/2, D]
  return tf.mean(tf.abs(tf.sub(tf.squeeze(predicted, [0]), gatherTokens(said, targets))), 2);
}

/** The surprise at the second half of clips: tokenSurprise() averaged over its tokens, float32 [B]. */
export function surprise(model: VideoModel, seen: Tensor, actual: Tensor, kind: number): Tensor {
  return tf.mean(tokenSurprise(model, seen, actual, kind), 1);
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
