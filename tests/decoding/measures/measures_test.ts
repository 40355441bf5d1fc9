import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { pixelDiversity, psnr, retrieve } from "../../../lib/decoding/measures/measures.ts";
import { randomStream } from "../../../lib/random.ts";

const random = randomStream(5);
const rows = (count: number, width: number) => Float32Array.from({ length: count * width }, () => random.normal());

Deno.test("retrieve() finds sources by their own features, and by noisy ones near the noise's rate", () => {
  const sources = rows(200, 8);
  assertEquals(retrieve(sources, sources, 8), { top1: 100, top5: 100 });
  assertEquals(retrieve(sources.map((x) => 3 * x), sources, 8).top1, 100);
  const noisy = retrieve(sources.map((x) => x + random.normal()), sources, 8);
  assert(noisy.top1 > 5 && noisy.top1 < 60 && noisy.top5 > noisy.top1, JSON.stringify(noisy));
});

Deno.test("retrieve() of unrelated features is chance, and of constant ones finds nothing", () => {
  const sources = rows(1000, 8), found = retrieve(rows(1000, 8), sources, 8);
  assert(found.top1 < 0.6 && found.top5 < 1.3, JSON.stringify(found)); // 0.1 and 0.5 expected
  const constant = retrieve(new Float32Array(8000).fill(1), sources, 8);
  assert(constant.top1 <= 0.1 && constant.top5 <= 0.5, JSON.stringify(constant));
  assertEquals(retrieve(rows(6, 2), new Float32Array(12), 2), { top1: 0, top5: 100 }); // all tied: rank 2.5 of 0 .. 5
});

Deno.test("retrieve() counts the nearest five", () => {
  // On a circle, a query turned past k neighbours has k sources nearer than its own.
  const turned = (by: number) =>
    Float32Array.from({ length: 40 }, (_, i) => (i % 2 ? Math.sin : Math.cos)(2 * Math.PI * ((i >> 1) + by) / 20));
  assertEquals(retrieve(turned(0.4), turned(0), 2), { top1: 100, top5: 100 });
  assertEquals(retrieve(turned(0.6), turned(0), 2), { top1: 0, top5: 100 });
  assertEquals(retrieve(turned(2.4), turned(0), 2), { top1: 0, top5: 100 }); // four are nearer
  assertEquals(retrieve(turned(2.6), turned(0), 2), { top1: 0, top5: 0 });
});

Deno.test("retrieve() refuses rows that do not match", () => {
  assertThrows(() => retrieve(rows(3, 2), rows(4, 2), 2), RangeError, "not as many rows of 2");
  assertThrows(() => retrieve(rows(0, 2), rows(0, 2), 2), RangeError, "not as many rows");
});

Deno.test("pixelDiversity() averages distances within groups alone", () => {
  const images = Uint8Array.of(0, 0, 51, 51, 200, 200, 200, 200); // pairs 0.2 and 0 apart
  assertAlmostEquals(pixelDiversity(images, 2, 2), 0.1, 1e-9);
  assertAlmostEquals(pixelDiversity(Uint8Array.of(0, 255, 255, 255), 2, 2), Math.SQRT1_2, 1e-9);
  assertThrows(() => pixelDiversity(images, 2, 3), RangeError, "4 images are no groups of 3");
  assertThrows(() => pixelDiversity(images, 2, 1), RangeError, "at least 2");
});

Deno.test("psnr() is that of a known error, averaged over images in dB", () => {
  const images = new Uint8Array(200).fill(100);
  const decoded = images.map((x, i) => i < 100 ? x + 1 : x - 10);
  const expected = (20 * Math.log10(255) + 20 * Math.log10(25.5)) / 2;
  assertAlmostEquals(psnr(decoded, images, 100), expected, 1e-9);
  assertEquals(psnr(images, images, 100), 100);
  assertThrows(() => psnr(images, images.subarray(1), 100), RangeError, "not as many images");
});
