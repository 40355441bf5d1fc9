import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { colourPixels } from "../../../lib/datasets/pixels/cut_image.ts";
import { join } from "node:path";
import sharp from "sharp";
import { photoJpeg } from "../../../lib/commands/bench/bench_photos.ts";
import type { CropRange, CropView, Dataset } from "../../../lib/datasets/dataset.ts";
import { differenceOf, fingerprintOf } from "../../../lib/datasets/fingerprint.ts";
import { imageFiles } from "../../../lib/datasets/folders/image_files.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { packDataset } from "../../../lib/datasets/packed/pack_dataset.ts";
import { subsetOf } from "../../../lib/datasets/subset.ts";
import { withFolder } from "../../with_folder.ts";

const CROP: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] }, KEY = { seed: 3, epoch: 1 };
const ALL = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

const picture = (width: number, height: number, shift: number) => {
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    return 128 + 90 * Math.sin(x / 7 + shift) * Math.cos(y / 5 + i % 3);
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } }).png().toBuffer();
};

/** Sizes of pictures: small ones, and those that are shrunk. */
const SIZES = [[24, 20], [60, 45], [33, 80], [32, 32], [50, 40]];

/** 70 images as files, of which the reads are counted. */
async function manyFiles(onBadImage?: "skip") {
  const files = await Promise.all(SIZES.map(([width, height], i) => picture(width, height, i)));
  if (onBadImage) files[1] = files[1].subarray(0, 100);
  const length = 70, paths = Array.from({ length }, (_, i) => `${i}.png`), read: number[] = [];
  const list = { name: "many", classes: ["a", "b"], labels: Int32Array.from(paths, (_, i) => i % 2), paths };
  const dataset = imageFiles(
    { ...list, read: (i) => Promise.resolve((read.push(i), files[i % files.length])) },
    { onBadImage },
  );
  return { dataset, read };
}

/** The folder of the only packed set. */
const folderIn = (dir: string) => join(dir, [...Deno.readDirSync(dir)][0].name);
const filesIn = (folder: string) => ["pixels.u8", "table.i32"].map((name) => Deno.readFileSync(join(folder, name)));

Deno.test("packDataset() gives the bytes of files where nothing was shrunk, and where the shorter side is resized to its own", () =>
  withFolder(async (dir) => {
    const { dataset, read } = await manyFiles(), told: number[][] = [];
    const packed = await packDataset(dataset, { dir, side: 32, onProgress: (...args) => told.push(args) });
    assertEquals(told, [[64, 70], [70, 70]]);
    assertEquals(read.length, 70);
    assertEquals([packed.name, packed.length, packed.labels], [dataset.name, dataset.length, dataset.labels]);
    for (const resize of [32, 40]) {
      const framing = { resize, crop: 30, interpolation: "bicubic" } as const;
      const [ours, theirs] = [await packed.centred(ALL(70), framing), await dataset.centred(ALL(70), framing)];
      assertEquals(ours.labels, theirs.labels);
      if (resize === 32) assertEquals(ours, theirs);
      else assertNotEquals(ours, theirs);
    }
    const small = Uint32Array.of(0, 3, 65),
      views: CropView[] = [
        { size: 16, crop: CROP, key: KEY },
        { size: 8, crop: { ...CROP, scale: [0.05, 0.3] }, key: KEY },
      ];
    read.length = 0;
    const [ours, again] = [await packed.views!(small, views), await packed.crops(small, 16, CROP, KEY)];
    assertEquals(read, []);
    assertEquals(ours, await dataset.views!(small, views));
    assertEquals(again, ours[0]);
    // Kept, it is there without a file being read; of a part, the places are those of the whole.
    read.length = 0;
    const kept = await packDataset(dataset, { dir, side: 32 });
    assertEquals(await kept.views!(small, views), ours);
    assertEquals(
      await subsetOf(kept, small).views!(Uint32Array.of(1), views),
      await kept.views!(small.slice(1, 2), views),
    );
    assertEquals(read, []);
  }));

Deno.test("packDataset() goes on where it was cut off, to the same bytes", () =>
  withFolder(async (dir) => {
    const { dataset, read } = await manyFiles();
    await packDataset(dataset, { dir, side: 32 });
    const folder = folderIn(dir), whole = filesIn(folder);
    for (
      const [pixels, table, from] of [
        [1, 1, 64], // in the last images of a chunk: 64 are there by the table
        [0, 0, 0],
      ]
    ) {
      const [pixelsFile, tableFile] = ["pixels.u8", "table.i32"].map((name) => join(folder, name));
      await Deno.truncate(tableFile, table * (64 * 28 + 5));
      await Deno.truncate(pixelsFile, pixels * (whole[0].length - 3));
      read.length = 0;
      await packDataset(dataset, { dir, side: 32 });
      assertEquals(read.sort((a, b) => a - b), Array.from({ length: 70 - from }, (_, i) => from + i));
      assertEquals(filesIn(folder), whole);
    }
    // Pixels that the table speaks of, but which are not there, are made anew from the first one on.
    await Deno.truncate(join(folder, "pixels.u8"), whole[0].length / 2);
    await packDataset(dataset, { dir, side: 32 });
    assertEquals(filesIn(folder), whole);
    // Two at once: one makes it, the other waits for it.
    await Deno.remove(folder, { recursive: true });
    read.length = 0;
    await Promise.all([packDataset(dataset, { dir, side: 32 }), packDataset(dataset, { dir, side: 32 })]);
    assertEquals(read.length, 70);
    assertEquals(filesIn(folder), whole);
  }));

Deno.test("packDataset() holds images to their checksums, and says what to do where one is damaged", () =>
  withFolder(async (dir) => {
    const { dataset } = await manyFiles(), packed = await packDataset(dataset, { dir, side: 32 });
    const folder = folderIn(dir), path = join(folder, "pixels.u8"), bytes = await Deno.readFile(path);
    bytes[3 * 24 * 20 + 100]++; // in image 1
    await Deno.writeFile(path, bytes);
    await packed.centred(Uint32Array.of(0, 2), 16);
    const damaged = `${path} is damaged at image 1: delete ${folder} and it is made anew.`;
    await assertRejects(() => packed.centred(Uint32Array.of(1), 16), Error, damaged);
    await Deno.truncate(path, 3000);
    await assertRejects(() => packed.centred(Uint32Array.of(2), 16), Error, "is damaged at image 2");
  }));

Deno.test("packDataset() keeps other images, sides and colours apart, and runs know which they are on", () =>
  withFolder(async (dir) => {
    const { dataset } = await manyFiles(), folders = () => [...Deno.readDirSync(dir)].length;
    const packed = await packDataset(dataset, { dir, side: 32 });
    await packDataset(dataset, { dir, side: 30 });
    assertEquals(folders(), 2);
    await packDataset({ ...dataset, colours: "pillow" }, { dir, side: 32 });
    assertEquals(folders(), 3);
    await packDataset({ ...dataset, fingerprint: () => Promise.resolve({ images: 70, names: "other" }) }, {
      dir,
      side: 32,
    });
    assertEquals(folders(), 4);
    const [files, kept] = [await fingerprintOf(dataset), await fingerprintOf(packed)];
    assertEquals(
      differenceOf(files, kept),
      "the same ones, but kept with a shorter side of 32 pixels (--cache), where the run's are read from their files",
    );
    assertEquals(differenceOf(kept, await fingerprintOf(packed)), undefined);
    const memory = memoryDataset({
      ...{ name: "m", classes: [], pixels: new Uint8Array(48), width: 4, height: 4, labels: Int32Array.of(-1) },
    });
    assertEquals(await packDataset(memory, { dir, side: 32 }), memory);
    await assertRejects(() => packDataset(dataset, { dir, side: 0.5 }), RangeError, "got 0.5");
  }));

Deno.test("packDataset() names an image that cannot be read, or keeps the one that stands in for it, and says so", () =>
  withFolder(async (dir) => {
    const { dataset } = await manyFiles("skip"), packed = await packDataset(dataset, { dir, side: 32 });
    const bad = Array.from({ length: 14 }, (_, i) => `${5 * i + 1}.png`);
    assertEquals(packed.skipped, bad);
    assertEquals((await packed.centred(Uint32Array.of(1, 2), 16)).labels, Int32Array.of(0, 0));
    assertEquals((await packDataset((await manyFiles("skip")).dataset, { dir, side: 32 })).skipped, bad);
    const file = new Uint8Array(9);
    const broken = imageFiles({
      ...{
        name: "broken",
        classes: ["a"],
        labels: new Int32Array(1),
        paths: ["x.png"],
        read: () => Promise.resolve(file),
      },
    });
    await assertRejects(() => packDataset(broken, { dir, side: 32 }), Error, "x.png cannot be read as an image");
  }));

Deno.test("crops of photos kept at 256 and at what crops need differ from those of files as little as is said", () =>
  withFolder(async (dir) => {
    const files = await Promise.all([0, 1, 2, 3].map(photoJpeg));
    const list = { name: "photos", classes: ["a"], labels: new Int32Array(4), paths: ["0", "1", "2", "3"] };
    const dataset: Dataset = imageFiles({ ...list, read: (i) => Promise.resolve(files[i]) });
    const indices = Uint32Array.of(0, 1, 2, 3, 0, 1, 2, 3);
    const from = await dataset.crops(indices, 224, CROP, KEY);
    const difference: Record<number, { mean: number; most: number }> = {};
    for (const side of [256, 375]) {
      const packed = await packDataset(dataset, { dir, side });
      const { pixels } = await packed.crops(indices, 224, CROP, KEY);
      const distances = colourPixels(pixels).map((value, i) => Math.abs(value - from.pixels[i]));
      const mean = distances.reduce((sum, value) => sum + value, 0) / pixels.length;
      difference[side] = { mean, most: distances.reduce((most, value) => Math.max(most, value), 0) };
    }
    assertEquals(difference[375], { mean: 0, most: 0 });
    const { mean, most } = difference[256];
    assert(mean > 1 && mean < 4.1 && most <= 40, `${mean} in the mean, ${most} at most`);
  }));
