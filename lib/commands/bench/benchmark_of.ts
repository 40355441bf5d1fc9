/**
 * Which of its benchmarks `deno task bench` is asked for.
 *
 * @module
 */

/** The benchmarks by their options, with the other options that each takes; "steps" has none of its own. */
const TAKES = {
  steps: ["size", "rounds"],
  workers: ["size", "rounds"],
  loader: ["data", "rounds"],
  encode: ["size", "rounds"],
  cold: ["size", "rounds", "precision"],
  profile: ["size", "precision"],
} as const satisfies Record<string, readonly string[]>;

/** A benchmark. */
export type Benchmark = keyof typeof TAKES;

const isBenchmark = (name: string): name is Benchmark => Object.hasOwn(TAKES, name);

/**
 * The benchmark that some options, by their names, ask for.
 *
 * @throws Error where they ask for two, or one of them is another benchmark's
 */
export function benchmarkOf(given: readonly string[]): Benchmark {
  const [benchmark = "steps", second] = given.filter(isBenchmark);
  if (second) throw new Error(`--${benchmark} and --${second} are two benchmarks: leave one of them out.`);
  const taken: readonly string[] = TAKES[benchmark];
  const stray = given.find((name) => !isBenchmark(name) && !taken.includes(name));
  if (stray === undefined) return benchmark;
  const others = Object.entries(TAKES).filter(([, takes]) => (takes as readonly string[]).includes(stray));
  const owners = others.map(([name]) => name === "steps" ? "whole steps" : `--${name}`).join(", ");
  throw new Error(`--${stray} is for ${owners}: leave it out${benchmark === "steps" ? ", or add one of these" : ""}.`);
}
