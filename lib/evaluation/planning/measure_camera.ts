/**
 * What a camera model knows of actions: whether its predictions are nearer with the true action than with another's, and how
 * far from a goal picture's pose its plans leave the camera.
 *
 * @module
 */
import type { CameraClips } from "../../datasets/clips/camera_clips.ts";
import { type CameraPose, GREATEST_TURN, turnBetween, turnCamera } from "../../datasets/scenes/camera_walk.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Random, randomStream } from "../../random.ts";
import { mean } from "../../statistics.ts";
import { disposeAll, type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { type CameraTokens, cameraTokens, nextBy, toldActions } from "../../world/camera/camera_objective.ts";
import { rollOut } from "../../world/camera/frame_predictor.ts";
import { frameTokenCount } from "../../world/camera/frame_tokens.ts";
import { plan, type PlannerOptions } from "../../world/planners.ts";
import type { CameraModel } from "../../world/camera/saved_camera.ts";

/** How predictions come out. Errors are mean absolute ones of layer-normed tokens. */
export interface CameraPrediction {
  /** Pairs of a picture and the next one. */
  pairs: number;
  /** Of the next picture, with the true action. */
  error: number;
  /** With the action of another sequence. */
  otherError: number;
  /** Of the picture itself taken for the next one. */
  copyError: number;
  /** Share of the pairs, in %, whose error is less with the true action; chance is 50. */
  accuracy: number;
}

/** How far the camera is from the goal's pose in the end, in degrees as actions are long, averaged over the goals. */
export interface CameraPlanning {
  /** Goals. */
  episodes: number;
  /** After the model's plan. */
  model: number;
  /** Where it began. */
  nothing: number;
  /** After random actions. */
  random: number;
}

/** Mean absolute errors of each picture's tokens, [B], of [B, N, D] both. */
const errorsOf = (a: Tensor, b: Tensor): Tensor => tf.mean(tf.abs(tf.sub(a, b)), [1, 2]);

/** Of pictures [B, N, D], each with one action [B, 2]: how far the prediction is from the next ones, and the copy: [2, B]. */
function predictionErrors(
  p: Parameters,
  { config, encoder }: Pick<CameraModel, "config" | "encoder">,
  pictures: Tensor,
  next: Tensor,
  actions: Tensor,
): Tensor {
  const said = nextBy(p, config.predictor, encoder.size)(tf.expandDims(pictures, 1), tf.expandDims(actions, 1)); // [B, 1, N, D]
  return tf.stack([errorsOf(tf.squeeze(said, [1]), next), errorsOf(pictures, next)]);
}

/** Pictures predicted at once. */
const CHUNK = 50;

/** Each sequence's pictures but the last, with its own action and with the next sequence's. */
async function predictionOf(
  model: CameraModel,
  { tokens, actions }: CameraTokens,
  frames: number,
): Promise<CameraPrediction> {
  const { encoder: { size }, predictor } = model, places = frameTokenCount(size), each = places * size.width;
  const clips = tokens.length / (frames * each), pairs = clips * (frames - 1);
  const errors = { own: [] as number[], other: [] as number[], copy: [] as number[] };
  const run = compile(function camera_errors(p: Parameters, pictures: Tensor, next: Tensor, done: Tensor) {
    return predictionErrors(p, model, pictures, next, done);
  });
  try {
    for (let start = 0; start < pairs; start += CHUNK) {
      const rows = Array.from({ length: Math.min(CHUNK, pairs - start) }, (_, i) => start + i);
      const taken = (later: number) => {
        const values = new Float32Array(rows.length * each);
        rows.forEach((pair, i) => {
          const picture = Math.floor(pair / (frames - 1)) * frames + pair % (frames - 1) + later;
          values.set(tokens.subarray(picture * each, (picture + 1) * each), i * each);
        });
        return tf.tensor3d(values, [rows.length, places, size.width]);
      };
      const done = (further: number) => {
        const values = rows.flatMap((pair) => {
          const own = (pair + further * (frames - 1)) % pairs;
          return [actions[2 * own], actions[2 * own + 1]];
        });
        return tf.tensor2d(values, [rows.length, 2]);
      };
      const given = [taken(0), taken(1), done(0), done(1)], [now, next, own, other] = given;
      const said: Tensor[] = [];
      try {
        for (const action of [own, other]) said.push(await run(predictor, now, next, action));
        const [[ours, copy], [others]] = await Promise.all(said.map((rows) => rows.array())) as number[][][];
        errors.own.push(...ours);
        errors.copy.push(...copy);
        errors.other.push(...others);
      } finally {
        disposeAll([given, said]);
      }
    }
  } finally {
    run.dispose();
  }
  const wins = errors.own.map((error, i) => error < errors.other[i] ? 1 : error === errors.other[i] ? 0.5 : 0);
  return {
    pairs,
    error: mean(errors.own),
    otherError: mean(errors.other),
    copyError: mean(errors.copy),
    accuracy: 100 * mean(wins),
  };
}

/**
 * What candidates cost, [N]: the mean absolute error of the last picture that they lead to, as in V-JEPA 2-AC.
 *
 * @param start [1, N', D], the tokens of the picture that is seen
 * @param goal [1, N', D], of the one that is wanted
 * @param actions [N, H, 2], in shares of the longest
 */
function cameraCosts(
  p: Parameters,
  { config, encoder }: Pick<CameraModel, "config" | "encoder">,
  start: Tensor,
  goal: Tensor,
  actions: Tensor,
): Tensor {
  const [samples, horizon] = actions.shape as number[], [, places, width] = start.shape as number[];
  const seen = tf.tile(tf.expandDims(start, 1), [samples, 1, 1, 1]); // [N, 1, N', D]
  const ahead = rollOut(seen, actions, nextBy(p, config.predictor, encoder.size)); // [N, H, N', D]
  const last = tf.reshape(tf.slice(ahead, [0, horizon - 1, 0, 0], [samples, 1, places, width]), [
    samples,
    places,
    width,
  ]);
  return errorsOf(last, goal);
}

/** The planner's numbers for two cores. */
export const CAMERA_PLANNER: PlannerOptions = {
  planner: "cem",
  samples: 32,
  elites: 4,
  iterations: 4,
  horizon: 2,
  deviation: GREATEST_TURN / 2,
  temperature: 1,
  longest: GREATEST_TURN,
};

/** The pose after actions [H, 2] in degrees. */
function poseAfter(pose: CameraPose, actions: ArrayLike<number>): CameraPose {
  for (let i = 0; i < actions.length; i += 2) pose = turnCamera(pose, [actions[i], actions[i + 1]]);
  return pose;
}

/** Actions uniform in the disc of those that are allowed, [H, 2]. */
function randomActions(random: Random, horizon: number): number[] {
  return Array.from({ length: horizon }, () => {
    const length = GREATEST_TURN * Math.sqrt(random.uniform()), angle = 2 * Math.PI * random.uniform();
    return [length * Math.cos(angle), length * Math.sin(angle)];
  }).flat();
}

/** How to measure. */
export interface MeasureCameraOptions {
  /** Goals that are planned to, of the first so many sequences: the picture after `planner.horizon` actions. */
  episodes: number;
  /** Everything random follows from it. */
  seed: number;
  /** What plans. Default CAMERA_PLANNER. */
  planner?: PlannerOptions;
}

async function planningOf(
  model: CameraModel,
  { tokens }: CameraTokens,
  clips: Pick<CameraClips, "truth">,
  frames: number,
  { episodes, seed, planner = CAMERA_PLANNER }: MeasureCameraOptions,
): Promise<CameraPlanning> {
  const { encoder: { size }, predictor } = model, places = frameTokenCount(size), each = places * size.width;
  const { horizon, samples } = planner, summed = { model: 0, nothing: 0, random: 0 };
  const costs = compile(function camera_costs(p: Parameters, start: Tensor, goal: Tensor, actions: Tensor) {
    return cameraCosts(p, model, start, goal, actions);
  });
  try {
    for (let clip = 0; clip < episodes; clip++) {
      const picture = (t: number) => {
        const from = (clip * frames + t) * each;
        return tf.tensor3d(tokens.slice(from, from + each), [1, places, size.width]);
      };
      const start = picture(0),
        goal = picture(horizon),
        random = randomStream(seed, clip),
        { poses } = clips.truth(clip);
      const [{ actions }] = await plan(
        async (candidates) => {
          const given = tf.tensor3d(toldActions(candidates), [samples, horizon, 2]);
          const values = await costs(predictor, start, goal, given).finally(() => given.dispose());
          return await values.data().finally(() => values.dispose());
        },
        [new Float32Array(2 * horizon)],
        planner,
        [random],
      ).finally(() => disposeAll([start, goal]));
      summed.model += turnBetween(poseAfter(poses[0], actions), poses[horizon]);
      summed.nothing += turnBetween(poses[0], poses[horizon]);
      summed.random += turnBetween(poseAfter(poses[0], randomActions(random, horizon)), poses[horizon]);
    }
  } finally {
    costs.dispose();
  }
  const share = (sum: number) => sum / episodes;
  return { episodes, model: share(summed.model), nothing: share(summed.nothing), random: share(summed.random) };
}

/**
 * Measures a camera model on sequences that it was not trained on.
 *
 * @param clips such as loadCameraClips() of split "test", of pictures as large as the encoder sees
 * @param frames pictures of each
 * @throws RangeError where there are fewer than two sequences, fewer than `episodes`, or they are shorter than plans
 */
export async function measureCamera(
  model: CameraModel,
  clips: CameraClips,
  frames: number,
  options: MeasureCameraOptions,
): Promise<{ prediction: CameraPrediction; planning: CameraPlanning }> {
  const count = clips.actions.length / (2 * (frames - 1)), { episodes, planner = CAMERA_PLANNER } = options;
  if (count < 2 || count < episodes) {
    throw new RangeError(`To plan to ${episodes} goals takes as many sequences, and two at least; got ${count}.`);
  }
  if (planner.horizon >= frames) {
    throw new RangeError(
      `Sequences of ${frames} pictures have no goal ${planner.horizon} actions on: shorten the plans.`,
    );
  }
  const tokens = await cameraTokens(model.encoder, clips);
  return {
    prediction: await predictionOf(model, tokens, frames),
    planning: await planningOf(model, tokens, clips, frames, options),
  };
}
