/**
 * L-BFGS: minimises a smooth convex function of many numbers from its values and gradients (Liu and Nocedal 1989;
 * Nocedal and Wright 2006, algorithms 7.4 and 3.1).
 *
 * @module
 */

/** A function's value and gradient at a point. */
export type Objective = (x: Float64Array) => Promise<{ value: number; gradient: Float64Array }>;

/** When to stop, and from where. */
export interface LbfgsOptions {
  start: Float64Array;
  /** Length of the first step along the gradient: the inverse of the curvature, as far as it is known. */
  firstStep: number;
  /** Converged where the gradient is no longer than this. */
  tolerance: number;
  /** Most iterations. */
  limit: number;
  onIteration?: (iteration: number, value: number) => void;
}

/** Where the search ended. */
export interface LbfgsResult {
  x: Float64Array;
  iterations: number;
  /** Whether the gradient came below the tolerance, or the value can be lowered no further in its precision. */
  converged: boolean;
}

/** Steps whose curvature is remembered. */
const MEMORY = 10;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a + factor * b */
function plus(a: Float64Array, factor: number, b: Float64Array): Float64Array {
  return a.map((value, i) => value + factor * b[i]);
}

/** A step, and how much the gradient changed along it. */
interface Curvature {
  step: Float64Array;
  change: Float64Array;
}

/** The remembered inverse Hessian times the gradient: the two-loop recursion. */
function newtonStep(gradient: Float64Array, memory: readonly Curvature[], firstStep: number): Float64Array {
  let q: Float64Array = gradient;
  const along: number[] = [];
  for (const { step, change } of memory.toReversed()) {
    const alpha = dot(step, q) / dot(step, change);
    along.unshift(alpha);
    q = plus(q, -alpha, change);
  }
  const last = memory.at(-1);
  const scale = last ? dot(last.step, last.change) / dot(last.change, last.change) : firstStep;
  let r: Float64Array = q.map((value) => scale * value);
  memory.forEach(({ step, change }, i) => {
    const beta = dot(change, r) / dot(step, change);
    r = plus(r, along[i] - beta, step);
  });
  return r;
}

/** Minimises; the objective is called once an iteration, oftener where a step proves too long. */
export async function lbfgs(objective: Objective, options: LbfgsOptions): Promise<LbfgsResult> {
  const { firstStep, tolerance, limit, onIteration } = options;
  const memory: Curvature[] = [];
  let x = options.start;
  let { value, gradient } = await objective(x);
  for (let iteration = 0; iteration < limit; iteration++) {
    onIteration?.(iteration, value);
    if (Math.sqrt(dot(gradient, gradient)) <= tolerance) return { x, iterations: iteration, converged: true };

    const direction = newtonStep(gradient, memory, firstStep);
    const slope = -dot(gradient, direction);
    let length = 1, next: Float64Array, there: Awaited<ReturnType<Objective>>;
    while (true) {
      next = plus(x, -length, direction);
      there = await objective(next);
      if (there.value <= value + 1e-4 * length * slope) break;
      length /= 2;
      if (length < 1e-4) return { x, iterations: iteration, converged: true };
    }
    const step = plus(next, -1, x), change = plus(there.gradient, -1, gradient);
    if (dot(step, change) > 0) memory.push({ step, change }); // else rounding has the better of the curvature
    if (memory.length > MEMORY) memory.shift();
    [x, value, gradient] = [next, there.value, there.gradient];
  }
  return { x, iterations: limit, converged: false };
}
