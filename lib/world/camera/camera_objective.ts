/**
 * A model of what pictures show once the camera is turned, as an objective of the training loop: V-JEPA 2-AC's (Assran et al.
 * 2025, arXiv 2506.09985; facebookresearch/vjepa2, app/vjepa_droid/train.py), whose tokens of pictures are a frozen encoder's.
 *
 * @module
 */
import type { CameraClips } from "../../datasets/clips/camera_clips.ts";
import { type CameraWalkOptions, GREATEST_TURN } from "../../datasets/scenes/camera_walk.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { meanAbsoluteError } from "../../methods/parts/errors.ts";
import { initialise } from "../../nn/initialisation.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream, shuffled } from "../../random.ts";
import type { PrecisionChoice } from "../../tensorflow/autocast.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { type RunSchedules, runSchedules } from "../../training/schedules.ts";
import { stepsOf } from "../../training/steps.ts";
import {
  type FrameGrid,
  framePredictorShapes,
  type FramePredictorSize,
  predictFrames,
  rollOut,
} from "./frame_predictor.ts";
import { type FrameEncoder, frameTokenCount, frameTokens } from "./frame_tokens.ts";

/** Everything that decides a camera model's training, besides the encoder's weights. */
export interface CameraConfig extends Pick<RunSchedules, "learningRate" | "weightDecay"> {
  /** Its name. */
  method: "camera-scenes";
  /** Where the frozen encoder of clips is: a run's folder, a file, or a model of the hub. */
  encoder: string;
  /** What it is trained on. */
  scenes: Required<CameraWalkOptions> & { clips: number };
  /** Sizes of the predictor. */
  predictor: FramePredictorSize;
  /** Pictures that are predicted one from the other, from the first on, for the second loss: fewer than frames. */
  rollout: number;
  /** Sequences a step. */
  batch: number;
  /** Sequences whose gradients are computed at once; default all. */
  microBatch?: number;
  /** Passes over the sequences. */
  epochs: number;
  /** Largest norm of all gradients together; Infinity for none. */
  clip: number;
  /** What products compute in. */
  precision: PrecisionChoice;
  /** Everything random follows from it. */
  seed: number;
}

/** Sequences as the encoder sees them. */
export interface CameraTokens {
  /** [C, T, N, D] */
  tokens: Float32Array<ArrayBuffer>;
  /** [C, T-1, 2], in shares of the longest action. */
  actions: Float32Array<ArrayBuffer>;
}

/** A micro-batch of B sequences. */
export interface CameraInputs {
  /** [B, T, N, D] */
  tokens: Tensor;
  /** [B, T-1, 2], in shares of the longest action. */
  actions: Tensor;
}

/** Actions in degrees as the predictor is told them: in shares of the longest. */
export const toldActions = (actions: Float32Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(actions, (angle) => angle / GREATEST_TURN);

/** What the predictor learns from, of sequences: the encoder sees every picture once. */
export async function cameraTokens(
  encoder: FrameEncoder,
  { pixels, actions }: Pick<CameraClips, "pixels" | "actions">,
  onProgress?: (pictures: number) => void,
): Promise<CameraTokens> {
  return { tokens: await frameTokens(encoder, pixels, onProgress), actions: toldActions(actions) };
}

/** The pictures of [B, T, N, D] from `from` on, so many. */
function pictures(tokens: Tensor, from: number, count: number): Tensor {
  const [batch, , places, width] = tokens.shape as number[];
  return tf.slice(tokens, [0, from, 0, 0], [batch, count, places, width]);
}

/**
 * Mean absolute errors of the pictures' tokens: `teacherForced`, each predicted from the true ones before, and `rollout`, the
 * first few predicted one from the other.
 *
 * @param next what comes after each of T pictures of tokens [B, T, N, D] with actions [B, T, 2]
 */
export function frameLosses(
  { tokens, actions }: CameraInputs,
  steps: number,
  next: (tokens: Tensor, actions: Tensor) => Tensor,
): { teacherForced: Tensor; rollout: Tensor } {
  const [batch, frames] = tokens.shape as number[];
  const forced = next(pictures(tokens, 0, frames - 1), actions); // [B, T-1, N, D]
  const teacherForced = meanAbsoluteError(forced, pictures(tokens, 1, frames - 1));
  const all = rollOut(pictures(tokens, 0, 1), tf.slice(actions, [0, 0, 0], [batch, steps, 2]), next); // [B, steps, N, D]
  return { teacherForced, rollout: meanAbsoluteError(all, pictures(tokens, 1, steps)) };
}

/** Key of the orders' random streams, one an epoch. */
const ORDER_STREAM = -9;

/** A worker's sequences, step after step: each epoch has all of them once, but for those that fill no batch. */
async function* inputsOf(
  { scenes: { clips, frames }, batch, seed }: CameraConfig,
  { tokens, actions }: CameraTokens,
  { places, width, totalSteps }: { places: number; width: number; totalSteps: number },
  start: number,
  { parts, from, to }: Share,
) {
  const count = batch / parts,
    perEpoch = Math.floor(clips / batch),
    each = frames * places * width,
    told = (frames - 1) * 2;
  let order: { epoch: number; clips: Uint32Array } | undefined;
  for (let step = start; step < totalSteps; step++) {
    const epoch = Math.floor(step / perEpoch);
    if (order?.epoch !== epoch) order = { epoch, clips: shuffled(clips, randomStream(seed, ORDER_STREAM, epoch)) };
    for (let part = from; part < to; part++) {
      const begun = (step % perEpoch) * batch + part * count, own = order.clips.subarray(begun, begun + count);
      const given = new Float32Array(count * each), done = new Float32Array(count * told);
      own.forEach((clip, i) => {
        given.set(tokens.subarray(clip * each, (clip + 1) * each), i * each);
        done.set(actions.subarray(clip * told, (clip + 1) * told), i * told);
      });
      const inputs: CameraInputs = {
        tokens: tf.tensor4d(given, [count, frames, places, width]),
        actions: tf.tensor3d(done, [count, frames - 1, 2]),
      };
      yield { inputs, epoch };
    }
  }
}

/** What a predictor says next, as frameLosses() and rollOut() take it. */
export const nextBy =
  (p: Parameters, size: FramePredictorSize, grid: FrameGrid) => (tokens: Tensor, actions: Tensor): Tensor =>
    predictFrames(p, size, grid, tokens, actions);

/**
 * A camera model as an objective: "predictor" is trained, on what the encoder said of the pictures before. Both losses weigh
 * the same, as published.
 *
 * @param encoder sizes of the one that gave the tokens
 * @throws RangeError where the sequences make no step, or are not as many or as long as the configuration says
 */
export function cameraObjective(
  config: CameraConfig,
  encoder: EncoderSize,
  given: CameraTokens,
): Objective<CameraInputs> {
  const { scenes: { clips, frames }, predictor, rollout, seed, clip } = config, { width } = encoder;
  const totalSteps = stepsOf(config, clips), places = frameTokenCount(encoder);
  if (given.tokens.length !== clips * frames * places * width) {
    throw new RangeError(
      `${clips} sequences of ${frames} pictures have ${clips * frames * places} tokens of ${width} numbers; got ` +
        `${given.tokens.length} numbers.`,
    );
  }
  return {
    name: "camera_step",
    totalSteps,
    initialise: () => ({ predictor: initialise(framePredictorShapes(predictor, width), seed) }),
    averages: {},
    batches: (start, share) => inputsOf(config, given, { places, width, totalSteps }, start, share),
    lossOf: (_, inputs) => ({ predictor: p }) => {
      const reported = frameLosses(inputs, rollout, nextBy(p, predictor, encoder));
      return { loss: tf.add(reported.teacherForced, reported.rollout), reported };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}
