import { assert, assertEquals, assertRejects } from "@std/assert";
import { cutBands } from "../../../../lib/datasets/pixels/bands/bands.ts";
import { falseColours } from "../../../../lib/datasets/pixels/bands/false_colours.ts";
import { resampleBands } from "../../../../lib/datasets/pixels/bands/resample_bands.ts";
import type { Interpolation } from "../../../../lib/datasets/pixels/crop.ts";
import resized from "./fixtures/resized.json" with { type: "json" };

/** Written by fixtures/bands.py. */
const read = (name: string) => Deno.readFile(new URL(`fixtures/${name}`, import.meta.url));

const WIDTH = 7, HEIGHT = 9;
const SCALES: Record<string, number> = { uint8: 1, uint16: 100, int16: -50, float32: 1 };

/** The pixels of a box as they are. */
const boxOf = (x: number, y: number, width: number, height: number) => ({
  ...{ box: { x, y, width, height }, width, height, window: { x: 0, y: 0, width, height } },
  interpolation: "bicubic" as const,
});

Deno.test("cutBands() reads the numbers of TIFFs and arrays as Python has written them, whole and a part", async () => {
  const names = [
    ...["uint16x5.tif", "uint8x10_deflate.tif", "float32x4_planes.tif", "uint16x2_tiles_big_endian.tif", "int16x1.tif"],
    ...["uint8x4_rgb.tif", "uint8x4.npy", "uint16x4_fortran.npy", "float32x4_big_endian.npy", "uint8x1.npy"],
    ...["uint16x1.png", "uint8x1.png"],
  ];
  for (const name of names) {
    const [, type, digits] = /^([a-z]+\d+)x(\d+)/.exec(name)!, channels = Number(digits);
    const value = (x: number, y: number, channel: number) =>
      (7 * y + 3 * x + 20 * channel + (type === "float32" ? 0.25 : 0)) * SCALES[type] + 0; // not -0
    const cuts = await cutBands(
      await read(name),
      (width, height) => {
        assertEquals([width, height], [WIDTH, HEIGHT]);
        return [boxOf(0, 0, width, height), boxOf(2, 3, 4, 5)];
      },
      channels,
    );
    for (const [cut, [x, y, width]] of [[cuts[0], [0, 0, WIDTH]], [cuts[1], [2, 3, 4]]] as const) {
      cut.forEach((number, i) => {
        const pixel = Math.floor(i / channels);
        assertEquals(number, value(x + pixel % width, y + Math.floor(pixel / width), i % channels), `${name}, ${i}`);
      });
    }
    assertEquals([cuts[0].length, cuts[1].length], [WIDTH * HEIGHT * channels, 20 * channels]);
  }
});

Deno.test("cutBands() says of a file that it cannot take what is wrong with it", async () => {
  const whole = (width: number, height: number) => [boxOf(0, 0, width, height)];
  const cases: [Uint8Array, number, RegExp][] = [
    [await read("uint16x5.tif"), 4, /^it has 5 channel\(s\), and images of 4 are wanted$/],
    [await read("gap.npy"), 4, /^its pixel at column 3, row 2, channel 1 is NaN: fill such gaps$/],
    [(await read("uint8x4.npy")).subarray(0, 300), 4, /^shape \[9,7,4\] takes 252 bytes, but the file has 172$/],
    [(await read("uint8x4.npy")).subarray(0, 100), 4, /^its header is cut short$/],
    [
      (await read("uint8x4.npy")).map((byte, i) => i === 22 ? 99 : byte),
      4,
      /^its numbers are \|c1, which is none of u1, /,
    ],
  ];
  for (const [file, channels, wanted] of cases) {
    const { message } = await assertRejects(() => cutBands(file, whole, channels), Error);
    assert(wanted.test(message), message);
  }
});

Deno.test("resampleBands() gives the numbers of Pillow's mode F, of each channel by itself", () => {
  const { image } = resized, channels = 3, shift = [0, 500, -2000];
  const data = Float32Array.from(
    { length: image.length * channels },
    (_, i) => image[Math.floor(i / channels)] + shift[i % channels],
  );
  for (const [name, expected] of Object.entries(resized.resized)) {
    const [, interpolation, width, height] = /^(\w+) (\d+)x(\d+)$/.exec(name)!;
    const out = resampleBands({ data, width: 13, channels }, {
      ...boxOf(2, 1, 10, 11),
      ...{ width: Number(width), height: Number(height), interpolation: interpolation as Interpolation },
      window: { x: 1, y: 2, width: 3, height: 3 },
    });
    out.forEach((value, i) => {
      const pixel = Math.floor(i / channels), at = (2 + Math.floor(pixel / 3)) * Number(width) + 1 + pixel % 3;
      const difference = Math.abs(value - expected[at] - shift[i % channels]);
      assert(difference < 1e-3, `${name}, ${i}: ${difference}`);
    });
    assertEquals(out.length, 27);
  }
});

Deno.test("falseColours() shows three bands from two deviations below their mean to two above, one band as grey", () => {
  const four = Float32Array.of(0, 5, 10, 99, 2, 5, 30, 99); // [2, 4]: means 1, 5, 20, deviations 1, 0, 10
  assertEquals([...falseColours(four, 4)], [64, 128, 64, 191, 128, 191]);
  assertEquals([...falseColours(Float32Array.of(0, 2), 1)], [64, 64, 64, 191, 191, 191]);
  assertEquals([...falseColours(Uint8Array.of(1, 2, 3), 3)], [1, 2, 3]);
});
