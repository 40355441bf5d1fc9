import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import sharp from "sharp";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { openDataset } from "../../../lib/datasets/open_dataset.ts";
import { expandBraces } from "../../../lib/datasets/published/file_names.ts";
import { parquetRows } from "../../../lib/datasets/published/parquet.ts";
import { shardRows } from "../../../lib/datasets/published/shards.ts";
import { withFolder } from "../../with_folder.ts";
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
