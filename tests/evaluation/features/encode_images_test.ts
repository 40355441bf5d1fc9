import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { findImages } from "../../../lib/datasets/folders/image_list.ts";
import { openImageFolder } from "../../../lib/datasets/folders/image_folder.ts";
import { encodeImages } from "../../../lib/evaluation/features/encode_images.ts";
import { extractFeatures } from "../../../lib/evaluation/features/features.ts";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { readNpy } from "../../../lib/weights/formats/npy.ts";
import { readSafetensors } from "../../../lib/weights/formats/safetensors.ts";

const size = { image: 8, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 4 };

async function withImages(test: (dir: string, images: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir(), images = join(dir, "images"), random = randomStream(5);
  try {
    await Deno.mkdir(images);
    for (let i = 0; i < 7; i++) {
      const pixels = Uint8Array.from({ length: 20 * 15 * 3 }, () => random.integer(256));
      await sharp(pixels, { raw: { width: 20, height: 15, channels: 3 } }).png().toFile(join(images, `${i}.png`));
    }
    await test(dir, images);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const worst = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));
const listing = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();

Deno.test("encodeImages() writes a row an image, the same as extractFeatures() has", () =>
  withImages(async (dir, folder) => {
    const encoder = initialise(encoderShapes(size), 1, "xavier");
    const { images } = await findImages(folder), dataset = await openImageFolder(folder);
    const pooled = join(dir, "pooled.safetensors"), tokens = join(dir, "tokens.npy"), done: number[] = [];
    const onProgress = (n: number) => done.push(n);
    assertEquals(await encodeImages(encoder, size, images, pooled, { batch: 3, onProgress }), [7, 16]);
    assertEquals(done, [3, 6, 7]);
    const { tensors: { features }, metadata } = await readSafetensors(pooled);
    const expected = await extractFeatures(encoder, size, dataset);
    assertEquals(features.shape, [7, 16]);
    assertLess(worst(features.data as Float32Array, expected.values), 1e-5);
    assertEquals(JSON.parse(metadata.names), images.map(({ name }) => name));
    assertEquals([metadata.layer, metadata.pool, JSON.parse(metadata.preprocessing).crop], ["last", "mean", 8]);

    const options = { layer: "last4", pool: "none" } as const;
    assertEquals(await encodeImages(encoder, size, images, tokens, { ...options, batch: 4 }), [7, 4, 64]);
    const { shape, values } = await readNpy(tokens);
    assertEquals(shape, [7, 4, 64]);
    assertLess(worst(values, (await extractFeatures(encoder, size, dataset, options)).values), 1e-5);
    tf.dispose(encoder);
  }));

Deno.test("encodeImages() leaves no file where an image is bad, a feature not finite, or it is stopped", () =>
  withImages(async (dir, folder) => {
    const encoder = initialise(encoderShapes(size), 1), out = join(dir, "f.safetensors");
    await Deno.writeFile(join(folder, "5.png"), new Uint8Array(3));
    const { images } = await findImages(folder);
    const encode = (options = {}) => encodeImages(encoder, size, images, out, { batch: 2, ...options });
    await assertRejects(() => encode(), Error, "5.png cannot be read as an image");
    await assertRejects(
      () => encode({ layer: "last4", preprocessing: { resize: 9, crop: 9 } }),
      RangeError,
      "squares of 9",
    );
    const stop = new AbortController(), onBadImage = () => {};
    const onProgress = () => {
      stop.abort();
      assertEquals(Array.from(Deno.readDirSync(dir)).map(({ name }) => name), ["images"]);
    };
    await assertRejects(() => encode({ onBadImage, signal: stop.signal, onProgress }), DOMException, "abort");
    const broken = { ...encoder, "norm.bias": tf.fill([16], NaN) };
    await assertRejects(
      () => encodeImages(broken, size, images, out, { onBadImage }),
      Error,
      "0.png has features that are not",
    );
    await assertRejects(
      () => encodeImages(encoder, size, images.slice(5, 6), out, { onBadImage }),
      Error,
      "Not one of the 1",
    );
    assertEquals(await listing(dir), ["images"]);

    assertEquals(await encode({ onBadImage }), [6, 16]);
    const { metadata } = await readSafetensors(out);
    assertEquals(JSON.parse(metadata.names), ["0.png", "1.png", "2.png", "3.png", "4.png", "6.png"]);
    assert((await Deno.stat(out)).size > 0);
    tf.dispose([encoder, broken["norm.bias"]]);
  }));
