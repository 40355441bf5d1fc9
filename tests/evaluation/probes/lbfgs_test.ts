import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { lbfgs, type Objective } from "../../../lib/evaluation/probes/lbfgs.ts";

/** Sum of curvature_i / 2 (x_i - i)^2. */
const quadratic = (curvatures: number[]): Objective => (x) =>
  Promise.resolve({
    value: curvatures.reduce((sum, c, i) => sum + c / 2 * (x[i] - i) ** 2, 0),
    gradient: Float64Array.from(curvatures, (c, i) => c * (x[i] - i)),
  });

Deno.test("lbfgs() finds the minimum of a stretched bowl", async () => {
  const values: number[] = [];
  const curvatures = [1, 10, 100, 1000, 3, 30];
  const { x, iterations, converged } = await lbfgs(quadratic(curvatures), {
    start: new Float64Array(6),
    firstStep: 1, // far too long: it must be cut
    tolerance: 1e-6,
    limit: 200,
    onIteration: (_, value) => values.push(value),
  });
  assert(converged);
  assertLess(iterations, 50);
  x.forEach((value, i) => assertAlmostEquals(value, i, 1e-5));
  assert(values.every((value, i) => i === 0 || value < values[i - 1]), "the value falls from iteration to iteration");
});

Deno.test("lbfgs() steps at once into the minimum where the curvature is given", async () => {
  const { iterations } = await lbfgs(quadratic([4, 4, 4]), {
    start: new Float64Array(3),
    firstStep: 1 / 4,
    tolerance: 1e-9,
    limit: 10,
  });
  assertEquals(iterations, 1);
});

Deno.test("lbfgs() says so where it had to stop early", async () => {
  const options = { start: new Float64Array(4), firstStep: 1e-3, tolerance: 1e-9, limit: 2 };
  const { iterations, converged } = await lbfgs(quadratic([1, 10, 100, 1000]), options);
  assertEquals([iterations, converged], [2, false]);
});
