/**
 * How often a world model reaches its goals, beside what acts without one.
 *
 * @module
 */
import { mean } from "../../statistics.ts";
import { planningTasks, type RoomsConfig, type Task } from "../../world/episodes.ts";
import type { PlannerOptions } from "../../world/planners.ts";
import { BASELINES, follow, type Outcome, solve, type SolveOptions, type WorldModel } from "../../world/planning.ts";
import { LONGEST } from "../../world/rooms.ts";

/** The numbers of a planner for two cores: those that went furthest with a model of random walls (weights/EXPERIMENTS.md). */
export const PLANNER: Omit<PlannerOptions, "planner"> = {
  samples: 64,
  elites: 8,
  iterations: 3,
  horizon: 16,
  deviation: 2,
  temperature: 1,
  longest: LONGEST,
};

/**
 * How episodes are run: actions of an episode, as in eb_jepa, and those done of each plan. Where a model imagines a way through
 * the wall, a dot that plans anew after each few actions stands before it for good.
 */
export const EPISODE = { budget: 200, executed: 8 };

/** The goals of all measurements in a kind of rooms: the i-th are the same in each. */
export const measuredTasks = ({ layout }: Pick<RoomsConfig, "layout">, episodes: number): Task[] =>
  planningTasks(layout, 0, episodes);

/** What a policy came to. */
export interface PlanningResult {
  /** "model", "nothing", "random" or "straight". */
  policy: string;
  /** Share of the goals that it was at in the end, in %, for each seed; those that draw nothing have one. */
  success: number[];
  /** Mean distance from the goal at the end, in units, likewise. */
  distance: number[];
}

/** How to measure. */
export interface MeasurePlanningOptions extends Pick<SolveOptions, "onPlans"> {
  /** Goals, of which each is an episode. */
  episodes: number;
  /** Seeds of planner and random actions, from 0 on. */
  seeds: number;
  /** What plans. */
  planner: PlannerOptions;
}

function resultOf(policy: string, runs: readonly Outcome[][]): PlanningResult {
  return {
    policy,
    success: runs.map((outcomes) => 100 * mean(outcomes.map(({ success }) => Number(success)))),
    distance: runs.map((outcomes) => mean(outcomes.map(({ distance }) => distance))),
  };
}

/** Measures a world model's planning on fixed goals, and what does nothing, acts at random, or walks straight to them. */
export async function measurePlanning(
  model: WorldModel,
  rooms: Pick<RoomsConfig, "layout">,
  { episodes, seeds, planner, onPlans }: MeasurePlanningOptions,
): Promise<PlanningResult[]> {
  const goals = measuredTasks(rooms, episodes), planned: Outcome[][] = [];
  for (let seed = 0; seed < seeds; seed++) {
    planned.push(await solve(model, goals, { ...EPISODE, planner, seed, onPlans }));
  }
  const drawn = (count: number, policy: keyof typeof BASELINES) =>
    Array.from({ length: count }, (_, seed) => follow(BASELINES[policy], goals, { ...EPISODE, seed }));
  return [
    resultOf("model", planned),
    resultOf("nothing", drawn(1, "nothing")),
    resultOf("random", drawn(seeds, "random")),
    resultOf("straight", drawn(1, "straight")),
  ];
}
