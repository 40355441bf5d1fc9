import { assert, assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { lineChart } from "../../lib/figures/curves/line_chart.ts";
import { figureBundle, liveBar, liveOutput, show } from "../../lib/figures/notebook.ts";

const figure = () => lineChart([{ name: "a", x: [1, 2], y: [1, 2] }], { title: "A", x: "steps" });

Deno.test("figureBundle() holds Plotly's figure and a PNG of the figure's own size", async () => {
  const bundle = await figureBundle(figure());
  assertEquals(bundle["application/vnd.plotly.v1+json"], { ...figure() });
  assertEquals(bundle["text/html"], undefined); // readers of notebooks would prefer it to the PNG
  const png = Uint8Array.from(atob(bundle["image/png"]!), (character) => character.charCodeAt(0));
  const { format, width, height } = await sharp(png).metadata();
  assertEquals([format, width, height], ["png", 640, 360]);
});

Deno.test("show() says where it works when there is no notebook", async () => {
  await assertRejects(() => show("text"), Error, "no notebook");
});

const text = (plain: string) => ({ "text/plain": plain });

/** What a live output sends, as "text" of what replaces nothing and "=text" of what replaces the one before. */
function recorder(sending: (plain: string) => Promise<void> = () => Promise.resolve()) {
  const sent: string[] = [], ids = new Set<string | undefined>();
  const output = liveOutput(async (bundle, { display_id, update } = {}) => {
    const plain = bundle["text/plain"]!;
    await sending(plain);
    ids.add(display_id);
    sent.push((update ? "=" : "") + plain);
  });
  return { output, sent, ids };
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Offers until it is drawn, and says how many milliseconds that took. */
async function drawn(output: ReturnType<typeof liveOutput>, plain: string): Promise<number> {
  const start = performance.now();
  for (let isDrawn = false; !isDrawn; await pause(10)) {
    await output.offer(() => {
      isDrawn = true;
      return text(plain);
    });
  }
  return performance.now() - start;
}

Deno.test("liveOutput() drops what is offered within a quarter of a second, and never the last", async () => {
  const { output, sent, ids } = recorder();
  await output.offer(() => text("first"));
  await output.offer(() => {
    throw new Error("was drawn, which takes time");
  });
  assert(await drawn(output, "second") > 200);
  await output.finish(text("last"));
  await output.offer(() => text("late"));
  assertEquals(sent, ["first", "=second", "=last"]);
  assertEquals(ids.size, 1);
});

Deno.test("liveOutput() sends one after the other, and nothing that was being drawn when the last one came", async () => {
  const gate = Promise.withResolvers<void>(), drawing = Promise.withResolvers<void>();
  const { output, sent } = recorder((plain) => plain === "slow" ? gate.promise : Promise.resolve());
  const offered = output.offer(() => text("slow"));
  await pause(0);
  await output.offer(() => text("dropped while the one before is under way"));
  const finished = output.finish(text("last"));
  await pause(5);
  assertEquals(sent, []);
  gate.resolve();
  await Promise.all([offered, finished]);
  assertEquals(sent, ["slow", "=last"]);

  const other = recorder();
  const late = other.output.offer(async () => {
    await drawing.promise;
    return text("late");
  });
  await other.output.finish(text("last"));
  drawing.resolve();
  await late;
  assertEquals(other.sent, ["last"]);
});

Deno.test("liveOutput() goes on after what could not be drawn or sent", async () => {
  let broken = true;
  const { output, sent } = recorder(() => broken ? Promise.reject(new Error("not sent")) : Promise.resolve());
  await assertRejects(() => output.offer(() => Promise.reject(new Error("not drawn"))), Error, "not drawn");
  await assertRejects(() => drawn(output, "first"), Error, "not sent");
  broken = false;
  await drawn(output, "second");
  await output.finish(text("last"));
  assertEquals(sent, ["second", "=last"]); // there was nothing to replace
});

Deno.test("liveBar() fails in stop() where an update could not be drawn", async () => {
  const bar = liveBar({ label: "Training", total: 2, unit: "steps" });
  bar.update(1);
  await pause(5); // an unhandled rejection would end the test here
  await assertRejects(() => bar.stop(), Error, "no notebook");
});
