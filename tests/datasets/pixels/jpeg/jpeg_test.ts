import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { type Box, type Cut, squareOf } from "../../../../lib/datasets/pixels/crop.ts";
import { decodeCut, decodeCuts } from "../../../../lib/datasets/pixels/decode.ts";
import { engineDecodes, engineJpegPart } from "../../../../lib/datasets/pixels/jpeg/engine_jpeg.ts";
import { readJpegHeader } from "../../../../lib/datasets/pixels/jpeg/jpeg_header.ts";
import { library } from "../../../../lib/tensorflow/libraries/library.ts";
import { context, isStarted, liveHandles } from "../../../../lib/tensorflow/ops/eager.ts";
import fixture from "../../fixtures/jpeg_crops.json" with { type: "json" };
import colours from "../../fixtures/image_colours.json" with { type: "json" };
import { jpegWithProfile } from "../../fixtures/image_files.ts";

// Here, for it stays open, which the resource sanitizer would hold against a test.
library();

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const { width: WIDTH, height: HEIGHT } = fixture;
const FILES = Object.fromEntries(fixture.cases.map(({ name, file }) => [name, bytesOf(file)]));
const PLAIN = FILES["4:2:0"];

/** A file with a segment more behind its first marker. */
function withSegment(file: Uint8Array, marker: number, body: number[]): Uint8Array {
  const length = body.length + 2;
  return Uint8Array.of(...file.slice(0, 2), 0xff, marker, length >> 8, length & 255, ...body, ...file.slice(2));
}

/** EXIF with an orientation. */
const exif = (orientation: number) => [
  ...new TextEncoder().encode("Exif\0\0MM\0*"),
  ...[0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0],
];

/** A file whose first table of quantisation is gone: its header is plain. */
function withoutTables(file: Uint8Array): Uint8Array {
  const at = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xdb);
  return Uint8Array.of(...file.slice(0, at + 1), 0xfe, ...file.slice(at + 2)); // a comment
}

/** JPEGs that are read in different ways, which the engine must not be given or must read as sharp does. */
const ODD: Record<string, Uint8Array> = {
  ...FILES,
  "turned": withSegment(PLAIN, 0xe1, exif(6)),
  "upright by EXIF": withSegment(PLAIN, 0xe1, exif(1)),
  "damaged EXIF": withSegment(PLAIN, 0xe1, exif(6).slice(0, 20)),
  "profile": jpegWithProfile(PLAIN, bytesOf(colours.profiles["Display P3"])),
  "CMYK": bytesOf(colours.files["CMYK JPEG"]),
  "YCCK": bytesOf(colours.files["YCCK JPEG"]),
  "more behind its end": Uint8Array.of(...PLAIN, 0, 0, 0),
  "comment": withSegment(PLAIN, 0xfe, [1, 2, 3]),
};

const cutsOf = (width: number, height: number): Cut[] => [
  squareOf({ x: 0, y: 0, width, height }, 9),
  squareOf({ x: width >> 2, y: height >> 2, width: width >> 1, height: height >> 1 }, 5),
];

async function all(): Promise<Record<string, Uint8Array[]>> {
  const pixels: Record<string, Uint8Array[]> = {};
  for (const [name, file] of Object.entries(ODD)) {
    for (const colours of ["managed", "pillow"] as const) {
      pixels[`${name}, ${colours}`] = await decodeCuts(file, cutsOf, colours);
    }
  }
  return pixels;
}

for (const engine of [false, true]) {
  const by = engine ? "TensorFlow" : "sharp";
  let bySharp: Record<string, Uint8Array[]> | undefined;

  Deno.test(`crops of JPEGs have the bytes of Pillow's and torchvision's, decoded by ${by}`, async () => {
    if (engine) bySharp = await all();
    if (engine) context();
    assertEquals(isStarted(), engine);
    for (const { name, crops } of fixture.cases) {
      const cuts = crops.map(({ box, size, interpolation }): Cut => ({
        ...squareOf(box, size),
        interpolation: interpolation as Cut["interpolation"],
      }));
      const pixels = await decodeCuts(FILES[name], (width, height) => {
        assertEquals([width, height], [WIDTH, HEIGHT]);
        return cuts;
      });
      for (const [i, cut] of cuts.entries()) {
        assertEquals(pixels[i], bytesOf(crops[i].pixels), `${name}, ${cut.interpolation}`);
        assertEquals(await decodeCut(FILES[name], () => cut), pixels[i]);
      }
    }
    if (engine) assertEquals(await all(), bySharp);
  });

  Deno.test(`a damaged JPEG is refused in sharp's words where TensorFlow ${engine ? "runs" : "does not run"}`, async () => {
    const handles = liveHandles();
    const cut = (width: number, height: number) => squareOf({ x: 0, y: 0, width, height }, 4);
    const damaged: [Uint8Array, string][] = [
      [PLAIN.slice(0, PLAIN.length * 0.9), "VipsJpeg: premature end of JPEG image"],
      [PLAIN.slice(0, 300), "VipsJpeg: premature end of JPEG image"],
      [Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), "Input buffer has corrupt header"],
      [withoutTables(PLAIN), "VipsJpeg: "],
    ];
    for (const [file, sentence] of damaged) await assertRejects(() => decodeCut(file, cut), Error, sentence);
    assertEquals(liveHandles(), handles);
  });
}

Deno.test("TensorFlow decodes a part of a JPEG to the bytes of the whole, wherever it lies", async () => {
  context();
  const whole: Box = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  for (const [name, file] of Object.entries(FILES)) {
    const header = readJpegHeader(file)!;
    assert(engineDecodes(header), name);
    const pixels = await engineJpegPart(file, header, whole, ({ data, ...place }) => {
      assertEquals(place, whole);
      return data.slice();
    });
    for (let i = 0; i < 60; i++) {
      const x = i * 7 % WIDTH, y = i * 5 % HEIGHT;
      const box = { x, y, width: 1 + i * 11 % (WIDTH - x), height: 1 + i * 13 % (HEIGHT - y) };
      await engineJpegPart(file, header, box, (part) => {
        for (let row = box.y; row < box.y + box.height; row++) {
          const from = ((row - part.y) * part.width + box.x - part.x) * 3, at = (row * WIDTH + box.x) * 3;
          assertEquals(part.data.slice(from, from + 3 * box.width), pixels!.slice(at, at + 3 * box.width), name);
        }
      });
    }
  }
});

Deno.test("TensorFlow keeps nothing of the JPEGs that it has decoded", async () => {
  context();
  const comment = withSegment(PLAIN, 0xfe, Array(65_000).fill(0)).slice(2, 2 - PLAIN.length);
  const large = Buffer.concat([PLAIN.slice(0, 2), ...Array(64).fill(comment), PLAIN.slice(2)]); // 4 MB
  const header = readJpegHeader(large)!, before = Deno.memoryUsage().rss;
  assert(engineDecodes(header));
  for (let i = 0; i < 150; i++) {
    await engineJpegPart(large, header, { x: 0, y: 0, width: 8, height: 8 }, ({ data }) => assert(data.length > 0));
  }
  const grown = Deno.memoryUsage().rss - before;
  assert(grown < 20 * large.length, `${grown / large.length} of 150 files are still there`);
});

Deno.test("readJpegHeader() knows what is plain, and takes nothing else for it", async () => {
  const plain = { width: WIDTH, height: HEIGHT, channels: 3, profile: false, orientation: 1 };
  assertEquals(readJpegHeader(PLAIN), plain);
  assertEquals(readJpegHeader(FILES["4:2:0, progressive"]), plain);
  assertEquals(readJpegHeader(FILES.grey), { ...plain, channels: 1 });
  assertEquals(readJpegHeader(ODD.turned), { ...plain, orientation: 6 });
  assertEquals(readJpegHeader(ODD["upright by EXIF"]), plain);
  assertEquals(readJpegHeader(ODD.profile), { ...plain, profile: true });
  assertEquals(readJpegHeader(ODD.CMYK)?.channels, 4);
  const sixteenth = PLAIN.slice();
  sixteenth[PLAIN.findIndex((byte, i) => byte === 0xff && PLAIN[i + 1] === 0xc0) + 4] = 12;
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } }).png().toBuffer();
  const none = [ODD["damaged EXIF"], ODD["more behind its end"], sixteenth, png, new Uint8Array(0), PLAIN.slice(0, 9)];
  for (const file of none) assertEquals(readJpegHeader(file), undefined);
  for (let length = 0; length < PLAIN.length; length += 7) {
    assertEquals(readJpegHeader(PLAIN.slice(0, length)), undefined);
  }
});
