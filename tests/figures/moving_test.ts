import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import sharp from "sharp";
import { imageGrid } from "../../lib/figures/pictures/image_grid.ts";
import { lineChart } from "../../lib/figures/curves/line_chart.ts";
import { played } from "../../lib/figures/moving.ts";
import { figureBundle } from "../../lib/figures/notebook.ts";
import { saveFigure } from "../../lib/figures/save.ts";

/** A grey picture that grows bright. */
const stills = [10, 90, 200].map((grey) => imageGrid(["grey"], [[{ pixels: new Uint8Array(12).fill(grey), size: 2 }]]));
const moving = { stills, milliseconds: 100, names: ["dark", "grey", "bright"] };

Deno.test("played() has a frame for each still, of what changes alone, and a slider that goes to it", () => {
  const { data, layout, frames } = played(moving);
  assertEquals(data, stills[0].data);
  assertEquals(frames.map(({ name }) => name), moving.names);
  frames.forEach(({ layout: changed }, i) => assertEquals(changed, { images: stills[i].layout.images }));
  assert(layout.height > stills[0].layout.height);
  assertEquals(layout.images, stills[0].layout.images);
  const [{ steps }] = layout.sliders as { steps: { args: unknown[] }[] }[];
  assertEquals(steps.map(({ args }) => args[0]), moving.names.map((name) => [name]));
});

Deno.test("stills that are not alike, or names that are not as many, are refused", () => {
  const chart = lineChart([{ name: "a", x: [1], y: [1] }], { title: "A", x: "steps" });
  assertThrows(() => played({ stills: [stills[0], chart], milliseconds: 1 }), RangeError, "Still 1 has 640 x 360");
  assertThrows(() => played({ ...moving, names: ["one"] }), RangeError, "1 names");
  assertThrows(() => played({ stills: [], milliseconds: 1 }), RangeError, "at least one");
});

Deno.test("a figure that moves is Plotly's with frames and an animated PNG of the stills' size", async () => {
  const bundle = await figureBundle(moving);
  assertEquals((bundle["application/vnd.plotly.v1+json"] as unknown as { frames: unknown[] }).frames.length, 3);
  const png = Uint8Array.from(atob(bundle["image/png"]!), (character) => character.charCodeAt(0));
  assertStringIncludes(new TextDecoder("latin1").decode(png), "acTL");
  const { width, height } = stills[0].layout, first = await sharp(png).metadata();
  assertEquals([first.format, first.width, first.height], ["png", width, height]);
});

Deno.test("saveFigure() writes a page that plays, an animated PNG, and the first still as SVG", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [page, svg, png] = await saveFigure(moving, `${folder}/moving`);
    assertStringIncludes(await Deno.readTextFile(page), '"frames":[');
    assertStringIncludes(await Deno.readTextFile(svg), ">grey<");
    assertStringIncludes(new TextDecoder("latin1").decode(await Deno.readFile(png)), "fdAT");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
