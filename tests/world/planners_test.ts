import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { randomStream } from "../../lib/random.ts";
import { pathIntegralWeights, plan, type PlannerOptions } from "../../lib/world/planners.ts";

const OPTIONS: PlannerOptions = {
  ...{ planner: "cem", samples: 200, elites: 20, iterations: 20, horizon: 3 },
  ...{ deviation: 1, temperature: 1, longest: 1.8 },
};

/** Squared distance from a least that is another for each episode, [E, H*2]. */
const bowl = (least: number[][], samples: number) => (candidates: Float32Array) => {
  const size = least[0].length, costs = new Float32Array(least.length * samples);
  costs.forEach((_, i) => {
    least[Math.floor(i / samples)].forEach((centre, d) => costs[i] += (candidates[i * size + d] - centre) ** 2);
  });
  return Promise.resolve(costs);
};

const LEAST = [[0.5, -0.5, 1, 0.2, -1, 0.3], [0, 0.1, 0.2, -0.3, 0.4, 1.2]];

for (const planner of ["cem", "mppi"] as const) {
  Deno.test(`${planner} finds the least of a bowl, of each episode its own`, async () => {
    const starts = LEAST.map((row) => new Float32Array(row.length)), randoms = LEAST.map((_, e) => randomStream(1, e));
    const plans = await plan(bowl(LEAST, 200), starts, { ...OPTIONS, planner }, randoms);
    plans.forEach(({ actions, costs }, e) => {
      LEAST[e].forEach((centre, d) => assertAlmostEquals(actions[d], centre, 0.05));
      assertEquals(costs.length, 20);
      assert(costs[19] < costs[0] / 100);
    });
  });
}

Deno.test("where the least lies beyond the longest action, the longest one towards it is found", async () => {
  const options = { ...OPTIONS, horizon: 1 };
  const [{ actions }] = await plan(bowl([[3, 4]], 200), [new Float32Array(2)], options, [randomStream(0)]);
  assertAlmostEquals(actions[0], 1.8 * 3 / 5, 0.05);
  assertAlmostEquals(actions[1], 1.8 * 4 / 5, 0.05);
  assert(Math.hypot(...actions) <= 1.8 + 1e-5);
});

Deno.test("MPPI's weights are exp((least - cost) / temperature), and sum to 1", () => {
  const weights = pathIntegralWeights([3, 1, 1 + Math.LN2], 1), sum = Math.exp(-2) + 1 + 0.5;
  [Math.exp(-2) / sum, 1 / sum, 0.5 / sum].forEach((expected, i) => assertAlmostEquals(weights[i], expected, 1e-12));
});

Deno.test("numbers that make no planner are refused by name", async () => {
  const planned = (changed: Partial<PlannerOptions>) =>
    plan(bowl([[0, 0]], 4), [new Float32Array(2)], { ...OPTIONS, samples: 4, horizon: 1, ...changed }, [
      randomStream(0),
    ]);
  await assertRejects(() => planned({ elites: 5 }), RangeError, "2 to 4 elites");
  await assertRejects(() => planned({ elites: 2, horizon: 1.5 }), RangeError, "horizon");
  await assertRejects(() => planned({ elites: 2, deviation: 0 }), RangeError, "deviation");
  await assertRejects(() => planned({ elites: 2, longest: -1 }), RangeError, "longest is a number above 0; got -1.");
  await assertRejects(
    () => planned({ elites: 2, horizon: 2 }),
    RangeError,
    "Plans of 2 actions start from 4 numbers; got 2.",
  );
});
