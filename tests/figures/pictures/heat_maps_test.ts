import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { viridis } from "../../../lib/figures/pictures/colour_map.ts";
import { heatMaps } from "../../../lib/figures/pictures/heat_maps.ts";
import { figureToSvg } from "../../../lib/figures/svg.ts";
import { decodePngUri } from "../png_uri.ts";

Deno.test("viridis() goes from violet to yellow, and beyond its ends stays there", () => {
  assertEquals(viridis(0), [68, 1, 84]);
  assertEquals(viridis(1), [253, 231, 37]);
  assertEquals(viridis(-3), viridis(0));
  assertEquals(viridis(7), viridis(1));
  assertEquals(viridis(0.5), [33, 145, 140]);
  assertEquals(viridis(1 / 16), [70, 23, 104]); // half way between the first two of its colours
});

Deno.test("heatMaps() paints each cell in its value's colour on one scale for all maps", async () => {
  const figure = heatMaps([
    { title: "one", values: [0, 1, 2, 3], grid: [2, 2] },
    { title: "two", values: [4, 4, 0, 0, 2, 2], grid: [3, 2] },
  ]);
  const { images } = figure.layout as unknown as { images: { source: string; sizex: number; sizey: number }[] };
  assertEquals(images.length, 3); // two maps and the scale
  const { pixels, width } = await decodePngUri(images[0].source);
  const at = (x: number, y: number) => Array.from(pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
  const half = width / 2;
  assertEquals([at(0, 0), at(half, 0)], [viridis(0), viridis(1 / 4)]);
  assertEquals([at(half - 1, half), at(width - 1, width - 1)], [viridis(2 / 4), viridis(3 / 4)]);
  assertEquals(images[1].sizey, 1.5 * images[1].sizex); // cells stay square
  const svg = await figureToSvg(figure);
  for (const text of [">one<", ">two<", ">4<", ">0<"]) assertStringIncludes(svg, text);
});

Deno.test("heatMaps() writes names beside rows and below columns, and keeps to a range that is given", async () => {
  const figure = heatMaps([{ title: "Confusion", values: [0.9, 0.1, 0.2, 0.8], grid: [2, 2] }], {
    names: ["cat", "dog"],
    range: [0, 1],
    format: (value) => `${100 * value} %`,
  });
  const svg = await figureToSvg(figure);
  assertEquals(svg.match(/>cat</g)!.length, 2);
  assertStringIncludes(svg, ">100 %<");
});

Deno.test("heatMaps() takes large maps, and paints none much larger than it has to be", async () => {
  const values = Float32Array.from({ length: 500 * 500 }, (_, i) => i);
  const { layout } = heatMaps([{ title: "large", values, grid: [500, 500] }]);
  const { images, annotations } = layout as unknown as {
    images: { source: string }[];
    annotations: { text: string }[];
  };
  assertEquals(annotations.map(({ text }) => text), ["<b>large</b>", "250000", "0"]);
  const sizes = await Promise.all(images.map(async ({ source }) => {
    const { width, height } = await decodePngUri(source);
    return [width, height];
  }));
  assertEquals(sizes, [[500, 500], [4, 256]]);
});

Deno.test("heatMaps() refuses maps of another size or with numbers that are none", () => {
  assertThrows(() => heatMaps([]), RangeError, "at least one map");
  const wrong = { title: "short", values: [1, 2, 3], grid: [2, 2] } as const;
  assertThrows(() => heatMaps([wrong]), RangeError, "short");
  assertThrows(() => heatMaps([{ ...wrong, values: [1, 2, 3, NaN] }]), RangeError, "finite");
  const narrow = { title: "narrow", values: [1, 2, 3, 4, 5, 6], grid: [3, 2] } as const;
  for (const names of [["a", "b", "c"], ["a", "b"], ["a"]]) {
    assertThrows(() => heatMaps([narrow], { names }), RangeError, `${names.length} names do not fit the map "narrow"`);
  }
  assert(heatMaps([{ title: "flat", values: [1, 1], grid: [1, 2] }])); // a range of nothing is no division by zero
});
