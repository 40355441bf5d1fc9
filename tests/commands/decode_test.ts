import "../tensorflow/loaded.ts";
import { assertEquals, assertMatch } from "@std/assert";
import sharp from "sharp";
import { main as decode } from "../../lib/commands/decode.ts";
import { main as trainDecoder } from "../../lib/commands/train_decoder.ts";
import { decoderShapes, saveDecoder } from "../../lib/decoding/saved_decoder.ts";
import { encoderShapes, type EncoderSize, predictorShapes, type PredictorSize } from "../../lib/jepa/architectures.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { PATCHES, pixels, POOLED, SIDE } from "../decoding/toy.ts";
import { inProcess } from "./in_process.ts";

const run = (command: "decode" | "train_decoder", ...args: string[]) =>
  inProcess(command === "decode" ? decode : trainDecoder, ...args);

Deno.test("decode and train-decoder end with one sentence and exit code 1 where they are told nonsense", async () => {
  const dir = await Deno.makeTempDir();
  const decoding = ["--weights", dir, "--images", dir, "--out", `${dir}/out`];
  const cases: ["decode" | "train_decoder", string[], RegExp][] = [
    ["decode", [], /^Say which encoder: --weights/],
    ["decode", ["--weights", dir], /^Say which images: --images/],
    ["decode", decoding.slice(0, 4), /^Say where the pictures are to go: --out/],
    ["decode", [...decoding, "--samples", "0"], /^--rows and --samples take a whole number from 1 on/],
    ["decode", [...decoding, "--guidance", "much"], /^--guidance takes a number from 0 on; got "much"/],
    ["train_decoder", [], /^Say which encoder: --weights/],
    ["train_decoder", ["--weights", dir, "--epochs", "many"], /^--epochs takes a number from 0 on; got "many"/],
    ["train_decoder", ["--weights", dir, "--precision", "int8"], /^--precision is auto or float32 or bfloat16/],
  ];
  for (const [command, args, message] of cases) {
    const { code, error } = await run(command, ...args);
    assertEquals(code, 1, args.join(" "));
    assertMatch(error, message);
    assertEquals(error.trimEnd().split("\n").length, 1, error);
  }
  await Deno.remove(dir, { recursive: true });
});

const size: EncoderSize = { image: 32, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 };
const narrow: PredictorSize = { width: 8, depth: 1, heads: 2 };

/** A folder with an encoder, with and without predictor, its untrained decoders, and three images in images/. */
async function withDecoders(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const parameters = initialise(encoderShapes(size), 1);
    const predictor = { size: narrow, parameters: initialise(predictorShapes({ ...size, predictor: narrow }), 2) };
    await saveEncoder(`${dir}/encoder.safetensors`, { size, parameters, predictor });
    await saveEncoder(`${dir}/alone.safetensors`, { size, parameters });
    const standardisation = { mean: tf.zeros([16]), deviation: tf.ones([16]) };
    const patches = { ...PATCHES, network: { ...PATCHES.network, image: size.image } };
    for (const [name, config] of [["decoder", POOLED], ["patch-decoder", patches]] as const) {
      const parameters = initialise(decoderShapes(config), 3);
      await Deno.mkdir(`${dir}/${name}`);
      await saveDecoder(`${dir}/${name}/decoder.safetensors`, { config, parameters, standardisation });
      tf.dispose(parameters);
    }
    tf.dispose([parameters, predictor.parameters, standardisation]);
    await Deno.mkdir(`${dir}/images`);
    for (let i = 0; i < 3; i++) {
      const image = pixels.subarray(i * SIDE * SIDE * 3, (i + 1) * SIDE * SIDE * 3);
      await sharp(image, { raw: { width: SIDE, height: SIDE, channels: 3 } }).toFile(`${dir}/images/${i}.png`);
    }
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Columns and rows of each picture in a folder; a cell is 104 points, a point two pixels. */
async function picturesIn(dir: string): Promise<Record<string, readonly [columns: number, rows: number]>> {
  const cells = (pixels: number, edges: number) => (pixels / 2 - edges) / 104;
  const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => {
      const { width, height } = await sharp(`${dir}/${name}`).metadata();
      return [name, [cells(width, 24), cells(height, 44)]] as const;
    })),
  );
}

Deno.test("decode draws samples, predictions and interpolations, each of as many rows and columns as asked for", () =>
  withDecoders(async (dir) => {
    const sampling = ["--images", `${dir}/images`, "--samples", "3", "--steps", "2"];
    const all = await run("decode", "--weights", dir, ...sampling, "--rows", "2", "--out", `${dir}/all`);
    assertEquals(all.code, 0, all.error);
    assertMatch(all.out, /images holds 3 images, of which the first 2 are drawn\./);
    assertMatch(all.out, /samples\.png, .*predictions\.png, .*interpolation\.png in \d+ s\n$/);
    assertEquals(all.error, ""); // no bar where there is no terminal
    assertEquals(await picturesIn(`${dir}/all`), {
      "interpolation.png": [5, 1],
      "predictions.png": [5, 2],
      "samples.png": [5, 2], // the image, its patches, three samples
    });

    await Deno.writeTextFile(`${dir}/images/0.png`, "not a picture");
    const alone = ["--skip-bad-images", ...sampling, "--rows", "1", "--guidance", "2", "--out", `${dir}/one`];
    const one = await run("decode", "--weights", `${dir}/alone.safetensors`, ...alone);
    assertEquals(one.code, 0, one.error);
    assertMatch(one.error, /alone\.safetensors holds no predictor: nothing is decoded of predictions\./);
    assertMatch(one.out, /1 image\(s\) could not be read and are not drawn: .*images\/0\.png \(/);
    assertEquals(await picturesIn(`${dir}/one`), { "samples.png": [5, 1] });

    const stopped = await run("decode", "--weights", dir, ...sampling, "--out", `${dir}/none`);
    assertMatch(
      stopped.error,
      /images\/0\.png cannot be read as an image \(.*\): repair .*, or add --skip-bad-images\.\n$/,
    );
  }));
