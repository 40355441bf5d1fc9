import { assertAlmostEquals, assertEquals } from "@std/assert";
import { compare } from "../../lib/commands/bench.ts";

const size = { batch: 100 }, mode = { name: "f32" };

Deno.test("compare() sets each of PyTorch's rounds against ours of the same round", () => {
  const ours = [[90, 100, 110], [200, 200, 200], [100, 100, 100]], theirs = [[120], [260], [90]];
  const { ours_img_s, peer_img_s, ratio, spread, steps } = compare("cifar", size, mode, "float32", ours, theirs, "");
  assertAlmostEquals(ours_img_s, 1000, 1e-9);
  assertAlmostEquals(peer_img_s!, 100 * 1000 / 120, 1e-9);
  // Both were slow in the second round: its ratio says no less than the others'.
  assertAlmostEquals(ratio!, 1.2, 1e-9);
  assertEquals(spread!.map((x) => Number(x.toFixed(6))), [0.9, 1.3]);
  assertEquals(steps, 3);
});

Deno.test("compare() sets a mode's only step against all of our rounds, and keeps the note", () => {
  const result = compare("cifar", size, mode, "float32", [[100], [200], [50]], [[1000]], "one step only");
  assertEquals([result.ratio, result.spread, result.steps, result.note], [10, [5, 20], 1, "one step only"]);
});

Deno.test("compare() favours neither side where the rounds are even in number", () => {
  const { ours_img_s, ratio } = compare("cifar", size, mode, "float32", [[100], [300]], [[100], [900]], "");
  assertEquals([ours_img_s, ratio], [500, 2]);
});

Deno.test("compare() leaves what was not measured empty", () => {
  const result = compare("cifar", size, mode, "float32", [[100]], [], "not run");
  assertEquals([result.peer_img_s, result.ratio, result.spread, result.steps], [null, null, null, 0]);
});
