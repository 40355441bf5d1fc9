/**
 * Where the workers of a run were given different things.
 *
 * @module
 */

/** A value's leaves by their paths, e.g. "masks.blocks" -> "4". */
function leaves(value: unknown, path = ""): [path: string, text: string][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, path ? `${path}.${key}` : key));
}

/**
 * What is not the same in all values, in one sentence.
 *
 * @param what what the values are
 * @param values JSON values, by rank
 * @param name of a worker, by rank
 * @returns undefined where all are equal
 */
export function disagreement(
  what: string,
  values: readonly unknown[],
  name: (rank: number) => string,
): string | undefined {
  const [first, ...others] = values.map((value) => new Map(leaves(value)));
  for (const [i, other] of others.entries()) {
    for (const path of new Set([...first.keys(), ...other.keys()])) {
      const [a, b] = [first, other].map((of) => of.get(path) ?? "absent");
      if (a === b) continue;
      return `The workers disagree on ${what}: ${path || "it"} is ${a} at ${name(0)}, but ${b} at ${name(i + 1)}.`;
    }
  }
  return undefined;
}
