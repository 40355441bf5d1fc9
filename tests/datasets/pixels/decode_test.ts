import { assert, assertEquals, assertRejects } from "@std/assert";
import sharp, { type Sharp } from "sharp";
import { type Box, squareOf } from "../../../lib/datasets/pixels/crop.ts";
import { decodeCut, decodeCuts } from "../../../lib/datasets/pixels/decode.ts";
import { centredCut, framingOf } from "../../../lib/datasets/pixels/preprocessing.ts";
import { resample } from "../../../lib/datasets/pixels/resampling/resample.ts";

const plain = (background: string, width = 12, height = 8) =>
  sharp({ create: { width, height, channels: 3, background } });
const red = (width?: number, height?: number) => plain("rgb(200,40,40)", width, height);
const raw16 = (channels: 1 | 3 | 4, value: number) =>
  sharp(new Uint16Array(12 * 8 * channels).fill(value), { raw: { width: 12, height: 8, channels } });
const decode = (file: Uint8Array, size = 4) => decodeCut(file, (w, h) => centredCut(w, h, framingOf(size)));
const decodeBox = (file: Uint8Array, size: number, box: Box) => decodeCut(file, () => squareOf(box, size));

/** Largest difference of a decoded image's pixels from one colour. */
async function distance(file: Uint8Array, colour: number[], size = 4): Promise<number> {
  const pixels = await decode(file, size);
  assertEquals(pixels.length, size * size * 3);
  return Math.max(...pixels.map((value, i) => Math.abs(value - colour[i % 3])));
}

const KINDS: [string, () => Sharp, number[], number][] = [
  ["PNG", () => red().png(), [200, 40, 40], 0],
  ["JPEG", () => red().jpeg({ quality: 95 }), [200, 40, 40], 4],
  ["WebP", () => red().webp({ lossless: true }), [200, 40, 40], 0],
  ["TIFF", () => red().tiff(), [200, 40, 40], 0],
  ["GIF", () => red().gif(), [200, 40, 40], 8],
  ["AVIF", () => red(64, 64).avif({ quality: 90 }), [200, 40, 40], 8],
  ["palette PNG", () => red().png({ palette: true }), [200, 40, 40], 4],
  ["grey JPEG", () => plain("rgb(97,97,97)").greyscale().jpeg({ quality: 95 }), [97, 97, 97], 2],
  ["grey 16-bit PNG", () => raw16(1, 0x8000).toColourspace("grey16").png(), [128, 128, 128], 1],
  ["RGB 16-bit PNG", () => raw16(3, 0x4000).toColourspace("rgb16").png(), [64, 64, 64], 1],
  ["CMYK JPEG", () => red().toColourspace("cmyk").jpeg({ quality: 95 }), [200, 40, 40], 25],
  ["transparent PNG", () => red().ensureAlpha(0).png(), [255, 255, 255], 0],
  ["half transparent PNG", () => red().ensureAlpha(0.5).png(), [227, 148, 148], 2],
  ["grey PNG with alpha", () => red().greyscale().ensureAlpha(0).png(), [255, 255, 255], 0],
  ["RGBA 16-bit PNG", () => raw16(4, 0).toColourspace("rgb16").png(), [255, 255, 255], 0],
];
for (const [name, image, colour, tolerance] of KINDS) {
  Deno.test(`decodeCut() makes 8-bit RGB of a ${name}, shrunk and enlarged`, async () => {
    const file = await image().toBuffer();
    for (const size of [4, 90]) {
      const d = await distance(file, colour, size);
      assert(d <= tolerance, `${d} away from the colour at size ${size}`);
    }
  });
}

Deno.test("decodeCut() turns an image upright before it cuts", async () => {
  // Orientation 6: stored lying, to be turned a quarter clockwise, so that the stored left edge is the upright top.
  const left = await red(4, 8).png().toBuffer();
  const lying = await sharp({ create: { width: 16, height: 8, channels: 3, background: "white" } })
    .composite([{ input: left, left: 0, top: 0 }]).withMetadata({ orientation: 6 }).png().toBuffer();
  const seen: number[] = [];
  const top = await decodeCut(lying, (width, height) => {
    seen.push(width, height);
    return squareOf({ x: 2, y: 0, width: 4, height: 4 }, 4);
  });
  assertEquals(seen, [8, 16]);
  assertEquals([...top.slice(0, 3)], [200, 40, 40]);
  assertEquals([...top.slice(-3)], [200, 40, 40]);
  assertEquals([...await decodeBox(lying, 4, { x: 2, y: 4, width: 4, height: 4 })].slice(-3), [
    255,
    255,
    255,
  ]);
});

Deno.test("decodeCut() gives the bytes of resample(), and decodeCuts() those of each cut alone", async () => {
  const width = 60, height = 50;
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    return 128 + 100 * Math.sin(x / 5 + (i % 3)) * Math.cos(y / 4);
  });
  const file = await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toBuffer();
  const boxes = [{ x: 7, y: 3, width: 41, height: 37 }, { x: 0, y: 20, width: 9, height: 30 }];
  const cuts = [20, 37, 39, 64].flatMap((size) => boxes.map((box) => squareOf(box, size)));
  const many = await decodeCuts(file, () => cuts);
  for (const [i, cut] of cuts.entries()) {
    const expected = new Uint8Array(cut.width * cut.height * 3);
    resample(pixels, width, cut, expected);
    assertEquals(await decodeCut(file, () => cut), expected);
    assertEquals(many[i], expected);
  }
});

Deno.test("decodeCut() refuses a file that is cut short, empty, or no image", async () => {
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) >> 3);
  const image = () => sharp(noise, { raw: { width: 64, height: 64, channels: 3 } });
  for (
    const file of [await image().jpeg().toBuffer(), await image().png().toBuffer(), await image().webp().toBuffer()]
  ) {
    await assertRejects(() => decode(file.subarray(0, file.length * 0.6)));
  }
  await assertRejects(() => decode(new Uint8Array(0)));
  await assertRejects(() => decode(new TextEncoder().encode("not an image")));
});
