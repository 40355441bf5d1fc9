import { assertEquals, assertThrows } from "@std/assert";
import {
  interpolationFigure,
  type Pictures,
  predictionsFigure,
  samplesFigure,
} from "../../../lib/figures/pictures/decoding_figures.ts";
import type { Figure } from "../../../lib/figures/figure.ts";
import { multiBlock } from "../../../lib/jepa/mask_samplers/multi_block.ts";
import { randomStream } from "../../../lib/random.ts";

/** Pictures of one grey each. */
const greys = (count: number, size: number, from = 0): Pictures => ({
  size,
  pixels: Uint8Array.from({ length: count * size * size * 3 }, (_, i) => from + Math.floor(i / (size * size * 3))),
});

const columns = ({ layout }: Figure) => (layout.annotations as { text: string }[]).map(({ text }) => text.slice(3, -4));
const sources = ({ layout }: Figure) => (layout.images as { source: string }[]).map(({ source }) => source);
const shapes = ({ layout }: Figure) => (layout.shapes as unknown[]).length;

Deno.test("samplesFigure() has a row for each image, with what is given beside it", () => {
  const images = greys(2, 8), samples = greys(6, 4, 10);
  assertEquals(columns(samplesFigure(images, samples)), ["Image", "Sample 1", "Sample 2", "Sample 3"]);
  const decoded = greys(2, 8, 30),
    neighbours = greys(4, 8, 50),
    figure = samplesFigure(images, samples, { decoded, neighbours });
  const groups = ["Sample 1", "Sample 2", "Sample 3", "Neighbour 1", "Neighbour 2"];
  assertEquals(columns(figure), ["Image", "Patches", ...groups]);
  const alone = (size: number, grey: number) => sources(samplesFigure(greys(1, size, grey), greys(1, 4)))[0];
  const expected = [[8, 0], [8, 30], [4, 10], [4, 11], [4, 12], [8, 50], [8, 51]];
  const second = [[8, 1], [8, 31], [4, 13], [4, 14], [4, 15], [8, 52], [8, 53]];
  assertEquals(sources(figure), [...expected, ...second].map(([size, grey]) => alone(size, grey)));
  const uneven = () => samplesFigure(images, greys(5, 4));
  assertThrows(uneven, RangeError, '5 pictures "Sample" are not as many for each of 2 rows');
});

Deno.test("predictionsFigure() outlines the target block twice", () => {
  const grid = [8, 8] as const, masks = multiBlock({ grid })(2, randomStream(0));
  const figure = predictionsFigure(greys(2, 16), { grid, masks, block: 1 }, greys(2, 16));
  assertEquals(columns(figure), ["Target", "Context", "Sample 1"]);
  assertEquals([sources(figure).length, shapes(figure)], [6, 4]);
  const wrong = () => predictionsFigure(greys(1, 16), { grid, masks }, greys(2, 16));
  assertThrows(wrong, RangeError, "1 images have no masks for 2");
});

Deno.test("interpolationFigure() goes from each image to the next", () => {
  const figure = interpolationFigure(greys(3, 8), greys(6, 8, 10));
  assertEquals(columns(figure), ["From", "0 %", "50 %", "100 %", "To"]);
  assertEquals(sources(figure).length, 10);
  assertEquals(sources(figure)[4], sources(figure)[5]);
  assertThrows(() => interpolationFigure(greys(1, 8), greys(0, 8)), RangeError, "at least one row");
});
