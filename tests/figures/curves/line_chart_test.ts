import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { lineChart } from "../../../lib/figures/curves/line_chart.ts";
import { figureToSvg } from "../../../lib/figures/svg.ts";

const TEXT = { title: "Accuracy, %", x: "labels a class" };

Deno.test("lineChart() draws each line with its name at its end, and ticks where was measured", async () => {
  const figure = lineChart([
    { name: "trained", x: [1, 2, 5, 13], y: [20, 24, 29, 35], deviations: [1, 2, 1, 1] },
    { name: "chance", x: [1, 13], y: [10, 10], reference: true },
  ], { ...TEXT, logarithmic: true });
  const svg = await figureToSvg(figure);
  for (const text of ["trained", "chance", "Accuracy, %", "labels a class", ">5<", ">13<"]) {
    assertStringIncludes(svg, text);
  }
  assertEquals(figure.data.length, 2);
  const { range } = figure.layout.yaxis as { range: [number, number] };
  assert(range[0] < 10 && range[1] > 36, "a deviation is cut off");
});

Deno.test("lineChart() has ticks at round numbers where the measured ones would run into one another", () => {
  const x = Array.from({ length: 9 }, (_, i) => 31 + 37 * i), line = { name: "a", x, y: x };
  const ticks = (few: number) => {
    const cut = { ...line, x: x.slice(0, few), y: x.slice(0, few) };
    const { xaxis } = lineChart([cut], { ...TEXT, logarithmic: true }).layout as { xaxis?: { tickvals: number[] } };
    return xaxis!.tickvals.filter((tick) => tick > 30 && tick < 350);
  };
  assertEquals(ticks(8), x.slice(0, 8));
  assertEquals(ticks(9), [50, 100, 200]);
});

Deno.test("lineChart() keeps names apart that would end at one height", () => {
  const line = (name: string, end: number) => ({ name, x: [1, 2], y: [0, end] });
  const { layout } = lineChart([line("a", 10), line("b", 10), line("c", 9.9), line("d", 2)], TEXT);
  const { annotations } = layout as unknown as { annotations: { text: string; y: number }[] };
  const heights = Object.fromEntries(annotations.map(({ text, y }) => [text, y]));
  const sorted = [heights.a, heights.b, heights.c, heights.d].sort((a, b) => a - b);
  for (let i = 1; i < sorted.length; i++) assert(sorted[i] - sorted[i - 1] > 0.055, `${sorted}`);
  assertAlmostEquals(heights.d, (2 + 0.6) / 11.2, 1e-9); // one that is alone stays in its place
});

Deno.test("lineChart() takes places with names, and refuses what does not fit", () => {
  const { layout } = lineChart([{ name: "a", x: ["ViT-S", "ViT-L"], y: [1, null] }], TEXT);
  const { xaxis } = layout as unknown as { xaxis: { type: string } };
  assertEquals(xaxis.type, "category");
  const empty = { name: "not measured", x: [1, 2], y: [null, null] };
  const { layout: beside } = lineChart([{ name: "a", x: [1, 2], y: [100, 101] }, empty], TEXT);
  const { annotations } = beside as unknown as { annotations: { text: string; y: number }[] };
  const name = annotations.find(({ text }) => text === "not measured")!;
  assert(name.y >= 0 && name.y <= 1, "its name is outside the chart");
  assertThrows(() => lineChart([empty], TEXT), RangeError, 'No line has a number: "not measured"');
  assertThrows(() => lineChart([], TEXT), RangeError, "at least one line");
  assertThrows(() => lineChart([{ name: "a", x: [1], y: [1, 2] }], TEXT), RangeError, '"a" has 1 places for 2');
});
