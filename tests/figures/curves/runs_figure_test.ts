import { assertEquals, assertThrows } from "@std/assert";
import { type RunEntry, runsFigure } from "../../../lib/figures/curves/runs_figure.ts";

const log = (rankMe?: number): RunEntry[] =>
  [1, 2, 3, 4, 5].map((step) => ({
    ...{ step, prediction: 1 / step, featureStd: 0.1 * step, centredCosine: 0 },
    ...(rankMe !== undefined && (step === 1 || step === 3) ? { measures: { rankMe } } : {}),
  }));

Deno.test("runsFigure() draws every run in each panel, in its colour", () => {
  const { data } = runsFigure([{ name: "a", log: log(5) }, { name: "b", log: log(2) }]);
  assertEquals(data.map(({ name }) => name), ["a", "b", "a", "b", "a", "b", "a", "b"]);
  assertEquals(new Set(data.map(({ line }) => (line as { color: string }).color)).size, 2);
  const [, , , , , , rank] = data;
  assertEquals([rank.x, rank.y, rank.mode], [[1, 3], [5, 5], "lines+markers"]);
});

Deno.test("runsFigure() has ticks on a log axis within one decade", () => {
  const { layout } = runsFigure([{ name: "a", log: log() }]);
  const { type, range, tickvals } = layout.yaxis as { type: string; range: [number, number]; tickvals: number[] };
  assertEquals(type, "log");
  const seen = tickvals.filter((tick) => Math.log10(tick) > range[0] && Math.log10(tick) < range[1]);
  assertEquals(seen, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  const { yaxis } = runsFigure([{ name: "zero", log: log().map((entry) => ({ ...entry, prediction: 0 })) }]).layout;
  assertEquals((yaxis as { type?: string }).type, undefined); // which has no logarithm
});

Deno.test("runsFigure() keeps a curve with a missing value a smooth line", () => {
  const long = Array.from({ length: 99 }, (_, i) => ({ ...log()[0], step: i + 1, prediction: 1 + i % 3 }));
  long[40].prediction = NaN;
  const { data: [{ mode, x, y }] } = runsFigure([{ name: "a", log: long }]);
  assertEquals([mode, (x as number[]).length, (y as number[])[10]], ["lines", 98, 2]);
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
