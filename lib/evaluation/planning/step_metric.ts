/**
 * How far apart states are, in steps: a metric for planning that is fitted to what states do from one picture to the next.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { episode, layoutOf, type RoomsConfig } from "../../world/episodes.ts";
import type { Seeing } from "../../world/planning.ts";
import { scatter, solveEach, withRidge } from "../collapse/symmetric_matrix.ts";
import { statesOf } from "./states.ts";

/** What of the mean square of a step is added to each direction's, so that noise in still ones does not count. */
const RIDGE = 0.03;

/**
 * The inverse of the covariance of a state's change in one step, C + RIDGE tr(C) / D I, over D: [D, D]. Directions in which
 * states hardly change from step to step, but do over a walk, tell how long the way is: were the states eigenfunctions of the
 * walk's Laplacian, this would be their commute time, which grows along the way through the door. Plain distance weighs all
 * directions alike and falls towards a goal behind a wall.
 *
 * @param changes [N, D]
 */
export function stepMetric(changes: ArrayLike<number>, width: number): Float32Array<ArrayBuffer> {
  const covariance = scatter(changes, width, new Float64Array(width), width / changes.length);
  const trace = covariance.reduce((sum, value, i) => i % (width + 1) === 0 ? sum + value : sum, 0);
  const units = Array.from(
    { length: width },
    (_, i) => Float64Array.from({ length: width }, (_, j) => i === j ? 1 / width : 0),
  );
  const metric = new Float32Array(width * width);
  solveEach(withRidge(covariance, width, RIDGE * trace / width), units, width).forEach((row, i) => {
    metric.set(row, i * width);
  });
  return metric;
}

/** Episodes that a metric is fitted to. */
const EPISODES = 256;

/** stepMetric() of a model, of episodes as it was trained on: [D, D], the caller's. */
export async function fitStepMetric(model: Seeing, rooms: RoomsConfig, seed: number): Promise<Tensor> {
  const { width } = model.size, { frames } = rooms;
  const walks = Array.from({ length: EPISODES }, (_, i) => {
    const random = randomStream(seed, i);
    return episode(layoutOf(rooms, random), rooms, random);
  });
  const places = walks.flatMap(({ places }) => places);
  const states = await statesOf(model, walks.flatMap((walk) => walk.places.map(() => walk)), places);
  const changes = new Float32Array(EPISODES * (frames - 1) * width), size = (frames - 1) * width;
  for (let i = 0; i < EPISODES; i++) {
    const own = states.subarray(i * frames * width, (i + 1) * frames * width);
    for (let j = 0; j < size; j++) changes[i * size + j] = own[j + width] - own[j];
  }
  return tf.tensor2d(stepMetric(changes, width), [width, width]);
}
