import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { cutPacked } from "../../../lib/datasets/packed/cut_packed.ts";
import type { CropView } from "../../../lib/datasets/dataset.ts";
import { decodeCuts, type ImageColours } from "../../../lib/datasets/pixels/decode.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { readSquares, sharedReaders, startReaders } from "../../../lib/datasets/readers/readers.ts";
import { cutsOf, sizesOf, type Wanted } from "../../../lib/datasets/readers/wanted.ts";
import { context } from "../../../lib/tensorflow/ops/eager.ts";
import { library } from "../../../lib/tensorflow/libraries/library.ts";
import { withFolder } from "../../with_folder.ts";

// Here, for it stays open, which the resource sanitizer would hold against a test.
library();

const VIEWS: CropView[] = [
  { size: 16, crop: { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] }, key: { seed: 3, epoch: 0 } },
  { size: 8, crop: { scale: [0.05, 0.3], aspect: [1, 1] }, key: { seed: -4, epoch: 2 } },
];

/** JPEGs and PNGs, one of each in four damaged, and the last one in the middle of another file. */
async function write(dir: string) {
  const noise = Uint8Array.from({ length: 3 * 40 * 30 }, (_, i) => (i * 7919) >> 4);
  const picture = () => sharp(noise, { raw: { width: 40, height: 30, channels: 3 } });
  const files = [await picture().jpeg().toBuffer(), await picture().png().toBuffer()].map((file) =>
    new Uint8Array(file)
  );
  const images = [];
  for (let index = 0; index < 40; index++) {
    const file = files[index % 2], path = join(dir, `${index}`), part = index === 39;
    const bytes = index % 8 < 2 ? file.slice(0, 200) : part ? Uint8Array.of(1, 2, 3, ...file, 4, 5) : file;
    await Deno.writeFile(path, bytes);
    images.push({ index, place: part ? { path, offset: 3, length: file.length } : { path }, file });
  }
  return images;
}

for (const engine of [false, true]) {
  Deno.test(`threads give the squares that this one does, and leave it what cannot be read, ${engine ? "with" : "without"} TensorFlow`, () =>
    withFolder(async (dir) => {
      if (engine) context();
      const images = await write(dir), readers = startReaders(2);
      const places = images.map(({ index, place }) => ({ index, place }));
      try {
        for (const wanted of [{ views: VIEWS }, { framing: { ...defaultPreprocessing(12), resize: 14 } }] as Wanted[]) {
          for (const colours of ["managed", "pillow"] as ImageColours[]) {
            const bytes = sizesOf(wanted).map((size) => size * size * 3);
            const batches = bytes.map((square) => new Uint8Array(40 * square));
            const left = await readSquares(readers, places, wanted, colours, batches);
            assertEquals(left, Array.from({ length: 10 }, (_, i) => 8 * (i >> 1) + i % 2));
            for (const [i, { index, file }] of images.entries()) {
              const cuts = left.includes(i)
                ? []
                : await decodeCuts(file, (w, h) => cutsOf(wanted, index, w, h), colours);
              cuts.forEach((cut, view) => {
                assertEquals(batches[view].slice(i * bytes[view], (i + 1) * bytes[view]), cut, `image ${i}`);
              });
            }
          }
        }
      } finally {
        await readers.stop();
      }
    }));
}

Deno.test("threads give what this one does of packed images, and leave it those that are damaged", () =>
  withFolder(async (dir) => {
    const packed = { width: 40, height: 30, packedWidth: 20, packedHeight: 15 }, length = 20 * 15 * 3;
    const pixels = Uint8Array.from({ length: 3 * length }, (_, i) => (i * 7919) >> 4), path = join(dir, "pixels");
    await Deno.writeFile(path, pixels);
    const images = [0, 1, 2].map((index) => {
      const offset = index * length, checksum = (crc32(pixels.subarray(offset, offset + length)) | 0) + +(index === 1);
      return { index, place: { path, offset, length, packed: { ...packed, checksum } } };
    });
    const readers = startReaders(1), batches = [new Uint8Array(3 * 16 * 16 * 3)], wanted = { views: VIEWS.slice(0, 1) };
    assertEquals(await readSquares(readers, images, wanted, "managed", batches), [1]);
    const { offset, packed: size } = images[2].place;
    const own = cutPacked(pixels.slice(offset), size, (w, h) => cutsOf(wanted, 2, w, h));
    assertEquals(batches[0].slice(2 * 16 * 16 * 3), own![0]);
    await readers.stop();
  }));

Deno.test("where threads stop, all that was asked of them is left to the caller", () =>
  withFolder(async (dir) => {
    const images = await write(dir), readers = startReaders(1);
    const wanted = { views: VIEWS.slice(0, 1) }, batches = [new Uint8Array(40 * 16 * 16 * 3)];
    // A request that is none ends the thread, as running out of memory would.
    await assertRejects(() => readers.read({ images: undefined as never, wanted, colours: "managed" }));
    const places = images.map(({ index, place }) => ({ index, place }));
    assertEquals(await readSquares(readers, places, wanted, "managed", batches), images.map((_, i) => i));
    await readers.stop();
  }));

Deno.test("few images, and few cores, have no threads", () => {
  assertEquals(sharedReaders(100, 64), undefined);
  assertEquals(sharedReaders(100_000, 2), undefined);
  const readers = sharedReaders(1, 3);
  assert(readers !== undefined && readers.count === 3);
  assert(sharedReaders(1, 3) === readers);
  return readers.stop();
});
