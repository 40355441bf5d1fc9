import { assertEquals } from "@std/assert";
import { editDistance, nearestName } from "../lib/nearest_name.ts";

Deno.test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  const cases: [string, string, number][] = [
    ...[["", "", 0], ["", "abc", 3], ["kitten", "sitting", 3], ["batch", "bacth", 1]] as [string, string, number][],
    ...[["blocks", "bloks", 1], ["ca", "abc", 3], ["flaw", "lawn", 2]] as [string, string, number][],
  ];
  for (const [from, to, distance] of cases) {
    assertEquals(editDistance(from, to), distance, `${from} ${to}`);
    assertEquals(editDistance(to, from), distance, `${to} ${from}`);
  }
});

Deno.test("nearestName() finds what is meant, whatever its case and its dashes, and nothing where nothing is near", () => {
  const names = ["batch", "microBatch", "learningRate", "epochs", "seed"];
  for (const [typed, meant] of [["bacth", "batch"], ["micro-batch", "microBatch"], ["learning_rate", "learningRate"]]) {
    assertEquals(nearestName(typed, names), meant);
  }
  assertEquals(nearestName("epoch", names), "epochs");
  assertEquals(nearestName("speed", names), "seed");
  assertEquals(nearestName("depth", names), undefined);
  assertEquals(nearestName("x", []), undefined);
});
