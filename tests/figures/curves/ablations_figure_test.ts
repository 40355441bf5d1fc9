import { assertEquals, assertThrows } from "@std/assert";
import { type Ablation, ablationsFigure } from "../../../lib/figures/curves/ablations_figure.ts";

const blocks: Ablation = {
  title: "Table 10: target blocks",
  published: { settings: ["1", "4"], values: [9, 54.2] },
  measured: { settings: ["1", "2", "4"], values: [[30, 32], [31, 35], [33]] },
};
const text = { published: "the paper", measured: "here", baseline: { name: "random weights", value: 29 } };

Deno.test("ablationsFigure() draws the published numbers, the seeds' means and each seed", () => {
  const { data, layout } = ablationsFigure([blocks, { ...blocks, title: "again" }], text);
  assertEquals(data.map(({ y }) => y).slice(0, 3), [[9, 54.2], [31, 33, 33], [30, 32, 31, 35, 33]]);
  assertEquals(data[2].x, [0, 0, 1, 1, 2]);
  assertEquals(data.map(({ yaxis }) => yaxis), ["y", "y2", "y2", "y3", "y4", "y4"]);
  const axis = (name: string) => layout[name] as { range: number[]; ticktext: string[] };
  assertEquals(axis("xaxis2").ticktext, ["1", "2", "4"]);
  assertEquals(axis("yaxis2").range, axis("yaxis4").range); // one scale for all that was measured here
  assertEquals(data.map(({ mode }) => mode).slice(0, 3), ["lines+markers", "lines", "markers"]);
  assertEquals((layout.shapes as unknown[]).length, 2);
});

Deno.test("ablationsFigure() joins no kinds", () => {
  const { data } = ablationsFigure([{ ...blocks, kinds: true }], { published: "the paper", measured: "here" });
  assertEquals(new Set(data.map(({ mode }) => mode)), new Set(["markers"]));
});

Deno.test("ablationsFigure() needs ablations, and as many numbers as settings", () => {
  assertThrows(() => ablationsFigure([], text), RangeError, "at least one");
  const short = { ...blocks, published: { settings: ["1", "4"], values: [9] } };
  assertThrows(() => ablationsFigure([short], text), RangeError, "has 1 numbers for 2 settings");
  const none = { ...blocks, measured: { settings: ["1"], values: [[]] } };
  assertThrows(() => ablationsFigure([none], text), RangeError, "has no number for 1");
});
