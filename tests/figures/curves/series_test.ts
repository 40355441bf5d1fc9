import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { keptApart, smoothed, thin } from "../../../lib/figures/curves/series.ts";

Deno.test("thin() keeps the ends and every bucket's extremes, in order, for any series", () => {
  fc.assert(fc.property(
    fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 400 }),
    fc.integer({ min: 1, max: 40 }),
    (values, buckets) => {
      const kept = thin(values, buckets);
      assert(kept.length <= 2 * buckets + 2);
      assert(kept.every((k, i) => i === 0 || k > kept[i - 1]));
      assertEquals([kept[0], kept.at(-1)], [0, values.length - 1]);
      const drawn = kept.map((k) => values[k]);
      assertEquals(Math.max(...drawn), Math.max(...values));
      assertEquals(Math.min(...drawn), Math.min(...values));
    },
  ));
});

Deno.test("thin() keeps lone spikes, up and down, wherever they are in 100,000 values", () => {
  const values = new Float64Array(100_000).map((_, i) => 1 + 1e-3 * Math.sin(i));
  const spikes = [1, 12_345, 50_000, 99_998];
  spikes.forEach((at, i) => values[at] = i % 2 ? 9 : 0.01);
  const kept = new Set(thin(values, 1000));
  assert(spikes.every((at) => kept.has(at)));
});

Deno.test("smoothed() is the mean of the neighbours and leaves constants alone", () => {
  assertEquals(smoothed([1, 2, 6, 4, 5], 3), [1.5, 3, 4, 5, 4.5]);
  assertEquals(smoothed([3, 1, 2], 1), [3, 1, 2]);
  for (const value of smoothed(Array(50).fill(0.1), 7)) assertAlmostEquals(value, 0.1, 1e-12);
});

Deno.test("keptApart() moves places no more than it takes, and keeps their order", () => {
  assertEquals(keptApart([0, 10, 20], 5), [0, 10, 20]);
  assertEquals(keptApart([10, 10], 4), [8, 12]);
  const moved = keptApart([3, 1, 2, 50], 4);
  assert(moved[1] < moved[2] && moved[2] < moved[0] && moved[3] === 50, `${moved}`);
  const sorted = moved.toSorted((a, b) => a - b);
  for (let i = 1; i < sorted.length; i++) assert(sorted[i] - sorted[i - 1] > 4 - 1e-6, `${moved}`);
});
