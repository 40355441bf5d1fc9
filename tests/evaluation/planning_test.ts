import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import "../tensorflow/loaded.ts";
import { stepMetric } from "../../lib/evaluation/planning/step_metric.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { planningTasks } from "../../lib/world/episodes.ts";
import { initialWorld, worldShapes, type WorldSize } from "../../lib/world/networks.ts";
import { BASELINES, candidateCosts, follow, picturesOf, plainMetric, solve } from "../../lib/world/planning.ts";

const SIZE: WorldSize = { hidden: [8], width: 4, inverse: 3 };

const networks = initialWorld(worldShapes(SIZE, 33, false), SIZE.width, 0);

Deno.test("stepMetric() is the inverse of the steps' covariance with a ridge, over D", () => {
  // Steps of (3, 0), (0, 1) and their opposites: C = diag(9, 1) / 2, of trace 5.
  const metric = stepMetric([3, 0, -3, 0, 0, 1, 0, -1], 2), ridge = 0.03 * 5 / 2;
  [0.5 / (4.5 + ridge), 0, 0, 0.5 / (0.5 + ridge)].forEach((value, i) => assertAlmostEquals(metric[i], value, 1e-6));
});

Deno.test("a candidate costs the distances of its states from the goal's, added up over the horizon", () => {
  const states = tf.tensor2d([1, -1, 0.5, 0, 0, 1, 0, -1], [2, 4]),
    goals = tf.tensor2d([0, 1, 0, -1, 1, 0, 1, 0], [2, 4]);
  // A predictor of zeros halves the state (z = 1/2, n = 0), and the layer norm, of weight and bias 0, makes it 0.
  const zeros = (p: Record<string, tf.Tensor>) =>
    Object.fromEntries(Object.entries(p).map(([name, value]) => [name, tf.zerosLike(value)]));
  const still = { encoder: zeros(networks.encoder), predictor: zeros(networks.predictor) };
  const candidates = tf.ones([6, 5, 2]); // 2 episodes, 3 candidates each, 5 actions
  const plain = candidateCosts(still, plainMetric(4), states, goals, candidates);
  assertEquals(plain.shape, [2, 3]);
  [2, 2, 2, 2, 2, 2].forEach((squares, i) => assertAlmostEquals(plain.dataSync()[i], 5 * squares / 4, 1e-5));
  const metric = tf.diag(tf.tensor1d([1, 10, 100, 1000])) as tf.Tensor2D;
  const weighed = candidateCosts(still, metric, states, goals, candidates).dataSync();
  assertAlmostEquals(weighed[0] / 5, 1010, 1e-2);
  assertAlmostEquals(weighed[3] / 5, 101, 1e-2);
});

Deno.test("plans are made on what is seen, all actions are done, and the same seed does the same", async () => {
  const goals = planningTasks("random", 0, 2),
    metric = plainMetric(4),
    model = { size: SIZE, picture: 33 as const, networks, metric };
  const planner = {
    ...{ planner: "cem" as const, samples: 16, elites: 2, iterations: 1, horizon: 4 },
    ...{ deviation: 1, temperature: 1, longest: 1.8 },
  };
  const told: number[] = [];
  const run = () =>
    solve(model, goals, { planner, executed: 9, budget: 10, seed: 3, onPlans: (done) => void told.push(done) });
  const outcomes = await run();
  assertEquals(told, [4, 8, 10]);
  assertEquals(outcomes.map(({ places }) => places.length), [11, 11]);
  assertEquals(await run(), outcomes);
  const idle = () => solve(model, goals, { planner, executed: 0, budget: 10, seed: 3 });
  await assertRejects(idle, RangeError, "Of each plan 1, 2, ... actions are done; got 0."); // else it would never end
});

Deno.test("doing nothing reaches no goal, and a straight line those that the door lies in front of", () => {
  const goals = planningTasks("random", 0, 100), options = { budget: 200, seed: 0 };
  const reached = (policy: keyof typeof BASELINES) =>
    follow(BASELINES[policy], goals, options).map(({ success }) => success);
  assert(reached("nothing").every((success) => !success));
  const straight = reached("straight");
  goals.forEach(({ layout: { wall, door }, start: [x, y], goal: [goalX, goalY] }, i) => {
    // Where the line from start to goal passes both sides of the wall within the door, by a unit at least, it arrives.
    const at = (side: number) => y + (goalY - y) * (side - x) / (goalX - x), sides = [at(wall - 1), at(wall + 1)];
    if (sides.every((cut) => Math.abs(cut - door) < 3)) assert(straight[i], `goal ${i}`);
    if (sides.some((cut) => Math.abs(cut - door) > 8)) assert(!straight[i], `goal ${i}`);
  });
});

Deno.test("pictures of places are drawn each in its own rooms", () => {
  const goals = planningTasks("random", 0, 2),
    pictures = picturesOf(goals, goals.map(({ goal }) => goal), 33).dataSync();
  goals.forEach(({ layout: { wall }, goal: [x, y] }, i) => {
    const at = (place: number) => Math.round(place / 2),
      pixel = (column: number, row: number, channel: number) => pictures[((i * 33 + row) * 33 + column) * 2 + channel];
    assert(pixel(at(x), at(y), 0) > 100);
    if (wall % 2 === 0) assert(pixel(wall / 2, 3, 1) === 255 || pixel(wall / 2, 29, 1) === 255);
  });
});
