import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { colourPixels, type Pixels } from "../../../lib/datasets/pixels/cut_image.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { mirror } from "../../../lib/datasets/pixels/geometric.ts";
import {
  encodedAtOnce,
  encodedSource,
  isMirrored,
  memorySource,
  pixelSource,
  type View,
  viewPixels,
} from "../../../lib/evaluation/features/layer_source.ts";
import { everyRow } from "../../../lib/evaluation/passes.ts";
import { randomStream } from "../../../lib/random.ts";

const random = randomStream(9);
const noise = (count: number, width: number, height: number) =>
  memoryDataset({
    name: "noise",
    classes: ["a", "b"],
    pixels: Uint8Array.from({ length: count * width * height * 3 }, () => random.integer(256)),
    width,
    height,
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  });

const PLAIN: View = {
  framing: { resize: [8, 8], crop: 8, interpolation: "bilinear" },
  mirrored: false,
  seed: 3,
};
const CROP = { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] } as { scale: [number, number]; aspect: [number, number] };

Deno.test("viewPixels() crops anew in each step, and mirrors half of the images", async () => {
  const dataset = noise(200, 12, 8), rows = everyRow(200), size = 8 * 8 * 3;
  const view = { ...PLAIN, crop: CROP, mirrored: true };
  const [first, again, next] = [
    await viewPixels(dataset, view, rows, 0),
    await viewPixels(dataset, view, rows, 0),
    await viewPixels(dataset, view, rows, 1),
  ];
  assertEquals(again, first);
  let mirrored = 0, changed = 0;
  const { pixels: crops } = await dataset.crops(rows, 8, CROP, { seed: 3, epoch: 0 });
  for (const row of rows) {
    const part = (pixels: Pixels) => colourPixels(pixels).slice(row * size, (row + 1) * size);
    const expected = isMirrored(view, 0, row) ? mirror(part(crops), 8) : part(crops);
    assertEquals(part(first), expected);
    mirrored += Number(isMirrored(view, 0, row));
    changed += Number(part(first).some((value, i) => value !== part(next)[i]));
  }
  assert(mirrored > 70 && mirrored < 130, `${mirrored} of 200`);
  assert(changed > 190, `${changed} of 200`);
});

Deno.test("viewPixels() of a picture that is whole holds what stands at its sides, of its middle alone not", async () => {
  // 24 x 16, as CLEVR's 480 x 320, black but for two white columns at the left.
  const pixels = Uint8Array.from({ length: 24 * 16 * 3 }, (_, i) => Math.floor(i / 3) % 24 < 2 ? 255 : 0);
  const picture = memoryDataset({ name: "", classes: ["a"], pixels, width: 24, height: 16, labels: Int32Array.of(0) });
  const brightest = async (resize: number | [number, number]) =>
    Math.max(
      ...await viewPixels(picture, { ...PLAIN, framing: { ...PLAIN.framing, resize } }, Uint32Array.of(0), 0),
    );
  assert(await brightest([8, 8]) > 100);
  assertEquals(await brightest(8), 0);
});

/** Sums of each image's pixels and of their squares. */
function countingEncoder() {
  const batches: number[] = [];
  return {
    batches,
    encode(pixels: Pixels) {
      const size = 8 * 8 * 3, count = pixels.length / size;
      batches.push(count);
      return Promise.resolve(Float32Array.from({ length: 2 * count }, (_, i) => {
        const own = colourPixels(pixels).subarray(Math.floor(i / 2) * size, (Math.floor(i / 2) + 1) * size);
        return i % 2
          ? own.reduce((sum, value, j) => sum + (j % 24 < 12 ? value : 0), 0)
          : own.reduce((a, b) => a + b, 0);
      }));
    },
  };
}

Deno.test("encodedSource() encodes each side of an image once where nothing is cropped, and gives what viewPixels() shows", async () => {
  const dataset = noise(300, 8, 8), encoder = countingEncoder(), view = { ...PLAIN, mirrored: true };
  const source = encodedSource(dataset, view, encoder, { width: 2, lastFour: false, atOnce: 100 });
  assertEquals([source.width, source.columns], [2, { last: [0, 2] }]);
  for (let step = 0; step < 12; step++) {
    const rows = Uint32Array.from({ length: 150 }, () => random.integer(300));
    const expected = await countingEncoder().encode(await viewPixels(dataset, view, rows, step));
    assertEquals(await source.read(rows, step), expected);
  }
  const encoded = encoder.batches.reduce((a, b) => a + b);
  assert(encoded <= 600 && encoded > 500, `${encoded} encoded`);
  assert(encoder.batches.every((count) => count <= 100));
});

Deno.test("encodedSource() encodes crops in every step, and tells the columns of the last of four layers", async () => {
  const encoder = countingEncoder();
  const source = encodedSource(noise(20, 8, 8), { ...PLAIN, crop: CROP }, encoder, {
    width: 2,
    lastFour: false,
    atOnce: 100,
  });
  for (const step of [0, 1, 2]) await source.read(everyRow(20), step);
  assertEquals(encoder.batches, [20, 20, 20]);
  const { columns } = encodedSource(noise(2, 8, 8), PLAIN, encoder, { width: 8, lastFour: true, atOnce: 100 });
  assertEquals(columns, { last: [6, 8], last4: [0, 8] });
});

Deno.test("encodedSource() refuses images without a label, and features that are no numbers", async () => {
  const encode = () => Promise.resolve(Float32Array.of(1, 2, 3, NaN));
  const source = encodedSource(noise(2, 8, 8), PLAIN, { encode }, { width: 2, lastFour: false, atOnce: 100 });
  await assertRejects(() => source.read(everyRow(2), 0), Error, "Image 1 of noise has features that are not finite");
  const unknown = { ...noise(2, 8, 8), labels: Int32Array.of(0, -1) };
  assertThrows(() => pixelSource(unknown, PLAIN), RangeError, "Image 1 of noise has no label");
});

Deno.test("pixelSource() and memorySource() give rows in the order asked for", async () => {
  const dataset = noise(3, 8, 8), { pixels } = await dataset.centred(Uint32Array.of(2, 0), PLAIN.framing);
  const values = await pixelSource(dataset, PLAIN).read(Uint32Array.of(2, 0), 5);
  assertEquals(values, Float32Array.from(pixels, (value) => value / 255));
  const features = (width: number, from: number) => ({
    values: Float32Array.from({ length: 3 * width }, (_, i) => from + i),
    width,
    labels: dataset.labels,
  });
  const source = memorySource({ last: features(1, 0), last4: features(2, 10) });
  assertEquals(source.columns, { last: [0, 1], last4: [1, 3] });
  assertEquals(await source.read(Uint32Array.of(2, 0), 7), Float32Array.of(2, 14, 15, 0, 10, 11));
});

Deno.test("encodedAtOnce() cuts batches evenly, in parts of at most 128", () => {
  assertEquals([1, 13, 128, 200, 640, 16384].map(encodedAtOnce), [1, 13, 128, 100, 128, 128]);
});
