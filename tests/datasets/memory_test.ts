import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { CropRange } from "../../lib/datasets/dataset.ts";
import { memoryDataset } from "../../lib/datasets/memory.ts";

const PAPER: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };

function fiveImages() {
  const pixels = Uint8Array.from({ length: 5 * 8 * 12 * 3 }, (_, i) => (i * 7919) >> 4);
  return memoryDataset({
    name: "five",
    classes: ["a", "b"],
    pixels,
    width: 12,
    height: 8,
    labels: Int32Array.of(0, 1, -1, 1, 0),
  });
}

Deno.test("memoryDataset() cuts the same crop of an image in any batch, and another one each epoch", async () => {
  const dataset = fiveImages();
  const crops = (indices: number[], epoch: number) =>
    dataset.crops(Uint32Array.from(indices), 6, PAPER, { seed: 3, epoch });
  const one = await crops([3], 0), many = await crops([1, 3, 4], 0);
  assertEquals(many.pixels.slice(108, 216), one.pixels);
  assertEquals(many.labels, Int32Array.of(1, 1, 0));
  assertNotEquals((await crops([3], 1)).pixels, one.pixels);
});

Deno.test("memoryDataset() resizes crops bicubically, or bilinearly where the range says so", async () => {
  // One row of two pixels, widened to four squares: bilinear weights are 3/4 and 1/4, bicubic ones overshoot.
  const pixels = Uint8Array.of(...[0, 0, 0, 200, 200, 200], ...[0, 0, 0, 200, 200, 200]);
  const dataset = memoryDataset({ name: "two", classes: [], pixels, width: 2, height: 2, labels: Int32Array.of(-1) });
  const whole: CropRange = { scale: [1, 1], aspect: [1, 1] }, key = { seed: 0, epoch: 0 };
  const row = async (crop: CropRange) => {
    const { pixels } = await dataset.crops(Uint32Array.of(0), 4, crop, key);
    return [0, 1, 2, 3].map((x) => pixels[3 * x]);
  };
  assertEquals(await row({ ...whole, interpolation: "bilinear" }), [0, 50, 150, 200]);
  const bicubic = await row(whole);
  assertEquals(await row({ ...whole, interpolation: "bicubic" }), bicubic);
  assertNotEquals(bicubic, [0, 50, 150, 200]);
});

Deno.test("memoryDataset() centres: the middle square of a wide image, unchanged at its own size", async () => {
  const pixels = new Uint8Array(4 * 2 * 3).map((_, i) => i);
  const dataset = memoryDataset({ name: "wide", classes: [], pixels, width: 4, height: 2, labels: Int32Array.of(-1) });
  const batch = await dataset.centred(Uint32Array.of(0), 2);
  assertEquals([...batch.pixels], [3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20]);
  assertEquals(batch.labels, Int32Array.of(-1));
});

Deno.test("memoryDataset() names what does not fit", async () => {
  const images = { name: "x", classes: ["a"], width: 2, height: 2 };
  assertThrows(
    () => memoryDataset({ ...images, pixels: new Uint8Array(12), labels: Int32Array.of(0, 0) }),
    RangeError,
    "x: 2 labels want 24 bytes of 2 x 2 RGB pixels; got 12.",
  );
  assertThrows(
    () => memoryDataset({ ...images, pixels: new Uint8Array(24), labels: Int32Array.of(0, 1) }),
    RangeError,
    "image 1 has label 1",
  );
  await assertRejects(() => fiveImages().centred(Uint32Array.of(5), 4), RangeError, "there is no image 5");
  await assertRejects(() => fiveImages().centred(Uint32Array.of(0), 0), RangeError, "size");
});
