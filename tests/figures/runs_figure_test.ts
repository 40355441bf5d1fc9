import { assertEquals, assertThrows } from "@std/assert";
import { type RunEntry, runsFigure } from "../../lib/figures/runs_figure.ts";

const log = (rankMe?: number): RunEntry[] =>
  [1, 2, 3].map((step) => ({
    ...{ step, prediction: 1 / step, featureStd: 0.1 * step, centredCosine: 0 },
    ...(rankMe !== undefined && step !== 2 ? { measures: { rankMe } } : {}),
  }));

Deno.test("runsFigure() draws every run in each panel, in its colour", () => {
  const { data } = runsFigure([{ name: "a", log: log(5) }, { name: "b", log: log(2) }]);
  assertEquals(data.map(({ name }) => name), ["a", "b", "a", "b", "a", "b", "a", "b"]);
  assertEquals(new Set(data.map(({ line }) => (line as { color: string }).color)).size, 2);
  const [, , , , , , rank] = data;
  assertEquals([rank.x, rank.y, rank.mode], [[1, 3], [5, 5], "lines+markers"]);
});

Deno.test("runsFigure() leaves RankMe out where no run has it", () => {
  const { data, layout } = runsFigure([{ name: "a", log: log() }]);
  assertEquals(data.length, 3);
  assertEquals((layout.annotations as unknown[]).length, 1 + 3);
});

Deno.test("runsFigure() refuses no run and a run without a step", () => {
  assertThrows(() => runsFigure([]), RangeError, "at least one run");
  assertThrows(() => runsFigure([{ name: "a", log: [] }]), RangeError, 'The run "a" has no step');
});
