import { assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readTarGz } from "../../lib/datasets/tar.ts";
import { tarOf } from "./fixtures/tar_of.ts";

Deno.test("readTarGz() gives each file's bytes by its name, without the leading folder", async () => {
  const files = new Map([
    ["a.json", new TextEncoder().encode("[1]")],
    ["empty", new Uint8Array(0)],
    ["deep/b.bin", Uint8Array.from({ length: 1025 }, (_, i) => i % 251)],
  ]);
  const read = await readTarGz(gzipSync(tarOf(files)));
  assertEquals([...read.keys()], [...files.keys()]);
  for (const [name, bytes] of files) assertEquals([...read.get(name)!], [...bytes]);
});

Deno.test("readTarGz() refuses what is cut short or no gzip", async () => {
  const tar = tarOf(new Map([["a.bin", new Uint8Array(2000)]]));
  await assertRejects(() => readTarGz(gzipSync(tar.subarray(0, 1024))), Error, "the archive ends inside package/a.bin");
  await assertRejects(() => readTarGz(gzipSync(tar).subarray(0, 40)));
  await assertRejects(() => readTarGz(tar));
});
