import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { architecturesFigure, methodFigure } from "../../lib/figures/diagrams.ts";
import { figureToSvg } from "../../lib/figures/svg.ts";

type Rect = { type: string; x0: number; x1: number; y0: number; y1: number; path?: string };

Deno.test("the paper's drawings hold all parts of the method, apart from one another and within the page", async () => {
  const parts = {
    two: [architecturesFigure(), ["Generative", "predictor, z", "decoder, z", "loss on embeddings"], 16],
    three: [methodFigure(), ["target encoder", "context encoder", "predictor", "M predictions", "loss"], 8],
  } as const;
  for (const [figure, names, count] of Object.values(parts)) {
    const { width, height } = figure.layout, shapes = figure.layout.shapes as Rect[];
    const boxes = shapes.filter(({ type }) => type === "rect");
    assertEquals(boxes.length, count);
    boxes.forEach((a, i) => {
      assert(a.x0 >= 0 && a.y0 >= 0 && a.x1 <= width && a.y1 <= height);
      for (const b of boxes.slice(i + 1)) {
        assert(a.x1 < b.x0 || b.x1 < a.x0 || a.y1 < b.y0 || b.y1 < a.y0, "boxes overlap");
      }
    });
    // Each arrow begins or ends at a box's edge: a number that is not one would be NaN in its path.
    for (const { path } of shapes.filter(({ path }) => path)) assert(!/NaN|undefined/.test(path!), path);
    const svg = await figureToSvg(figure);
    for (const name of names) assertStringIncludes(svg, name);
  }
});
