import { assertEquals } from "@std/assert";
import { squareOf } from "../../../../lib/datasets/pixels/crop.ts";
import { resample } from "../../../../lib/datasets/pixels/resampling/resample.ts";
import fixture from "../../fixtures/pillow_bicubic.json" with { type: "json" };

/** The image of fixtures/pillow_bicubic.py. */
function formulaImage(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const c = i % 3, x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    return (x * 37 + y * 91 + c * 53 + x * y * 7 + x * x * c) % 256;
  });
}

for (const { box, size, base64 } of fixture.cases) {
  Deno.test(`resample() gives Pillow's bytes, ${box.width} x ${box.height} to ${size} x ${size}`, () => {
    const image = formulaImage(fixture.width, fixture.height);
    const out = new Uint8Array(size * size * 3);
    resample(image, fixture.width, squareOf(box, size), out);
    assertEquals([...out], [...Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]);
  });
}

Deno.test("resample() at the same size copies the box", () => {
  const image = formulaImage(24, 20);
  const out = new Uint8Array(12 * 12 * 3);
  resample(image, 24, squareOf({ x: 5, y: 7, width: 12, height: 12 }, 12), out);
  for (let y = 0; y < 12; y++) {
    const start = ((y + 7) * 24 + 5) * 3;
    assertEquals(out.subarray(y * 36, (y + 1) * 36), image.subarray(start, start + 36));
  }
});

Deno.test("resample() leaves pixels outside the box without influence", () => {
  const box = { x: 4, y: 4, width: 8, height: 8 };
  const grey = new Uint8Array(24 * 20 * 3).fill(255);
  for (let y = 4; y < 12; y++) grey.fill(100, (y * 24 + 4) * 3, (y * 24 + 12) * 3);
  const out = new Uint8Array(20 * 20 * 3);
  resample(grey, 24, squareOf(box, 20), out);
  assertEquals(out, new Uint8Array(20 * 20 * 3).fill(100));
});
