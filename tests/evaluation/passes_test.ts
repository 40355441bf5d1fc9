import { assertEquals, assertNotEquals } from "@std/assert";
import { everyRow, inChunks, rowBatches, stepsOf } from "../../lib/evaluation/passes.ts";

Deno.test("rowBatches() goes through all rows in each pass, in an order of its own, across the batches' ends", () => {
  const rows = Uint32Array.of(3, 5, 7, 11, 13), batches = rowBatches(rows, { batch: 4, seed: 1 });
  const stream = Array.from({ length: 5 }, (_, step) => [...batches(step)]).flat();
  const passes = [0, 5, 10, 15].map((start) => stream.slice(start, start + 5));
  for (const pass of passes) assertEquals(pass.toSorted((a, b) => a - b), [...rows]);
  assertEquals(new Set(passes.map(String)).size, 4);
});

Deno.test("rowBatches() depends on the seed and the step alone, and takes more rows a step than there are", () => {
  const rows = everyRow(50), batches = rowBatches(rows, { batch: 20, seed: 1 });
  const third = batches(2);
  batches(7);
  assertEquals(batches(2), third);
  assertEquals(rowBatches(rows, { batch: 20, seed: 1 })(2), third);
  assertNotEquals(rowBatches(rows, { batch: 20, seed: 2 })(2), third);
  assertEquals(rowBatches(Uint32Array.of(4), { batch: 3, seed: 0 })(5), Uint32Array.of(4, 4, 4));
});

Deno.test("stepsOf() rounds up", () => {
  assertEquals([stepsOf(2, 10, 5), stepsOf(1, 10, 3), stepsOf(0.5, 10, 10)], [4, 4, 1]);
});

Deno.test("inChunks() keeps the order, and leaves fewer for the last", () => {
  const rows = Uint32Array.of(9, 8, 7, 6, 5);
  assertEquals(inChunks(rows, 2), [Uint32Array.of(9, 8), Uint32Array.of(7, 6), Uint32Array.of(5)]);
  assertEquals(inChunks(rows, 5), [rows]);
  assertEquals(inChunks(new Uint32Array(0), 5), []);
});
