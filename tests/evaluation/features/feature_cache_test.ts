import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { openImageFolder } from "../../../lib/datasets/folders/image_folder.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { subsetOf } from "../../../lib/datasets/subset.ts";
import {
  type CachedFeatureOptions,
  cachedFeatures,
  surplusFiles,
} from "../../../lib/evaluation/features/feature_cache.ts";
import { extractFeatures } from "../../../lib/evaluation/features/features.ts";
import { encoderShapes, type EncoderSize } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const size: EncoderSize = { image: 8, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 4 };

function noise({ seed = 7, labels = [0, 1, 1], name = "noise" } = {}): Dataset {
  const random = randomStream(seed);
  return memoryDataset({
    name,
    classes: ["a", "b"],
    pixels: Uint8Array.from({ length: labels.length * 8 * 8 * 3 }, () => random.integer(256)),
    width: 8,
    height: 8,
    labels: Int32Array.from(labels),
  });
}

async function withCache(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const count = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).length;

/** Whether features came from the cache: an encoder is not asked for then. */
async function run(
  encoder: Parameters,
  dataset: Dataset,
  options: CachedFeatureOptions & { pool?: "mean" },
  of = size,
) {
  const notes: string[] = [], progress: number[] = [];
  const before = await count(options.dir!);
  const features = await cachedFeatures(encoder, of, dataset, {
    batch: 1,
    onProgress: (n) => progress.push(n),
    onNote: (note) => notes.push(note),
    ...options,
  });
  return { features, notes, made: progress.length > 1, files: await count(options.dir!) - before };
}

Deno.test("cachedFeatures() gives what extractFeatures() gives, the second time from disk", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1, "xavier"), dataset = noise();
    const expected = await extractFeatures(encoder, size, dataset, { batch: 1 });
    const first = await run(encoder, dataset, { dir });
    assertEquals([first.made, first.files], [true, 1]);
    assertEquals(first.features, expected);
    const second = await run(encoder, noise({ name: "another name" }), { dir, batch: 3, jit: "graph" });
    assertEquals([second.made, second.files, second.notes], [false, 0, []]);
    assertEquals(second.features, expected);

    const tokens = await cachedFeatures(encoder, size, dataset, { dir, pool: "none" });
    assertEquals(tokens, await extractFeatures(encoder, size, dataset, { pool: "none" }));
    assertEquals(await cachedFeatures(encoder, size, dataset, { dir, pool: "none" }), tokens);
    assertEquals(await count(dir), 2);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() makes features anew when anything they follow from is another one", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1, "xavier"), dataset = noise();
    await run(encoder, dataset, { dir });
    const nudged = {
      ...encoder,
      "norm.bias": tf.tensor1d(Float32Array.from({ length: 16 }, (_, i) => i === 9 ? 1e-30 : 0)),
    };
    const preprocessing = defaultPreprocessing(8);
    const variants: Record<string, () => ReturnType<typeof run>> = {
      "one weight, by a hair": () => run(nudged, dataset, { dir }),
      "heads": () => run(encoder, dataset, { dir }, { ...size, heads: 4 }),
      "the norms' epsilon": () => run(encoder, dataset, { dir }, { ...size, epsilon: 1e-5 }),
      "a pixel": () => run(encoder, noise({ seed: 8 }), { dir }),
      "a label": () => run(encoder, noise({ labels: [0, 1, 0] }), { dir }),
      "fewer images": () => run(encoder, subsetOf(dataset, Uint32Array.of(0, 1)), { dir }),
      "their order": () => run(encoder, subsetOf(dataset, Uint32Array.of(0, 2, 1)), { dir }),
      "layers": () => run(encoder, dataset, { dir, layer: "last4" }),
      "precision": () => run(encoder, dataset, { dir, precision: "bfloat16" }),
      "mean": () => run(encoder, dataset, { dir, preprocessing: { ...preprocessing, mean: [0, 0, 0] } }),
      "deviation": () => run(encoder, dataset, { dir, preprocessing: { ...preprocessing, deviation: [1, 1, 1] } }),
      "resize": () => run(encoder, dataset, { dir, preprocessing: { ...preprocessing, resize: 9 } }),
      "interpolation": () =>
        run(encoder, dataset, { dir, preprocessing: { ...preprocessing, interpolation: "bilinear" } }),
    };
    for (const [what, variant] of Object.entries(variants)) {
      const { made, files } = await variant();
      assertEquals([made, files], [true, 1], what);
    }
    const again = await run(encoder, dataset, { dir });
    assertEquals(again.made, false, "the first is still there");
    tf.dispose([encoder, nudged]);
  }));

Deno.test("cachedFeatures() of files tells apart how their colours are read, where no pixel that it looks at does", () =>
  withCache(async (root) => {
    const dir = join(root, "features"), images = join(root, "images"), encoder = initialise(encoderShapes(size), 1);
    await Deno.mkdir(dir);
    await Deno.mkdir(images);
    await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } }).toFile(join(images, "0.png"));
    const encode = async (colours?: "managed" | "pillow") =>
      (await run(encoder, subsetOf(await openImageFolder(images, { colours }), Uint32Array.of(0)), { dir })).files;
    assertEquals([await encode(), await encode("pillow"), await encode("managed"), await encode("pillow")], [
      1,
      1,
      0,
      0,
    ]);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() of files sees that one was changed, by its size, its time or its name", () =>
  withCache(async (root) => {
    const dir = join(root, "features"), images = join(root, "images"), encoder = initialise(encoderShapes(size), 1);
    await Deno.mkdir(dir);
    await Deno.mkdir(images);
    const file = (level: number) =>
      sharp({ create: { width: 8, height: 8, channels: 3, background: { r: level, g: level, b: level } } }).png()
        .toBuffer();
    for (let i = 0; i < 80; i++) {
      await Deno.writeFile(join(images, `${String(i).padStart(2, "0")}.png`), await file(3 * i));
    }
    const encode = async () => {
      const dataset = await openImageFolder(images);
      const { made, features } = await run(encoder, dataset, { dir, batch: 32 });
      return { made, values: features.values };
    };
    assert((await encode()).made);
    assertEquals((await encode()).made, false);
    const path = join(images, "01.png"); // which is not among the images whose pixels are looked at
    await Deno.writeFile(path, new Uint8Array([...await file(3), 0]));
    assert((await encode()).made, "another size");
    assertEquals((await encode()).made, false);
    await Deno.utime(path, new Date(1e12), new Date(1e12));
    assert((await encode()).made, "another time");
    await Deno.rename(path, join(images, "01b.png"));
    assert((await encode()).made, "another name");

    // The same paths, as a wrapper that reorders and forgets to say so would give them: the sample tells.
    const dataset = await openImageFolder(images);
    const turned: Dataset = {
      ...dataset,
      centred: (indices, framing) => dataset.centred(indices.map((i) => 79 - i), framing),
    };
    const { made, features } = await run(encoder, turned, { dir, batch: 32 });
    assert(made);
    assertNotEquals(features.values, (await encode()).values);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() of an archive's members sees that the archive was changed", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1), archive = join(dir, "images.tar");
    await Deno.writeFile(archive, new Uint8Array(100));
    const kept = join(dir, "features");
    await Deno.mkdir(kept);
    const dataset = { ...noise(), paths: [0, 1, 2].map((i) => join(archive, "inner.tar", `${i}.png`)) };
    assert((await run(encoder, dataset, { dir: kept })).made);
    assertEquals((await run(encoder, dataset, { dir: kept })).made, false);
    await Deno.writeFile(archive, new Uint8Array(101));
    assert((await run(encoder, dataset, { dir: kept })).made);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() makes a damaged file anew and says so", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1, "xavier"), dataset = noise();
    const { features: expected } = await run(encoder, dataset, { dir });
    const [entry] = await Array.fromAsync(Deno.readDir(dir));
    const path = join(dir, entry.name), whole = await Deno.readFile(path);
    const flipped = whole.slice();
    flipped[flipped.length - 20] ^= 1;
    for (const bytes of [flipped, whole.subarray(0, whole.length - 1), new Uint8Array(0), new Uint8Array(99)]) {
      await Deno.writeFile(path, bytes);
      const { made, notes, features } = await run(encoder, dataset, { dir });
      assert(made);
      assertEquals(notes.length, 1);
      assertMatch(notes[0], /^The kept features in .*\.safetensors are damaged \(.*\): made anew\.$/);
      assertEquals(features, expected);
      assertEquals(await Deno.readFile(path), whole);
    }
    tf.dispose(encoder);
  }));

Deno.test("surplusFiles() are those used the longest ago, of which the others leave no room", () => {
  const file = (path: string, size: number, used: number) => ({ path, size, used });
  const files = [file("new", 30, 9), file("oldest", 1, 1), file("read again", 40, 8), file("old", 30, 2)];
  const surplus = (limit: number) => surplusFiles(files, limit).map(({ path }) => path).sort();
  assertEquals(surplus(101), []);
  assertEquals(surplus(100), ["oldest"]);
  assertEquals(surplus(99), ["old", "oldest"]);
  assertEquals(surplus(29), ["new", "old", "oldest", "read again"]);
});

Deno.test("cachedFeatures() makes room for new files in 4 GiB, and leaves what is not its own", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1), first = noise(), second = noise({ seed: 8 });
    const { files } = await run(encoder, first, { dir });
    assertEquals(files, 1);
    const [{ name: kept }] = await Array.fromAsync(Deno.readDir(dir));
    await Deno.utime(join(dir, kept), new Date(1e12), new Date(1e12));
    const others = ["0", "1"].map((digit) => digit.repeat(40) + ".safetensors").concat("mine.safetensors");
    for (const [i, name] of others.entries()) { // with holes in them, which take no space
      await Deno.writeFile(join(dir, name), new Uint8Array(0));
      await Deno.truncate(join(dir, name), 2 ** 31);
      await Deno.utime(join(dir, name), new Date(1.1e12 + i), new Date(1.1e12 + i));
    }
    assertEquals((await run(encoder, first, { dir })).made, false); // and is the last used from now on
    assertEquals((await run(encoder, second, { dir })).made, true);
    const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
    assertEquals([names.includes(kept), names.length], [true, 4]);
    assertEquals(others.map((name) => names.includes(name)), [false, true, true]);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() leaves what another program is writing, and removes what one left long ago", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1), name = "1".repeat(40) + ".safetensors";
    const written = [`${name}.77`, `${name}.78.part`], left = [`${name}.79`, `${name}.80.part`];
    for (const name of [...written, ...left]) {
      await Deno.writeFile(join(dir, name), new Uint8Array(0));
      await Deno.truncate(join(dir, name), 2 ** 32);
    }
    for (const name of left) await Deno.utime(join(dir, name), new Date(1e12), new Date(1e12));
    // A kept file that was used before those were written, and makes no room for them.
    await Deno.writeFile(join(dir, name), new Uint8Array(9));
    await Deno.utime(join(dir, name), new Date(1e12), new Date(1e12));
    assertEquals((await run(encoder, noise(), { dir })).made, true);
    const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
    assertEquals([name, ...written, ...left].map((name) => names.includes(name)), [true, true, true, false, false]);
    assertEquals(names.length, 4);
    tf.dispose(encoder);
  }));

Deno.test("cachedFeatures() goes on where it cannot write, says so, and does not keep what stood in for bad images", () =>
  withCache(async (dir) => {
    const encoder = initialise(encoderShapes(size), 1), dataset = noise();
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "not a folder");
    const notes: string[] = [];
    const { values } = await cachedFeatures(encoder, size, dataset, { dir: file, onNote: (note) => notes.push(note) });
    assertEquals(values.length, 48);
    assertMatch(notes.join(), /^The features cannot be kept in .*: the next evaluation extracts them again\.$/);

    const lenient: Dataset = { ...dataset, skipped: ["a.png"] };
    assertEquals((await run(encoder, lenient, { dir })).files, 0);
    tf.dispose(encoder);
  }));
