import { assert, assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { type Box, squareOf } from "../../../lib/datasets/pixels/crop.ts";
import { decodeCut } from "../../../lib/datasets/pixels/decode.ts";
import {
  BLACK_IS_ZERO,
  jpegWithProfile,
  png,
  SEPARATED,
  tiff,
  TIFF_RGB,
  TIFF_YCBCR,
  type Values,
  webp,
  WHITE_IS_ZERO,
} from "../fixtures/image_files.ts";
import fixture from "../fixtures/image_colours.json" with { type: "json" };

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

type Space = "rgb" | "grey" | "cmyk";
const { block: BLOCK, alpha: ALPHA, expected: EXPECTED } = fixture;
const PROFILES: Record<string, Uint8Array | undefined> = {
  none: undefined,
  ...Object.fromEntries(Object.entries(fixture.profiles).map(([name, base64]) => [name, bytesOf(base64)])),
};
/** The eight colours of each kind, one number for each channel. */
const COLOURS: Record<Space, number[][]> = { ...fixture.colours, grey: fixture.colours.grey.map((value) => [value]) };

/** Those to try with CMYK, of which each that does not fit takes as long as reading libvips's own press. */
const CMYK_PROFILES = ["none", "sRGB", "CMYK by tables", "cut short"];

/** What littlecms makes of the colours by a profile; of one that is damaged or of other channels nothing. */
function expectedOf(space: Space, profile: string): number[][] {
  const own: Record<string, number[][]> = EXPECTED[space];
  if (space === "cmyk") return own[profile] ?? own.none;
  return own[profile] ?? COLOURS[space].map((colour) => colour.length === 3 ? colour : Array(3).fill(colour[0]));
}

const onWhite = (colours: number[][]) =>
  colours.map((colour, i) => colour.map((value) => Math.round(255 + (value - 255) * ALPHA[i] / 255)));

/** A row of square blocks, each of one colour. */
function blocks(colours: readonly number[][], bits = 8): Values {
  const row = colours.flatMap((colour) => Array.from({ length: BLOCK }, () => colour)).flat();
  return {
    values: Array.from({ length: BLOCK }, () => row).flat(),
    width: BLOCK * colours.length,
    channels: colours[0].length,
    bits,
  };
}

/** The colours in the middle of an image's blocks, shrunk to half. */
async function shrunk(file: Uint8Array): Promise<number[][]> {
  let count = 0;
  const side = BLOCK / 2;
  const pixels = await decodeCut(file, (width, height) => {
    count = width / height;
    const half = { x: 0, y: 0, width: width / 2, height: height / 2 };
    return { ...half, box: { x: 0, y: 0, width, height }, window: half, interpolation: "bicubic" };
  });
  return Array.from({ length: count }, (_, i) => {
    const at = 3 * (side * count * side / 2 + i * side + side / 2);
    return [...pixels.slice(at, at + 3)];
  });
}

const farthest = (a: number[][], b: number[][]) =>
  Math.max(...a.flatMap((colour, i) => colour.map((value, c) => Math.abs(value - b[i][c]))));

async function assertColours(file: Uint8Array, expected: number[][], tolerance: number, what: string) {
  const actual = await shrunk(file);
  assertEquals(actual.length, expected.length);
  const distance = farthest(actual, expected);
  assert(distance <= tolerance, `${what}: ${distance} of 255 away: ${JSON.stringify(actual)}`);
}

/** A kind of file: its colours' space, and the file with a profile. */
interface Kind {
  space: Space;
  file: (icc: Uint8Array | undefined) => Uint8Array | Promise<Uint8Array>;
  alpha?: boolean;
  /** Values that a lossy format has moved by 1 before the profile is applied. Default false. */
  lossy?: boolean;
}

const withAlpha = (colours: number[][]) => colours.map((colour, i) => [...colour, ALPHA[i]]);
const premultiplied = (colours: number[][]) =>
  colours.map((colour, i) => [...colour.map((value) => Math.round(value * ALPHA[i] / 255)), ALPHA[i]]);
/** 8-bit values as the same of 16 bits. */
const deep = (colours: number[][]) => colours.map((colour) => colour.map((value) => 257 * value));
const indices = COLOURS.rgb.map((_, i) => [i]), palette = { PLTE: COLOURS.rgb.flat() };

async function jpeg(colours: number[][]): Promise<Uint8Array> {
  const { values, width, channels } = blocks(colours);
  const raw = { width, height: BLOCK, channels: channels as 1 | 3 };
  const image = sharp(Uint8Array.from(values), { raw }).toColourspace(channels === 1 ? "b-w" : "srgb");
  return await image.jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
}

const { rgb, grey, cmyk } = COLOURS;
const KINDS: Record<string, Kind> = {
  "8-bit grey PNG": { space: "grey", file: (icc) => png(blocks(grey), 0, icc) },
  "16-bit grey PNG": { space: "grey", file: (icc) => png(blocks(deep(grey), 16), 0, icc) },
  "8-bit grey PNG with alpha": { space: "grey", alpha: true, file: (icc) => png(blocks(withAlpha(grey)), 4, icc) },
  "16-bit grey PNG with alpha": {
    space: "grey",
    alpha: true,
    file: (icc) => png(blocks(deep(withAlpha(grey)), 16), 4, icc),
  },
  "8-bit RGB PNG": { space: "rgb", file: (icc) => png(blocks(rgb), 2, icc) },
  "16-bit RGB PNG": { space: "rgb", file: (icc) => png(blocks(deep(rgb), 16), 2, icc) },
  "8-bit RGB PNG with alpha": { space: "rgb", alpha: true, file: (icc) => png(blocks(withAlpha(rgb)), 6, icc) },
  "16-bit RGB PNG with alpha": {
    space: "rgb",
    alpha: true,
    file: (icc) => png(blocks(deep(withAlpha(rgb)), 16), 6, icc),
  },
  "4-bit palette PNG": { space: "rgb", file: (icc) => png(blocks(indices, 4), 3, icc, palette) },
  "palette PNG with transparency": {
    space: "rgb",
    alpha: true,
    file: (icc) => png(blocks(indices), 3, icc, { ...palette, tRNS: ALPHA }),
  },
  "RGB JPEG": { space: "rgb", lossy: true, file: async (icc) => jpegWithProfile(await jpeg(rgb), icc) },
  "grey JPEG": { space: "grey", file: async (icc) => jpegWithProfile(await jpeg(grey), icc) },
  "CMYK JPEG": { space: "cmyk", lossy: true, file: (icc) => jpegWithProfile(bytesOf(fixture.files["CMYK JPEG"]), icc) },
  "YCCK JPEG": { space: "cmyk", lossy: true, file: (icc) => jpegWithProfile(bytesOf(fixture.files["YCCK JPEG"]), icc) },
  "RGB WebP": { space: "rgb", file: (icc) => webp(blocks(rgb), icc) },
  "RGB WebP with alpha": { space: "rgb", alpha: true, file: (icc) => webp(blocks(withAlpha(rgb)), icc) },
};
for (const bits of [8, 16]) {
  const as = bits === 8 ? (colours: number[][]) => colours : deep;
  const row = (colours: number[][]) => blocks(as(colours), bits);
  Object.assign(
    KINDS,
    {
      [`${bits}-bit grey TIFF`]: { space: "grey", file: (icc) => tiff(row(grey), BLACK_IS_ZERO, { icc }) },
      [`${bits}-bit grey TIFF whose 0 is white`]: {
        space: "grey",
        file: (icc) => tiff(row(grey.map(([value]) => [255 - value])), WHITE_IS_ZERO, { icc }),
      },
      [`${bits}-bit grey TIFF with alpha`]: {
        space: "grey",
        alpha: true,
        file: (icc) => tiff(row(withAlpha(grey)), BLACK_IS_ZERO, { icc, extra: 2 }),
      },
      [`${bits}-bit RGB TIFF`]: { space: "rgb", file: (icc) => tiff(row(rgb), TIFF_RGB, { icc }) },
      [`${bits}-bit RGB TIFF with alpha`]: {
        space: "rgb",
        alpha: true,
        file: (icc) => tiff(row(withAlpha(rgb)), TIFF_RGB, { icc, extra: 2 }),
      },
      [`${bits}-bit RGB TIFF multiplied by its alpha`]: {
        space: "rgb",
        alpha: true,
        lossy: true,
        file: (icc) => tiff(row(premultiplied(rgb)), TIFF_RGB, { icc, extra: 1 }),
      },
      [`${bits}-bit CMYK TIFF`]: { space: "cmyk", file: (icc) => tiff(row(cmyk), SEPARATED, { icc }) },
    } satisfies Record<string, Kind>,
  );
}

for (const [kind, { space, file, alpha, lossy }] of Object.entries(KINDS)) {
  Deno.test(`decodeCut() shows a ${kind} as littlecms converts it, on white, whatever the profile`, async () => {
    for (const [profile, icc] of Object.entries(PROFILES)) {
      if (space === "cmyk" && !CMYK_PROFILES.includes(profile)) continue;
      if (lossy && profile === "linear") continue; // It makes 13 of 1 near black.
      const colours = expectedOf(space, profile);
      const tolerance = lossy ? 3 : space === "cmyk" ? 2 : 1;
      await assertColours(await file(icc), alpha ? onWhite(colours) : colours, tolerance, profile);
    }
  });
}

Deno.test("decodeCut() shows grey PNGs of 1, 2 and 4 bits by their profiles", async () => {
  for (const [profile, icc] of Object.entries(PROFILES)) {
    const tone = new Map(COLOURS.grey.map(([value], i) => [value, expectedOf("grey", profile)[i]]));
    for (const [bits, shades] of [[1, [0, 255]], [2, [0, 85, 170, 255]], [4, [0, 17, 51, 136, 221, 255]]] as const) {
      const values = shades.map((shade) => [shade * (2 ** bits - 1) / 255]);
      const file = png(blocks(values, bits), 0, icc);
      await assertColours(file, shades.map((shade) => tone.get(shade)!), 1, `${bits} bits, ${profile}`);
    }
  }
});

Deno.test("decodeCut() shows GIFs and AVIFs of 8, 10 and 12 bits as they are", async () => {
  const plain = COLOURS.rgb, clear = plain.map((colour, i) => i === 3 ? [255, 255, 255] : colour);
  const expected: Record<string, number[][]> = {
    "GIF": plain,
    "GIF with transparency": clear,
    "AVIF": plain,
    "AVIF with alpha": onWhite(plain),
    "AVIF with alpha and Display P3": onWhite(expectedOf("rgb", "Display P3")),
    "AVIF of 10 bits": plain,
    "AVIF of 12 bits": plain,
  };
  const files: Record<string, string> = fixture.files;
  for (const [name, colours] of Object.entries(expected)) {
    await assertColours(bytesOf(files[name]), colours, name.startsWith("GIF") ? 0 : 3, name);
  }
});

Deno.test("decodeCut() keeps the shadows that only 16 bits have, and single transparent values", async () => {
  const { values, expected } = fixture.deepLinear;
  for (
    const file of [
      png(blocks(values, 16), 2, PROFILES.linear),
      tiff(blocks(values, 16), TIFF_RGB, { icc: PROFILES.linear }),
    ]
  ) await assertColours(file, expected, 1, "linear");
  const [first, ...rest] = values;
  const word = (value: number) => [value >> 8, value & 255];
  const keyed = png(blocks(values, 16), 2, PROFILES.linear, { tRNS: first.flatMap(word) });
  await assertColours(keyed, [[255, 255, 255], ...expected.slice(1)], 1, "a transparent colour");
  const shades = rest.map(([value]) => [value]);
  const grey = png(blocks(shades, 16), 0, undefined, { tRNS: word(shades[0][0]) });
  const rounded = shades.map(([value]) => Array(3).fill(Math.round(value / 257)));
  await assertColours(grey, [[255, 255, 255], ...rounded.slice(1)], 0, "a transparent grey");
});

Deno.test("decodeCut() knows the five formulas of an ICC profile's curve", async () => {
  for (const [kind, { icc, expected }] of fixture.greyByFormula.entries()) {
    const file = png(blocks(deep(COLOURS.grey), 16), 0, bytesOf(icc));
    await assertColours(file, expected, 1, `formula ${kind}`);
  }
});

Deno.test("decodeCut() cuts the same from 16 bits as from the same picture in 8", async () => {
  const width = 40, values = Array.from({ length: width * 30 * 3 }, (_, i) => (i * 7919 >> 4) & 255);
  const image: Values = { values, width, channels: 3, bits: 8 };
  const other = png({ ...image, values: values.map((value) => 257 * value), bits: 16 }, 2);
  const box: Box = { x: 5, y: 3, width: 30, height: 24 };
  for (const size of [10, 24, 50]) {
    const cut = () => squareOf(box, size);
    assertEquals(await decodeCut(other, cut), await decodeCut(png(image, 2), cut));
  }
});

Deno.test("decodeCut() turns all formats and depths by all orientations", async () => {
  const sixes = COLOURS.rgb.slice(2), width = 3 * BLOCK, height = 2 * BLOCK;
  const pixels = (max: number) =>
    Array.from({ length: width * height }, (_, i) => {
      const column = Math.floor(i % width / BLOCK), row = Math.floor(i / width / BLOCK);
      return sixes[3 * row + column].map((value) => value * max / 255);
    }).flat();
  const raw = { width, height, channels: 3 as const };
  for (const [orientation, places] of Object.entries(fixture.orientations)) {
    // A directory of one tag, 0x112, a short.
    const eXIf = [
      ...new TextEncoder().encode("II*\0"),
      8,
      0,
      0,
      0,
      1,
      0,
      0x12,
      1,
      3,
      0,
      1,
      0,
      0,
      0,
      +orientation,
      ...Array(7).fill(0),
    ];
    const image = sharp(Uint8Array.from(pixels(255)), { raw }).withMetadata({ orientation: Number(orientation) });
    const files: Record<string, [Uint8Array, tolerance: number]> = {
      PNG: [await image.clone().png().toBuffer(), 0],
      "16-bit PNG": [png({ values: pixels(65535), width, channels: 3, bits: 16 }, 2, undefined, { eXIf }), 0],
      JPEG: [await image.clone().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(), 2],
      TIFF: [await image.clone().tiff({ compression: "none" }).toBuffer(), 0],
      WebP: [await image.clone().webp({ lossless: true }).toBuffer(), 0],
      AVIF: [await image.clone().avif({ quality: 100, chromaSubsampling: "4:4:4", effort: 0 }).toBuffer(), 4],
    };
    for (const [format, [file, tolerance]] of Object.entries(files)) {
      let size = [0, 0];
      const seen = await decodeCut(file, (w, h) => {
        size = [w, h];
        const whole = { x: 0, y: 0, width: w, height: h };
        return { box: whole, width: w, height: h, window: whole, interpolation: "bicubic" };
      });
      assertEquals(size, [places[0].length * BLOCK, places.length * BLOCK], `${format}, ${orientation}`);
      const middle = (row: number, column: number) => {
        const at = 3 * ((row + 0.5) * BLOCK * size[0] + (column + 0.5) * BLOCK);
        return [...seen.slice(at, at + 3)];
      };
      const actual = places.flatMap((line, row) => line.map((_, column) => middle(row, column)));
      const distance = farthest(actual, places.flat().map((place) => sixes[place]));
      assert(distance <= tolerance, `${format}, orientation ${orientation}: ${distance} away`);
    }
  }
});

Deno.test("decodeCut() refuses what has no colours by any rule, and says what it is", async () => {
  const five = { values: Array(5 * 8 * 8).fill(100), width: 8, channels: 5, bits: 8 };
  const three = { values: Array(3 * 8 * 8).fill(0.5), width: 8, channels: 3, bits: 32 };
  const cases: [Uint8Array, RegExp][] = [
    [tiff(three, TIFF_RGB, { format: 3 }), /^its values are of type float, and nothing says which is white/],
    [tiff({ ...three, channels: 1 }, BLACK_IS_ZERO, { format: 3 }), /^its values are of type float/],
    [
      tiff(five, BLACK_IS_ZERO),
      /^its 5 channels are no grey, RGB, CMYK or CIELAB: save it as one of these, or have its bands read as /,
    ],
    [
      tiff({ ...five, channels: 3, values: five.values.slice(0, 192) }, TIFF_YCBCR),
      /^it is a TIFF of YCbCr that is not/,
    ],
  ];
  for (const [file, message] of cases) {
    for (const colours of ["managed", "pillow"] as const) {
      const cut = () => squareOf({ x: 0, y: 0, width: 8, height: 8 }, 4);
      const error = await assertRejects(() => decodeCut(file, cut, colours), Error);
      assert(message.test(error.message), error.message);
    }
  }
});
