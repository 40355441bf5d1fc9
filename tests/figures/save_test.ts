import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import sharp from "sharp";
import { lossCurve } from "../../lib/figures/curves/loss_curve.ts";
import { masksFigure } from "../../lib/figures/pictures/masks_figure.ts";
import { figureToPng, saveFigure } from "../../lib/figures/save.ts";
import { figureToSvg, textWidth } from "../../lib/figures/svg.ts";

const figure = () =>
  lossCurve(Array.from({ length: 200 }, (_, step) => ({ step: step * 10, loss: 1 / (step + 1), learningRate: 1e-3 })));

Deno.test("saveFigure() writes a page, an SVG and a PNG when the path has no extension", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = await saveFigure(figure(), `${folder}/figures/loss`);
    assertEquals(files, ["html", "svg", "png"].map((kind) => `${folder}/figures/loss.${kind}`));
    assertEquals(await saveFigure(figure(), `${folder}/one.svg`), [`${folder}/one.svg`]);
    await assertRejects(() => saveFigure(figure(), `${folder}/loss.jpg`), RangeError, "loss.jpg");

    const html = await Deno.readTextFile(files[0]);
    assert(html.includes("Loss, and its average over 4 steps"), "the page does not hold the figure");
    assert(html.includes("plotly.js v"), "the page does not hold plotly.js");
    assert(!/<script[^>]*\ssrc=|<link\s/i.test(html), "the page loads something from elsewhere");
    assertEquals(html.match(/<\/script>/g)!.length, 2);

    const { width, height, format } = await sharp(files[2]).metadata();
    const { layout } = figure();
    assertEquals([format, width, height], ["png", 2 * layout.width, 2 * layout.height]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("saveFigure() lets no text of a figure end the page's script", async () => {
  const file = await Deno.makeTempFile({ suffix: ".html" });
  const evil = figure();
  evil.layout.title = { text: "</script><script>throw 1</script>" };
  await saveFigure(evil, file);
  assertEquals((await Deno.readTextFile(file)).match(/<\/script>/g)!.length, 2);
  await Deno.remove(file);
});

Deno.test("figureToSvg() keeps titles, ticks and values as text, and leaves the figure as it was", async () => {
  const drawn = figure(), before = structuredClone(drawn);
  const svg = await figureToSvg(drawn);
  assertEquals(drawn, before);
  for (const text of ["Loss, and its average over 4 steps", "Learning rate", "step", ">1,000<", ">0.001<"]) {
    assertStringIncludes(svg, text);
  }
  assertEquals(await figureToSvg(drawn).then((again) => again.length), svg.length);
});

Deno.test("figureToSvg() says what cannot be drawn without a browser", async () => {
  const heatmap = { data: [{ type: "heatmap", z: [[1, 2], [3, 4]] }], layout: { width: 200, height: 200 } };
  await assertRejects(() => figureToSvg(heatmap), Error, "heatmap");
});

Deno.test("figureToPng() draws the images, and the texts in ink", async () => {
  const pixels = new Uint8Array(8 * 8 * 3).fill(200);
  const masks = masksFigure([{ pixels, size: 8, grid: [2, 2], context: [0], targets: [[3]] }]);
  const image = sharp(await figureToPng(masks));
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => data[(2 * y * info.width + 2 * x) * info.channels];
  assertEquals(at(16 + 20, 36 + 20), 200); // inside the first panel
  const header = data.subarray(0, 2 * 36 * info.width * info.channels);
  assert(header.some((value) => value < 60), "the titles are not drawn");
});

Deno.test("textWidth() agrees with Inter as it is rendered", async () => {
  await figureToPng(figure()); // makes the font known
  for (
    const [text, bold] of [["Loss, and its average", false], ["0123456789 patches", false], ["Context", true]] as const
  ) {
    const markup = bold ? `<b>${text}</b>` : text;
    const { info } = await sharp({ text: { text: markup, font: "Inter 100", dpi: 72 } }).png().toBuffer({
      resolveWithObject: true,
    });
    const estimate = textWidth(text, 100, bold);
    assertAlmostEquals(estimate / info.width, 1, 0.05, `${text}: ${estimate} for ${info.width} pixels`);
  }
});
