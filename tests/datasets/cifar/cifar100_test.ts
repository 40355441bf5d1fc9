import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CIFAR100_SOURCES, decodeCifar100, loadCifar100 } from "../../../lib/datasets/cifar/cifar100.ts";
import type { Source } from "../../../lib/datasets/sources.ts";
import { tarOf } from "../fixtures/tar_of.ts";

/** Records of [coarse, fine, 1024 x red, 1024 x green, 1024 x blue]. */
const record = (coarse: number, fine: number, colour: [number, number, number]) => [
  ...[coarse, fine],
  ...colour.flatMap((value) => new Array(1024).fill(value)),
];

const NAMES = Array.from({ length: 100 }, (_, i) => `class_${i}`);

function tinyFiles(): Map<string, Uint8Array> {
  return new Map([
    ["train.bin", Uint8Array.from([...record(19, 3, [1, 2, 3]), ...record(0, 99, [4, 5, 6])])],
    ["test.bin", Uint8Array.from(record(7, 42, [7, 8, 9]))],
    ["fine_label_names.txt", new TextEncoder().encode(NAMES.join("\n") + "\n\n")],
    ["coarse_label_names.txt", new TextEncoder().encode("fish\n")],
  ]);
}

/** Runs `test` with a folder of data sets and a source that cannot be fetched. */
async function withFolder(test: (dir: string, sources: Source[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await Deno.mkdir(join(dir, "cifar100"));
  try {
    await test(dir, [{ ...CIFAR100_SOURCES[0], spec: join(dir, "nowhere.tar.gz") }]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function write(dir: string, files: Map<string, Uint8Array>): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, bytes] of files) await Deno.writeFile(join(dir, name), bytes);
}

Deno.test("decodeCifar100() takes the fine labels and their names", async () => {
  const { train, test, classes } = await decodeCifar100(tinyFiles());
  assertEquals([[...train.labels], [...test.labels]], [[3, 99], [42]]);
  assertEquals([...train.pixels.slice(0, 6), ...train.pixels.slice(3072, 3075)], [1, 2, 3, 1, 2, 3, 4, 5, 6]);
  assertEquals(classes, NAMES);
});

Deno.test("CIFAR-100's files are refused when one is missing, cut, or has labels or names that are none", async () => {
  const changed = async (name: string, bytes: Uint8Array | undefined, message: string) => {
    const files = tinyFiles();
    if (bytes) files.set(name, bytes);
    else files.delete(name);
    await assertRejects(() => decodeCifar100(files), Error, message);
  };
  await changed("test.bin", undefined, "holds no test.bin, only train.bin");
  await changed("train.bin", new Uint8Array(3073), "train.bin has 3073 bytes, no multiple of 3074");
  await changed("test.bin", Uint8Array.from(record(0, 100, [0, 0, 0])), "test.bin holds the label 100");
  await changed("fine_label_names.txt", new TextEncoder().encode("apple\n"), "fine_label_names.txt holds 1 names");
});

Deno.test("loadCifar100() takes files that lie unpacked, keeps them as bytes, and needs them no more", () =>
  withFolder(async (dir, sources) => {
    for (const folder of ["cifar100", "cifar100/cifar-100-binary"]) {
      await write(join(dir, folder), tinyFiles());
      const { train, test } = await loadCifar100(dir, { sources });
      assertEquals([train.name, train.length, test.length], ["CIFAR-100 train", 2, 1]);
      await Deno.remove(join(dir, folder), { recursive: true });
      if (folder !== "cifar100") {
        const again = await loadCifar100(dir, { sources: [] });
        assertEquals(again.train.classes, NAMES);
        assertEquals(again.train.labels, train.labels);
        const indices = Uint32Array.of(1, 0);
        assertEquals(await again.train.centred(indices, 32), await train.centred(indices, 32));
      }
    }
  }));

Deno.test("loadCifar100() takes the archive that was put there, and no other of its name", () =>
  withFolder(async (dir, [source]) => {
    const archive = gzipSync(tarOf(tinyFiles()));
    await Deno.writeFile(join(dir, "cifar100", "cifar-100-binary.tar.gz"), archive);
    await assertRejects(() => loadCifar100(dir), Error, "integrity checksum failed");
    const integrity = `md5-${createHash("md5").update(archive).digest("base64")}`;
    const { test } = await loadCifar100(dir, { sources: [{ ...source, integrity }] });
    assertEquals([test.length, test.classes[test.labels[0]]], [1, "class_42"]);
  }));

Deno.test("loadCifar100() says which file to put where, and names what is wrong with those that are there", () =>
  withFolder(async (dir, sources) => {
    const error = await assertRejects(() => loadCifar100(dir, { sources }), Error, "CIFAR-100 is not in");
    assert(error.message.includes(`put cifar-100-binary.tar.gz into ${join(dir, "cifar100")} by hand`), error.message);
    const files = tinyFiles();
    files.delete("test.bin");
    await write(join(dir, "cifar100"), files);
    await assertRejects(() => loadCifar100(dir, { sources }), Error, `${join(dir, "cifar100")}: the archive holds no`);
  }));

Deno.test("CIFAR100_SOURCES has the md5 that the authors publish", () => {
  const md5 = atob(CIFAR100_SOURCES[0].integrity.slice("md5-".length));
  const hex = Array.from(md5, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  assertEquals(hex, "03b5dce01913d631647c71ecec9e9cb8");
});
