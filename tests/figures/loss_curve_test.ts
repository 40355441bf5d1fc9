import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { lossCurve, type LossEntry } from "../../lib/figures/loss_curve.ts";

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
