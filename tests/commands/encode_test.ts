import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { main } from "../../lib/commands/encode.ts";
import { findImages } from "../../lib/datasets/folders/image_list.ts";
import { readPreprocessorConfig } from "../../lib/datasets/pixels/preprocessing.ts";
import { encodeImages, type EncodeImagesOptions } from "../../lib/evaluation/features/encode_images.ts";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { readNpy } from "../../lib/weights/formats/npy.ts";
import { readSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { inProcess } from "./in_process.ts";

const COMMAND = ["run", "-A", "--no-check", "lib/commands/encode.ts"];

function command(...args: string[]): Deno.Command {
  const env = { NO_COLOR: "1" };
  return new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env,
  });
}

const encode = (...args: string[]) => inProcess(main, ...args);

/** A folder with an encoder, weights.safetensors, and five images in images/, one of them folders below. */
async function withEncoder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const size = { image: 16, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 4 };
    const parameters = initialise(encoderShapes(size), 1);
    await saveEncoder(join(dir, "weights.safetensors"), { size, parameters });
    tf.dispose(parameters);
    for (const [i, name] of ["b/2.png", "b/10.png", "a.jpg", "c/d/e.webp", "z.png"].entries()) {
      await Deno.mkdir(join(dir, "images", name, ".."), { recursive: true });
      const background = { r: 50 * i, g: 100, b: 200 };
      await sharp({ create: { width: 30, height: 20, channels: 3, background } }).toFile(join(dir, "images", name));
    }
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const listing = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();

Deno.test("encode ends with one sentence and exit code 1 where it is told nonsense", () =>
  withEncoder(async (dir) => {
    const rest = ["--weights", `${dir}/weights.safetensors`, "--images", `${dir}/images`];
    const later = ["--weights", `${dir}/not asked for yet`, "--images", `${dir}/not asked for yet`];
    await Deno.writeTextFile(`${dir}/f.npy.txt`, "a.jpg\n");
    await Deno.mkdir(`${dir}/g.npy.txt`);
    const cases: [string[], RegExp][] = [
      [["--images", dir, "--out", "x.npy"], /^Say which encoder: --weights FILE or DIR\.\n$/],
      [["--weights", dir, "--images", dir], /^Say where the features are to go: --out/],
      [["--weights", dir, "--out", "x.npy"], /^Say which images: --images DIR, or --list FILE\.\n$/],
      [[...later, "--out", `${dir}/f.csv`], /^Features are written as \.safetensors or \.npy; .*f\.csv/],
      [
        [...later, "--out", `${dir}/no/f.npy`],
        /^--out .*f\.npy cannot be written, as there is no folder .*no: make it/,
      ],
      [[...later, "--out", `${dir}/g.npy`], /^--out takes a file, but .*g\.npy\.txt is a folder/],
      [
        ["--list", `${dir}/f.npy.txt`, ...later, "--out", `${dir}/f.npy`],
        /^--out would replace .*f\.npy\.txt, which is what --list names: name another file\.\n$/,
      ],
      [[...rest, "--out", rest[1]], /^--out would replace .*weights\.safetensors, which is what --weights names/],
      [[...rest, "--out"], /^Option '--out <value>' argument missing\. --help lists the options\.\n$/],
      [[...rest, "--out", "x.npy", "--layer", "first"], /^--layer is last or last4; got "first"\.\n$/],
      [[...rest, "--out", "x.npy", "--batch", "0"], /^--batch takes a whole number from 1 on; got "0"\.\n$/],
      [[...rest, "--out", "x.npy", "--colours", "srgb"], /^--colours is managed or pillow; got "srgb"\.\n$/],
      [
        [...rest, "--out", "x.npy", "--preprocessing", "file"],
        /weights\.safetensors does not say its preprocessing, which/,
      ],
      [[...rest, "--out", "x.npy", "--image", "8.5"], /^--image takes a whole number from 0 on; got "8\.5"\.\n$/],
      [[...rest, "--out", "x.npy", "--heads", "4"], /says that it has 2 attention heads, not 4\.\n$/],
      [
        ["--weights", `${dir}/none`, "--images", `${dir}/images`, "--out", "x.npy"],
        /^There is no file or folder .*none to load/,
      ],
    ];
    for (const [args, message] of cases) {
      const { code, error } = await encode(...args);
      assertEquals(code, 1, args.join(" "));
      assertMatch(error, message);
    }
    assertEquals(await listing(dir), ["f.npy.txt", "g.npy.txt", "images", "weights.safetensors"]);
    assertEquals(await Deno.readTextFile(`${dir}/f.npy.txt`), "a.jpg\n");
  }));

Deno.test("encode writes images in the order of their names, and a list's in its own", () =>
  withEncoder(async (dir) => {
    const weights = ["--weights", `${dir}/weights.safetensors`];
    const all = await encode(...weights, "--images", `${dir}/images`, "--out", `${dir}/f.safetensors`, "--batch", "2");
    assertEquals(all.code, 0, all.error);
    assertStringIncludes(all.out, "features [5, 16] of 5 images");
    const { tensors: { features }, metadata } = await readSafetensors(`${dir}/f.safetensors`);
    assertEquals(JSON.parse(metadata.names), ["a.jpg", "b/10.png", "b/2.png", "c/d/e.webp", "z.png"]);

    await Deno.writeTextFile(`${dir}/f.txt`, "z.png\n\na.jpg\n"); // and is left as it is
    const options = ["--images", `${dir}/images`, "--list", `${dir}/f.txt`, "--layer", "last4", "--pool", "none"];
    const listed = await encode(...weights, ...options, "--out", `${dir}/f.npy`);
    assertEquals(listed.code, 0, listed.error);
    assertEquals(await Deno.readTextFile(`${dir}/f.npy.txt`), "z.png\na.jpg\n");
    assertEquals(await Deno.readTextFile(`${dir}/f.txt`), "z.png\n\na.jpg\n");
    const { shape, values } = await readNpy(`${dir}/f.npy`);
    assertEquals(shape, [2, 16, 64]);
    for (const [row, name] of [[0, 4], [1, 0]]) {
      for (let j = 0; j < 16; j++) { // the last layer is the last quarter; its mean over the patches is the other file's
        const mean = Array.from({ length: 16 }, (_, t) =>
          values[(row * 16 + t) * 64 + 48 + j]).reduce((a, b) => a + b) / 16;
        assert(Math.abs(mean - Number(features.data[name * 16 + j])) < 1e-4);
      }
    }
  }));

Deno.test("encode names a bad image, or leaves it out on request and lists it", () =>
  withEncoder(async (dir) => {
    await Deno.writeTextFile(`${dir}/images/b/2.png`, "not a picture");
    const args = ["--weights", `${dir}/weights.safetensors`, "--images", `${dir}/images`, "--out", `${dir}/f.npy`];
    const stopped = await encode(...args);
    assertEquals(stopped.code, 1);
    assertMatch(stopped.error, /images\/b\/2\.png cannot be read as an image \(.*\): .* add --skip-bad-images\.\n$/);
    assertEquals(await listing(dir), ["images", "weights.safetensors"]);
    await Deno.symlink("nowhere", `${dir}/images/0.png`);
    await Deno.symlink("nowhere", `${dir}/images/README`);
    const linked = await encode(...args);
    assertMatch(
      linked.error,
      /images\/0\.png cannot be read \(it is a link to nothing\): .* add --skip-bad-images\.\n$/,
    );
    const skipped = await encode(...args, "--skip-bad-images", "--image", "8", "--heads", "2", "--pool", "none");
    assertEquals(skipped.code, 0, skipped.error);
    assertMatch(skipped.out, /^1 file\(s\) or folder\(s\) are no images and left out, such as .*images\/README\.\n/);
    assertMatch(skipped.out, /2 image\(s\) could not be read and have no row: .*images\/0\.png .*b\/2\.png/);
    assertEquals(await Deno.readTextFile(`${dir}/f.npy.txt`), "a.jpg\nb/10.png\nc/d/e.webp\nz.png\n");
    assertEquals((await readNpy(`${dir}/f.npy`)).shape, [4, 4, 16]);
  }));

Deno.test("encode reads colours and preprocesses images as it is told", () =>
  withEncoder(async (dir) => {
    const weights = `${dir}/weights.safetensors`, config = `${dir}/p.json`, out = `${dir}/f.safetensors`;
    const clear = await sharp(`${dir}/images/a.jpg`).ensureAlpha(0).png().toBuffer();
    await Deno.writeFile(`${dir}/images/z.png`, clear);
    await Deno.writeTextFile(config, JSON.stringify({ size: { height: 16, width: 16 }, image_mean: [0.1, 0.5, 0.9] }));
    const images = ["--images", `${dir}/images`, "--colours", "pillow", "--preprocessing", config];
    const args = [...images, "--precision", "float32", "--out", out];
    const { code, error } = await encode("--weights", weights, ...args);
    assertEquals(code, 0, error);
    const { tensors, metadata } = await readSafetensors(out), told = tensors.features.data as Float32Array;
    const preprocessing = await readPreprocessorConfig(config);
    assertEquals([metadata.colours, JSON.parse(metadata.preprocessing)], ["pillow", preprocessing]);

    const { size, parameters } = await loadEncoder(weights), { images: found } = await findImages(`${dir}/images`);
    const worst = async (options: EncodeImagesOptions) => {
      await encodeImages(parameters, size, found, out, options);
      const other = (await readSafetensors(out)).tensors.features.data as Float32Array;
      return Math.max(...other.map((value, i) => Math.abs(value - told[i])));
    };
    assert(await worst({ preprocessing, colours: "pillow" }) < 1e-5);
    assert(await worst({ preprocessing }) > 1e-3);
    assert(await worst({ colours: "pillow" }) > 1e-3);
    tf.dispose(parameters);
  }));

Deno.test("encode stopped by Ctrl-C leaves no half file", () =>
  withEncoder(async (dir) => {
    await Deno.writeTextFile(`${dir}/list.txt`, "a.jpg\n".repeat(20_000));
    const images = ["--images", `${dir}/images`, "--list", `${dir}/list.txt`];
    const child = command("--weights", `${dir}/weights.safetensors`, ...images, "--batch", "8", "--out", `${dir}/f.npy`)
      .spawn();
    const size = async () => (await Deno.stat(`${dir}/f.npy.part`).catch(() => undefined))?.size ?? 0;
    let ended = false;
    child.status.then(() => ended = true);
    while (!ended && await size() < 2000) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!ended) child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assertEquals(code, 130);
    assertMatch(new TextDecoder().decode(stderr), /Stopped: nothing was written to .*f\.npy\.\n$/);
    assertEquals(await listing(dir), ["images", "list.txt", "weights.safetensors"]);
  }));
