/**
 * The right name of what is misspelt.
 *
 * @module
 */

/** Letters and digits alone, in lower case: "learning_rate" and "learningRate" are one name. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z\d]/g, "");

/** Insertions, deletions, replacements and swaps of neighbours that make one text another (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[from.length][to.length];
}

/** The name that is most like this one, where one is: with a third of its letters wrong at most. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const far = names.map((other) => editDistance(plain(name), plain(other)));
  const least = Math.min(...far);
  return least <= Math.max(1, Math.floor(plain(name).length / 3)) ? names[far.indexOf(least)] : undefined;
}
