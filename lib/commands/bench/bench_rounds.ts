/**
 * Turns in which `deno task bench` measures, and what is made of their times.
 *
 * @module
 */

/** A turn takes about so long, in milliseconds, where steps are shorter. */
const TURN = 3000;
/** No round is begun after so many milliseconds of rounds. */
const ROUNDS_LIMIT = 360_000;

/** Milliseconds a step, by round. */
export type Timings = number[][];

/** How many steps of so many milliseconds make a turn. */
export function stepsOfTurn(stepTime: number): number {
  return Math.min(50, Math.max(1, Math.round(TURN / stepTime)));
}

/** The rounds' numbers, from 1 on: fewer where they take long, but two at least. */
export function* roundsInTime(rounds: number): Generator<number> {
  const begun = performance.now();
  for (let round = 1; round <= rounds && (round <= 2 || performance.now() - begun < ROUNDS_LIMIT); round++) yield round;
}

/** Middle value; of an even number the average of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/** The rounds' median ratio, the smallest and the largest. */
export function middleOf(ratios: readonly number[]): { ratio: number; spread: [number, number] } {
  return { ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] };
}

export const spreadText = ([least, most]: readonly [number, number]): string =>
  `${least.toFixed(2)}–${most.toFixed(2)}`;
