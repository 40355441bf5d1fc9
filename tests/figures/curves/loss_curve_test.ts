import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { lossCurve, type LossEntry } from "../../../lib/figures/curves/loss_curve.ts";

const run = (steps: number): LossEntry[] =>
  Array.from({ length: steps }, (_, step) => ({
    step,
    loss: 0.2 + 0.5 * Math.exp(-step / 100),
    learningRate: 1e-3,
    ...(step % 50 === 0 ? { featureStd: 0.8 } : {}),
  }));

/** The texts of a figure's annotations. */
const texts = (layout: Record<string, unknown>) => (layout.annotations as { text: string }[]).map(({ text }) => text);

Deno.test("lossCurve() draws loss and average on a log axis, and each further measure in a panel of its own", () => {
  const { data, layout } = lossCurve(run(500));
  assertEquals(data.map((trace) => trace.yaxis), ["y", "y", "y2", "y3"]);
  assertEquals((layout.yaxis as Record<string, unknown>).type, "log");
  assertEquals(data[2].x, [0, 50, 100, 150, 200, 250, 300, 350, 400, 450]);
  const domains = ["yaxis", "yaxis2", "yaxis3"].map((axis) => (layout[axis] as { domain: number[] }).domain);
  assert(domains[0][0] > domains[1][1] && domains[1][0] > domains[2][1], "panels overlap");
});

Deno.test("lossCurve() draws the loss alone when the log holds nothing else", () => {
  const { data, layout } = lossCurve([{ step: 0, loss: 1 }, { step: 1, loss: 0.5 }]);
  assertEquals(data.length, 1);
  assertEquals(data[0].y, [1, 0.5]);
  assertEquals(layout.yaxis2, undefined);
});

/** As pretrain() logs it with a monitor: cosines at each step, the rest at some. */
const monitored = (steps: number): LossEntry[] =>
  run(steps).map((entry) => ({
    ...entry,
    featureStd: 0.3,
    cosine: 0.9,
    centredCosine: -0.1,
    ...(entry.step % 20 === 0 ? { measures: { rankMe: 5 + entry.step, lidar: 9, knn: 30, linear: 30.5 } } : {}),
  }));

Deno.test("lossCurve() draws what a monitor measured where it measured, pairs of lines in one panel", () => {
  const { data, layout } = lossCurve(monitored(100));
  const lines = data.map(({ name, yaxis }) => `${yaxis} ${name}`);
  assertEquals(lines.filter((line) => line.startsWith("y4")), ["y4 RankMe", "y4 LiDAR"]);
  assertEquals(lines.filter((line) => line.startsWith("y5")), ["y5 kNN", "y5 linear"]);
  const rankMe = data.find(({ name }) => name === "RankMe")!;
  assertEquals([rankMe.x, rankMe.y], [[0, 20, 40, 60, 80], [5, 25, 45, 65, 85]]);
  const { range } = layout.yaxis3 as { range: [number, number] };
  assert(range[0] < -0.1 && range[1] > 0.9, `cosines on ${range}`);
  assertStringIncludes(texts(layout).join("\n"), "Effective rank (collapse: 1): <span");

  const unlabelled = monitored(100).map(({ measures, ...entry }) => ({
    ...entry,
    ...(measures ? { measures: { rankMe: measures.rankMe, lidar: null } } : {}),
  }));
  const names = lossCurve(unlabelled).data.map(({ name }) => name);
  assert(!names.includes("kNN") && !names.includes("LiDAR"));
  assertStringIncludes(texts(lossCurve(unlabelled).layout).join("\n"), ">RankMe</span></b>"); // still says which it is
});

Deno.test("lossCurve() keeps the values at the lines' ends apart", () => {
  const { layout } = lossCurve(monitored(100));
  type Label = { text: string; y: number; yref: string; yshift: number };
  const labels = layout.annotations as Label[];
  const of = (text: string) => labels.find((label) => label.text === `<b>${text}</b>` && label.yref === "y5")!;
  const { domain, range } = layout.yaxis5 as { domain: [number, number]; range: [number, number] };
  const scale = (domain[1] - domain[0]) * (layout.height - 92) / (range[1] - range[0]);
  const place = ({ y, yshift }: Label) => y * scale + yshift;
  const distance = place(of("30.5")) - place(of("30"));
  assert(distance > 15.9 && distance < 16.1, `${distance} pixels`);
  assertEquals(labels.filter(({ yref, yshift }) => yref === "y3" && yshift !== 0), []); // far apart by themselves
});

Deno.test("lossCurve() thins 100,000 steps without losing a spike, and stays plain JSON", () => {
  const log = run(100_000);
  log[77_777].loss = 5;
  const figure = lossCurve(log);
  const { x, y } = figure.data[0] as { x: number[]; y: number[] };
  assertLess(x.length, 3000);
  assertEquals(y[x.indexOf(77_777)], 5);
  assertEquals(JSON.parse(JSON.stringify(figure.data)), figure.data);
});

Deno.test("lossCurve() says how many losses it could not draw", () => {
  const log = run(100);
  log[60].loss = null;
  log[61].loss = NaN;
  log[62].loss = 0;
  assertStringIncludes(texts(lossCurve(log).layout).join("\n"), "at 3 steps, the first 60");
  assertThrows(() => lossCurve([{ step: 0, loss: NaN }]), RangeError, "no loss above zero");
  assertThrows(() => lossCurve([]), RangeError, "no loss above zero");
});
