/**
 * A world model that plans in two rooms: what it imagines, what it does, and how often it arrives.
 *
 * @module
 */
import { type Random, randomStream } from "../random.ts";
import { type Tensor, tf, uint8Tensor } from "../tensorflow/backend.ts";
import { compile } from "../tensorflow/compile.ts";
import type { Networks } from "../training/objective.ts";
import { isReached, type Task, wander } from "./episodes.ts";
import { encodePictures, unroll, type WorldSize } from "./networks.ts";
import { checkPlanner, type Plan, plan, type PlannerOptions } from "./planners.ts";
import { type Action, drawRooms, LONGEST, moveDot, type PictureSide, type Place } from "./rooms.ts";

/** What of a world model sees and imagines. */
export interface Seeing {
  /** Sizes of its networks. */
  size: WorldSize;
  /** Pixels a side of the pictures that it takes. */
  picture: PictureSide;
  /** "encoder" and "predictor". */
  networks: Networks;
}

/** A world model that plans. */
export interface WorldModel extends Seeing {
  /** [D, D], symmetric: states z and g are (z - g)^T M (z - g) apart. plainMetric() is eb_jepa's. */
  metric: Tensor;
}

/** The squared distance averaged over D. */
export const plainMetric = (width: number): Tensor => tf.div(tf.eye(width), width);

/** What an episode came to. */
export interface Outcome {
  /** Where the dot was, the start first. */
  places: Place[];
  /** Whether it is at the goal, less than 4.5 units away, at the end. */
  success: boolean;
  /** Its distance from the goal at the end, in units. */
  distance: number;
}

function outcomeOf({ goal }: Task, places: Place[]): Outcome {
  const last = places[places.length - 1];
  return { places, success: isReached(last, goal), distance: Math.hypot(last[0] - goal[0], last[1] - goal[1]) };
}

/** The pictures of places, each in its own rooms: uint8 [B, side, side, 2]. */
export function picturesOf(
  tasks: readonly Pick<Task, "layout">[],
  places: readonly Place[],
  side: PictureSide,
): Tensor {
  const size = side * side * 2, pixels = new Uint8Array(places.length * size);
  places.forEach((place, i) => drawRooms(tasks[i].layout, [place], side, pixels.subarray(i * size, (i + 1) * size)));
  return uint8Tensor(pixels, [places.length, side, side, 2]);
}

/**
 * What candidates cost: the distances, by the metric [D, D], of the states that they lead to from the goal's, added up over
 * the horizon. [E, N], of states and goals [E, D] and candidates [E*N, H, 2].
 */
export function candidateCosts(
  { encoder, predictor }: Networks,
  metric: Tensor,
  states: Tensor,
  goals: Tensor,
  candidates: Tensor,
): Tensor {
  const [episodes, width] = states.shape as [number, number], samples = candidates.shape[0] / episodes;
  const each = (x: Tensor) =>
    // [E, D] to [E*N, D]
    tf.reshape(tf.broadcastTo(tf.expandDims(x, 1), [episodes, samples, width]), [-1, width]);
  const wanted = each(goals);
  const distances = unroll(encoder, predictor, each(states), candidates).map((state) => {
    const apart = tf.sub(state, wanted); // [E*N, D]
    return tf.sum(tf.mul(tf.matMul(apart as tf.Tensor2D, metric as tf.Tensor2D), apart), 1); // [E*N]
  });
  return tf.reshape(tf.addN(distances), [episodes, samples]);
}

/** The states that a model imagines after each action of [E, H, 2], from what it sees at places: [E, H, D]. */
export async function imagine(
  { size, picture, networks }: Seeing,
  tasks: readonly Pick<Task, "layout">[],
  places: readonly Place[],
  actions: readonly Float32Array[],
): Promise<Float32Array<ArrayBuffer>> {
  const states = tf.tidy(() => {
    const flat = tf.tensor3d(Float32Array.from(actions.flatMap((own) => [...own])), [
      ...[places.length, actions[0].length / 2, 2] as const,
    ]);
    const start = encodePictures(networks.encoder, size, picturesOf(tasks, places, picture));
    return tf.stack(unroll(networks.encoder, networks.predictor, start, flat), 1); // [E, H, D]
  });
  return Float32Array.from(await states.data().finally(() => states.dispose()));
}

/** How episodes are run. */
export interface EpisodeOptions {
  /** Actions of an episode, all of which are done. */
  budget: number;
  /** Everything random follows from it. */
  seed: number;
}

/** How they are planned. */
export interface SolveOptions extends EpisodeOptions {
  /** The planner's numbers. */
  planner: PlannerOptions;
  /** Actions that are done of each plan before the next one is made: of a shorter plan, all. */
  executed: number;
  /** Told, whenever actions of them are done, of how many are in each episode, and of each episode's plan and path. */
  onPlans?: (done: number, plans: readonly Plan[], paths: readonly (readonly Place[])[]) => void;
}

/**
 * Plans and acts, all tasks side by side: each plan begins at the one before, less what was done of it.
 *
 * @throws RangeError as plan() does, or where no action of a plan is to be done
 */
export async function solve(
  { size, picture, networks, metric }: WorldModel,
  tasks: readonly Task[],
  { planner, executed: most, budget, seed, onPlans }: SolveOptions,
): Promise<Outcome[]> {
  checkPlanner(planner);
  if (!(Number.isSafeInteger(most) && most >= 1)) {
    throw new RangeError(`Of each plan 1, 2, ... actions are done; got ${most}.`);
  }
  const executed = Math.min(most, planner.horizon);
  const encode = compile(function encode_pictures(p: Networks, pictures: Tensor) {
    return encodePictures(p.encoder, size, pictures);
  });
  const costs = compile(candidateCosts, { name: "candidate_costs" });
  const statesOf = async (places: readonly Place[]) => {
    const pictures = picturesOf(tasks, places, picture);
    return await encode(networks, pictures).finally(() => pictures.dispose());
  };
  const paths = tasks.map(({ start }) => [start]), randoms = tasks.map((_, i) => randomStream(seed, i));
  let means = tasks.map(() => new Float32Array(2 * planner.horizon));
  let goals: Tensor | undefined;
  try {
    goals = await statesOf(tasks.map(({ goal }) => goal));
    for (let done = 0; done < budget; done += executed) {
      const states = await statesOf(paths.map((path) => path[path.length - 1]));
      const plans = await plan(
        async (candidates) => {
          const shape: [number, number, number] = [tasks.length * planner.samples, planner.horizon, 2];
          const given = tf.tensor3d(candidates, shape);
          const values = await costs(networks, metric, states, goals!, given).finally(() => given.dispose());
          return await values.data().finally(() => values.dispose());
        },
        means,
        planner,
        randoms,
      ).finally(() => states.dispose());
      plans.forEach(({ actions }, i) => {
        for (let t = 0; t < Math.min(executed, budget - done); t++) {
          paths[i].push(moveDot(tasks[i].layout, paths[i][paths[i].length - 1], [actions[2 * t], actions[2 * t + 1]]));
        }
      });
      means = plans.map(({ mean }) => {
        const next = new Float32Array(mean.length);
        next.set(mean.subarray(2 * executed));
        return next;
      });
      onPlans?.(Math.min(done + executed, budget), plans, paths);
    }
  } finally {
    goals?.dispose();
    encode.dispose();
    costs.dispose();
  }
  return tasks.map((task, i) => outcomeOf(task, paths[i]));
}

/** What acts without a model: its actions, of the place where it is and of the goal. */
export type Policy = (place: Place, goal: Place, random: Random) => Action;

/** As far as it may towards the goal, walls or not. */
function straight([x, y]: Place, [goalX, goalY]: Place): Action {
  const [dx, dy] = [goalX - x, goalY - y], share = Math.min(1, LONGEST / Math.max(Math.hypot(dx, dy), 1e-9));
  return [share * dx, share * dy];
}

/** What a planner has to be better than. */
export const BASELINES: Record<"nothing" | "random" | "straight", Policy> = {
  nothing: () => [0, 0],
  random: (_place, _goal, random) => wander(random, 1, 2 * Math.PI * random.uniform())[0],
  straight,
};

/** What a baseline comes to. */
export function follow(policy: Policy, tasks: readonly Task[], { budget, seed }: EpisodeOptions): Outcome[] {
  return tasks.map((task, i) => {
    const random = randomStream(seed, i), places = [task.start];
    for (let t = 0; t < budget; t++) {
      const place = places[places.length - 1];
      places.push(moveDot(task.layout, place, policy(place, task.goal, random)));
    }
    return outcomeOf(task, places);
  });
}
