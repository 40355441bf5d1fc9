import { assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { lineChart } from "../../lib/figures/line_chart.ts";
import { figureBundle, show } from "../../lib/figures/notebook.ts";

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
