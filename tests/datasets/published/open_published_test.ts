import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import sharp from "sharp";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import type { Cut } from "../../../lib/datasets/pixels/crop.ts";
import { openDataset } from "../../../lib/datasets/open_dataset.ts";
import { expandBraces } from "../../../lib/datasets/published/file_names.ts";
import { parquetRows } from "../../../lib/datasets/published/parquet.ts";
import { shardRows } from "../../../lib/datasets/published/shards.ts";
import { withFolder } from "../../with_folder.ts";
import { tarOf } from "../fixtures/tar_of.ts";
import expected from "./fixtures/published.json" with { type: "json" };

const FIXTURES = new URL("fixtures/", import.meta.url).pathname;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function told(rows: Awaited<ReturnType<typeof parquetRows>>, labelOf = (label: unknown) => label) {
  return await Promise.all(rows.labels.map(async (label, i) => [sha256(await rows.read(i)), labelOf(label)]));
}

const labelsOf = (rows: unknown[][]) => rows.map(([, label]) => label);

Deno.test("parquetRows() gives what pyarrow wrote, by every compression, and from what was kept", () =>
  withFolder(async (dir) => {
    const named: Record<string, number> = { a: 0, b: 1 };
    const labelOf = (label: unknown) => label === null ? -1 : named[label as string];
    for (const compression of ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]) {
      const file = `${FIXTURES}plain_${compression}.parquet`;
      for (const _ of ["made", "kept"]) assertEquals(await told(await parquetRows(file, dir), labelOf), expected.plain);
    }
  }));

Deno.test("openDataset() opens a folder of parquet files as datasets pushes it: splits, classes, pixels, any order", () =>
  withFolder(async (dir) => {
    for (const spec of [`${FIXTURES}hub`, `${FIXTURES}hub/data`]) {
      const { train, test } = await openDataset(spec, { dir });
      assertEquals([...train.labels], labelsOf(expected["hub/train"]));
      assertEquals([...test!.labels], labelsOf(expected["hub/test"]));
      assertEquals([train.classes, test!.classes], [["cat", "dog", "newt"], ["cat", "dog", "newt"]]);
      const rows = await parquetRows(`${FIXTURES}hub/data/train-00001-of-00002.parquet`, `${dir}/published`);
      assertEquals(await told(rows), expected["hub/train"].slice(4));
      const { pixels, labels } = await train.centred(Uint32Array.of(5, 0), 8);
      assertEquals([...labels], [2, 0]);
      assertEquals(pixels.slice(0, 192), new Uint8Array(await sharp(await rows.read(1)).raw().toBuffer()));
    }
  }));

Deno.test("openDataset() opens shards that webdataset wrote: a folder, a pattern, one of .json", () =>
  withFolder(async (dir) => {
    const check = ({ train }: { train: Dataset }, rows: unknown[][]) => {
      assertEquals([...train.labels], labelsOf(rows));
      assertEquals(train.classes, ["0", "1", "2"]);
    };
    const { train, test } = await openDataset(`${FIXTURES}shards`, { dir });
    check({ train }, expected["shards/train"]);
    assertEquals([...test!.labels], labelsOf(expected["shards/val"]));
    check(await openDataset(`${FIXTURES}shards/toy-train-{000000..000001}.tar`, { dir }), expected["shards/train"]);
    check(await openDataset(`${FIXTURES}json.tar`, { dir }), expected.json);
    for (const _ of ["made", "kept"]) {
      const rows = await shardRows(`${FIXTURES}shards/toy-train-000001.tar`, dir);
      assertEquals(await told(rows), expected["shards/train"].slice(4));
    }
    assertEquals(train.paths![4], `${FIXTURES}shards/toy-train-000001.tar, folder.x/n0004.png`);
    await assertRejects(
      () => openDataset(`${FIXTURES}shards/toy-train-{000000..000002}.tar`, { dir }),
      Error,
      "toy-train-000002.tar is missing.",
    );
  }));

Deno.test("openDataset() reads images of bands in shards that webdataset wrote, as arrays and as TIFFs", () =>
  withFolder(async (dir) => {
    for (const form of ["npy", "tif"] as const) {
      const shard = `${FIXTURES}bands_${form}.tar`, rows = expected[`bands_${form}`];
      for (const _ of ["made", "kept"]) {
        const { train } = await openDataset(shard, { dir, colours: 5 });
        assertEquals([train.channels, [...train.labels]], [5, labelsOf(rows)]);
        for (const [i, [bands]] of rows.entries()) {
          const whole = (width: number, height: number): Cut[] => [{
            ...{ box: { x: 0, y: 0, width, height }, width, height, window: { x: 0, y: 0, width, height } },
            interpolation: "bicubic",
          }];
          const { cuts: [cut] } = await train.cuts!(i, whole);
          assertEquals([...cut], bands, `${shard}, ${i}`);
        }
      }
    }
    // Of a photo's sample the image is another one than of bands'.
    await assertRejects(() => openDataset(`${FIXTURES}bands_npy.tar`, { dir }), Error, "the sample 0 has no image");
    const both = tarOf(new Map([["0.tif", Uint8Array.of(1)], ["0.png", Uint8Array.of(2)]]), "");
    await Deno.writeFile(join(dir, "both.tar"), both);
    await assertRejects(
      () => openDataset(join(dir, "both.tar"), { dir, colours: 5 }),
      Error,
      "the sample 0 has .png and .tif, where one image (.tif, .tiff, .npy, ",
    );
    // A folder of such images is no folder of shards, whatever lies beside them.
    await Deno.mkdir(join(dir, "folder"));
    await Deno.writeFile(join(dir, "folder", "0.npy"), Uint8Array.of(1));
    await Deno.copyFile(`${FIXTURES}bands_npy.tar`, join(dir, "folder", "bands.tar"));
    const { train } = await openDataset(join(dir, "folder"), { dir, colours: 5 });
    assertEquals(train.paths, [join(dir, "folder", "0.npy")]);
  }));

Deno.test("published files tell threads where their images lie", () =>
  withFolder(async (dir) => {
    const shard = await shardRows(`${FIXTURES}shards/toy-train-000001.tar`, dir);
    for (const rows of [shard, await parquetRows(`${FIXTURES}plain_zstd.parquet`, dir)]) {
      for (const i of rows.labels.keys()) {
        const { path, offset, length } = rows.placeOf(i), bytes = await Deno.readFile(path);
        assertEquals(bytes.slice(offset, offset + length), await rows.read(i));
      }
    }
  }));

Deno.test("openDataset() names what is damaged or missing: the row, the rows, the file, the sample", () =>
  withFolder(async (dir) => {
    const { train } = await openDataset(`${FIXTURES}holed.parquet`, { dir });
    await assertRejects(
      () => train.centred(Uint32Array.of(0, 1), 8),
      Error,
      "holed.parquet, row 1 cannot be read as an image (the row has no image)",
    );
    const skipping = (await openDataset(`${FIXTURES}holed.parquet`, { dir, onBadImage: "skip" })).train;
    assertEquals([...(await skipping.centred(Uint32Array.of(1), 8)).labels], [2]);

    const whole = await Deno.readFile(`${FIXTURES}plain_zstd.parquet`), bad = join(dir, "bad.parquet");
    const damaged = whole.slice();
    damaged.fill(255, 800, 1000); // in the second row group's page
    await Deno.writeFile(bad, damaged);
    await assertRejects(() => openDataset(bad, { dir }), Error, `${bad}: rows `);
    await Deno.writeFile(bad, whole.subarray(0, 3000));
    await assertRejects(() => openDataset(bad, { dir }), Error, `${bad}: `);

    await Deno.mkdir(`${dir}/gap`);
    await Deno.copyFile(`${FIXTURES}hub/data/train-00001-of-00002.parquet`, `${dir}/gap/train-00001-of-00002.parquet`);
    await assertRejects(
      () => openDataset(`${dir}/gap`, { dir }),
      Error,
      `${dir}/gap/train-00000-of-00002.parquet is missing: `,
    );

    const shard = await Deno.readFile(`${FIXTURES}shards/toy-val-000000.tar`), cut = join(dir, "cut.tar");
    await Deno.writeFile(cut, shard.subarray(0, 3000));
    await assertRejects(() => openDataset(cut, { dir }), Error, `${cut}: the archive `);
  }));

Deno.test("expandBraces() counts as WebDataset does, with the zeros of the first number", () => {
  assertEquals(expandBraces("a-{08..10}.tar"), ["a-08.tar", "a-09.tar", "a-10.tar"]);
  assertEquals(expandBraces("{0..1}/{1..2}"), ["0/1", "0/2", "1/1", "1/2"]);
  assertEquals(expandBraces("plain.tar"), ["plain.tar"]);
  assertThrows(() => expandBraces("{2..1}"), Error, "write the lower one first");
});
