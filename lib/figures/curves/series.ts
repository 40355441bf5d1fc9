/**
 * Thinning and smoothing of long series, and keeping apart what would overlap, for drawing.
 *
 * @module
 */

/**
 * Which points of a series to draw so that no extreme is lost: the first, the last, and the lowest and highest of each
 * of `buckets` equal stretches. Ascending indices, at most 2 * buckets + 2; all of them when the series is that short.
 */
export function thin(values: ArrayLike<number>, buckets: number): number[] {
  const count = values.length;
  if (count <= 2 * buckets + 2) return Array.from({ length: count }, (_, i) => i);
  const kept = new Set([0, count - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor(bucket * count / buckets), end = Math.floor((bucket + 1) * count / buckets);
    let low = start, high = start;
    for (let i = start + 1; i < end; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b);
}

/** The mean of each value and its neighbours, `window` in all; fewer at the ends, where a side has fewer. */
export function smoothed(values: ArrayLike<number>, window: number): number[] {
  const sums = [0];
  for (let i = 0; i < values.length; i++) sums.push(sums[i] + values[i]);
  const before = Math.floor((window - 1) / 2), after = window - before;
  return Array.from(values, (_, i) => {
    const start = Math.max(0, i - before), end = Math.min(values.length, i + after);
    return (sums[end] - sums[start]) / (end - start);
  });
}

/** Places moved as little as keeps them at least `distance` from each other, in their order. */
export function keptApart(places: readonly number[], distance: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const moved = [...places];
  for (let round = 0; round < 50; round++) {
    for (let k = 1; k < order.length; k++) {
      const below = order[k - 1], above = order[k], lack = distance - (moved[above] - moved[below]);
      if (lack <= 0) continue;
      moved[below] -= lack / 2;
      moved[above] += lack / 2;
    }
  }
  return moved;
}
