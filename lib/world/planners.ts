/**
 * Planners that draw action sequences, keep the cheapest, and draw again around them: the cross-entropy method
 * (Rubinstein 1999) and model predictive path integral control (Williams et al. 2015, arXiv 1509.01149), both as in
 * eb_jepa. They know nothing of models or rooms: a cost is a function of sequences. Several episodes are planned side
 * by side.
 *
 * @module
 */
import type { Random } from "../random.ts";

/** How to plan. */
export interface PlannerOptions {
  /** "cem" weighs the elites alike and takes their mean; "mppi" weighs them by their cost and takes one of them. */
  planner: "cem" | "mppi";
  /** Sequences drawn an iteration, N. */
  samples: number;
  /** The cheapest, which the next iteration is drawn around: at least 2, at most `samples`. */
  elites: number;
  /** Iterations. */
  iterations: number;
  /** Actions of a sequence, H. */
  horizon: number;
  /** Deviation of the first iteration's actions in each direction, in units. */
  deviation: number;
  /** Of MPPI: how much dearer a sequence is that weighs 1/e. */
  temperature: number;
  /** Longest action, in units; longer ones are shortened to it. */
  longest: number;
}

/** The costs [E, N] of candidates [E, N, H, 2], in row-major order. */
export type Cost = (candidates: Float32Array<ArrayBuffer>) => Promise<ArrayLike<number>>;

/** A plan of an episode. */
export interface Plan {
  /** [H, 2]: what is to be done. */
  actions: Float32Array;
  /** [H, 2]: the mean that the last iteration came to, from which the next plan may start. */
  mean: Float32Array;
  /** The lowest cost of each iteration. */
  costs: number[];
}

/** MPPI's weights of sequences by their costs, exp((least - cost) / temperature), which sum to 1. */
export function pathIntegralWeights(costs: readonly number[], temperature: number): number[] {
  const least = Math.min(...costs), weights = costs.map((cost) => Math.exp((least - cost) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Shortens what is too long of actions [..., 2], in place. */
function shorten(actions: Float32Array, longest: number): void {
  for (let i = 0; i < actions.length; i += 2) {
    const length = Math.hypot(actions[i], actions[i + 1]);
    if (length <= longest) continue;
    actions[i] *= longest / length;
    actions[i + 1] *= longest / length;
  }
}

/** An index by its weight. */
function drawIndex(weights: readonly number[], random: Random): number {
  let left = random.uniform();
  const index = weights.findIndex((weight) => (left -= weight) < 0);
  return index < 0 ? weights.length - 1 : index;
}

/** Mean and deviation of elites by their weights; CEM's deviation is by one less than their number, as in eb_jepa. */
function momentsOf(elites: readonly Float32Array[], weights: readonly number[], unbiased: boolean) {
  const mean = elites[0].map((_, d) => elites.reduce((sum, elite, k) => sum + weights[k] * elite[d], 0));
  const correction = unbiased ? elites.length / (elites.length - 1) : 1;
  const deviation = mean.map((centre, d) =>
    Math.sqrt(correction * elites.reduce((sum, elite, k) => sum + weights[k] * (elite[d] - centre) ** 2, 0))
  );
  return { mean, deviation };
}

/**
 * Holds that a planner's numbers fit each other.
 *
 * @throws RangeError that names the one that does not
 */
export function checkPlanner(options: PlannerOptions): void {
  for (const name of ["samples", "elites", "iterations", "horizon"] as const) {
    if (!(Number.isSafeInteger(options[name]) && options[name] >= 1)) {
      throw new RangeError(`A planner's ${name} are a whole number of at least 1; got ${options[name]}.`);
    }
  }
  const { samples, elites, deviation, temperature, longest } = options;
  if (elites < 2 || elites > samples) {
    throw new RangeError(`A planner keeps 2 to ${samples} elites, the number of its samples; got ${elites}.`);
  }
  for (const [name, value] of Object.entries({ deviation, temperature, longest })) {
    if (!(value > 0)) throw new RangeError(`A planner's ${name} is a number above 0; got ${value}.`);
  }
}

/**
 * Plans for E episodes at once, each by its own random numbers.
 *
 * @param cost called once an iteration
 * @param starts [H, 2] for each episode: the mean of the first iteration
 * @param randoms one for each episode
 * @throws RangeError as checkPlanner() does, where starts are not as long as plans or there are not as many randoms, or
 *   where a cost is not finite
 */
export async function plan(
  cost: Cost,
  starts: readonly Float32Array[],
  options: PlannerOptions,
  randoms: readonly Random[],
): Promise<Plan[]> {
  checkPlanner(options);
  const { planner, samples, elites, iterations, horizon, temperature, longest } = options, size = 2 * horizon;
  const short = starts.find((mean) => mean.length !== size);
  if (short) throw new RangeError(`Plans of ${horizon} actions start from ${size} numbers; got ${short.length}.`);
  if (randoms.length !== starts.length) {
    throw new RangeError(`Each of ${starts.length} episodes has its random numbers; got ${randoms.length} of them.`);
  }
  const episodes = starts.map((mean) => ({
    mean: Float32Array.from(mean),
    deviation: new Float32Array(size).fill(options.deviation),
    best: [] as Float32Array[],
    weights: [] as number[],
    costs: [] as number[],
  }));
  const candidates = new Float32Array(starts.length * samples * size);
  const candidate = (e: number, n: number) =>
    candidates.subarray((e * samples + n) * size, (e * samples + n + 1) * size);
  for (let iteration = 0; iteration < iterations; iteration++) {
    episodes.forEach(({ mean, deviation }, e) => {
      for (let n = 0; n < samples; n++) {
        candidate(e, n).set(mean.map((centre, d) => centre + deviation[d] * randoms[e].normal()));
      }
    });
    shorten(candidates, longest);
    const costs = await cost(candidates);
    episodes.forEach((episode, e) => {
      const own = Array.from({ length: samples }, (_, n) => costs[e * samples + n]);
      if (!own.every(Number.isFinite)) throw new RangeError(`Episode ${e} has candidates whose cost is not finite.`);
      const order = own.map((_, n) => n).sort((a, b) => own[a] - own[b]).slice(0, elites);
      const best = order.map((n) => candidate(e, n).slice()), cheapest = order.map((n) => own[n]);
      const weights = planner === "cem" ? cheapest.map(() => 1 / elites) : pathIntegralWeights(cheapest, temperature);
      Object.assign(episode, { best, weights }, momentsOf(best, weights, planner === "cem"));
      episode.costs.push(cheapest[0]);
    });
  }
  return episodes.map(({ mean, best, weights, costs }, e) => {
    const actions = planner === "cem" ? mean : best[drawIndex(weights, randoms[e])];
    return { actions, mean, costs };
  });
}
