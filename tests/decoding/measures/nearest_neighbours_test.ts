import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { nearestNeighbours } from "../../../lib/decoding/measures/nearest_neighbours.ts";
import { randomStream } from "../../../lib/random.ts";

const random = randomStream(3);
const rows = (count: number, width: number) => Float32Array.from({ length: count * width }, () => random.normal());

Deno.test("nearestNeighbours() ranks by the cosine about the bank's mean", () => {
  // Seen from about (10, 10), the bank's rows lie right, above, left and below.
  const bank = Float32Array.of(12, 10, 10, 15, 7, 10, 10, 6);
  const mean = [0, 1].map((j) => [0, 1, 2, 3].reduce((sum, i) => sum + bank[2 * i + j] / 4, 0));
  const queries = Float32Array.of(mean[0] + 3, mean[1] + 1, mean[0] - 1, mean[1] - 3);
  const { indices, similarities } = nearestNeighbours(queries, bank, 2, 2);
  assertEquals([...indices], [0, 1, 3, 2]);
  const direction = [bank[0] - mean[0], bank[1] - mean[1]];
  const cosine = (3 * direction[0] + direction[1]) / Math.hypot(3, 1) / Math.hypot(...direction);
  assertAlmostEquals(similarities[0], cosine, 1e-6);
});

Deno.test("nearestNeighbours() finds what sorting all similarities finds", () => {
  const bank = rows(100, 5), queries = rows(7, 5), all = nearestNeighbours(queries, bank, 5, 100);
  for (let i = 0; i < 7; i++) {
    const own = all.similarities.subarray(i * 100, (i + 1) * 100);
    assertEquals(own, own.toSorted().reverse());
    assertEquals(new Set(all.indices.subarray(i * 100, (i + 1) * 100)).size, 100);
  }
  const few = nearestNeighbours(queries, bank, 5, 3);
  const firsts = Array.from({ length: 21 }, (_, i) => all.indices[Math.floor(i / 3) * 100 + i % 3]);
  assertEquals([...few.indices], firsts);
  assertEquals([...nearestNeighbours(bank, bank, 5, 1).indices], Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("nearestNeighbours() takes the earlier of equal rows", () => {
  assertEquals([...nearestNeighbours(rows(1, 2), new Float32Array(10).fill(4), 2, 3).indices], [0, 1, 2]);
  assertEquals(nearestNeighbours(new Float32Array(0), rows(3, 2), 2, 1).indices.length, 0);
});

Deno.test("nearestNeighbours() refuses what does not fit", () => {
  assertThrows(() => nearestNeighbours(rows(1, 3), rows(4, 2), 2, 1), RangeError, "3 and 8 numbers are no rows of 2");
  for (const k of [0, 5, 1.5]) {
    assertThrows(
      () => nearestNeighbours(rows(1, 2), rows(4, 2), 2, k),
      RangeError,
      `1 to 4 nearest of 4 rows; got ${k}`,
    );
  }
});
