import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import sharp from "sharp";
import { STOPPED } from "../../lib/commands/processes/exit_codes.ts";
import { main as decode } from "../../lib/commands/decode.ts";
import { checkMeasurable, main } from "../../lib/commands/train_decoder.ts";
import type { PatchDecoderConfig } from "../../lib/decoding/decoder_presets.ts";
import {
  measureReconstruction,
  type ReconstructionMeasures,
} from "../../lib/decoding/measures/reconstruction_measures.ts";
import { loadDecoder } from "../../lib/decoding/saved_decoder.ts";
import { readDecoderConfig } from "../../lib/decoding/train_decoder.ts";
import { encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { randomStream, shuffled } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { inProcess } from "./in_process.ts";
import { stopped, typed } from "./typed.ts";
import { eventsIn } from "../tensorflow/event_file.ts";
import { BYTES, PATCHES, pixels, POOLED, SIDE, toyEncoder } from "../decoding/toy.ts";

Deno.test("checkMeasurable() refuses what could not be measured after the training", () => {
  checkMeasurable(PATCHES, SIDE, 2);
  checkMeasurable(POOLED, SIDE, 1000);
  for (const config of [PATCHES, POOLED]) {
    assertThrows(() => checkMeasurable(config, SIDE, 1), Error, "at least 2 test images, not on 1");
  }
  const small = { ...PATCHES, network: { ...PATCHES.network, image: 8 } };
  assertThrows(() => checkMeasurable(small, 8, 2), Error, "Images of 8 pixels are smaller than SSIM's window");
  checkMeasurable({ ...POOLED, network: { ...POOLED.network, image: 8 } }, 8, 2);
  checkMeasurable(POOLED, 32, 2); // samples are resized to what the encoder sees
});

Deno.test("train-decoder says before the training what cannot be measured, and measures the decoder that it writes", async () => {
  const dir = await Deno.makeTempDir(), encoder = toyEncoder();
  const run = async (measured: number, ...set: string[]) => {
    const shown = ["--measure", String(measured), "--tensorboard"];
    const options = ["--weights", dir, "--data", `${dir}/images`, ...shown, ...set];
    return await inProcess(main, ...options, "--preset", "patches", "--epochs", "1", "--batch", "4");
  };
  try {
    await saveEncoder(`${dir}/encoder.safetensors`, { size: encoder.size, parameters: encoder.parameters });
    for (const [part, from] of [["train", 0], ["test", 8]] as const) {
      await Deno.mkdir(`${dir}/images/${part}/only`, { recursive: true });
      for (let i = from; i < from + 8; i++) {
        const image = sharp(pixels.subarray(i * BYTES, (i + 1) * BYTES), {
          raw: { width: SIDE, height: SIDE, channels: 3 },
        });
        await image.toFile(`${dir}/images/${part}/only/${String(i).padStart(2, "0")}.png`);
      }
    }
    const refused = await run(1);
    assertEquals(refused.code, 1);
    assertMatch(refused.error, /^A decoder is measured on at least 2 test images, not on 1: .*--measure 0\.\n$/);
    assertEquals(await Deno.stat(`${dir}/patch-decoder`).catch(() => undefined), undefined, "something was trained");

    const misspelt = await run(4, "--set", "network.dept=1");
    assertMatch(
      misspelt.error,
      /^network\.dept is not known \(did you mean network\.depth\?\): network has image, .*\.\n$/,
    );

    const { code, error } = await run(4, "--set", "network.depth=1", "--set", "loss=l1");
    assertEquals(code, 0, error);
    const { network, loss } = await readDecoderConfig(`${dir}/patch-decoder`) as PatchDecoderConfig;
    assertEquals([network.depth, loss], [1, "l1"]);
    const written: ReconstructionMeasures = JSON.parse(await Deno.readTextFile(`${dir}/patch-decoder/measures.json`));
    const decoder = await loadDecoder(`${dir}/patch-decoder`, "patches");
    const some = shuffled(8, randomStream(decoder.config.seed)).subarray(0, 4);
    const test = new Uint8Array(4 * BYTES);
    some.forEach((i, k) => test.set(pixels.subarray((8 + i) * BYTES, (9 + i) * BYTES), k * BYTES));
    const expected = await measureReconstruction(encoder, decoder, test, decoder.config.seed);
    assertEquals(written.images, 4);
    const events = await eventsIn(`${dir}/patch-decoder/tensorboard`);
    assertEquals(events.filter(({ tag }) => tag === "loss").map(({ step }) => step), [1, 2]);
    assertEquals(events.filter(({ image }) => image).map(({ step, tag }) => [step, tag]), [[2, "samples/image"]]);
    assertAlmostEquals(written.decoded.psnr, expected.decoded.psnr, 1e-6);
    assertAlmostEquals(written.decoded.ssim, expected.decoded.ssim, 1e-6);
    tf.dispose([decoder.parameters, decoder.standardisation]);
  } finally {
    tf.dispose(encoder.parameters);
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("train-decoder stopped by Ctrl-C goes on where its last line is typed", async () => {
  const dir = await Deno.makeTempDir(), encoder = toyEncoder(), run = `${dir}/patch-decoder`;
  try {
    await saveEncoder(`${dir}/encoder.safetensors`, { size: encoder.size, parameters: encoder.parameters });
    await Deno.mkdir(`${dir}/images`);
    for (let i = 0; i < 8; i++) {
      const image = sharp(pixels.subarray(i * BYTES, (i + 1) * BYTES), {
        raw: { width: SIDE, height: SIDE, channels: 3 },
      });
      await image.toFile(`${dir}/images/${i}.png`);
    }
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "lib/commands/train_decoder.ts", "--weights", dir, "--data", `${dir}/images`]
        .concat(["--preset", "patches", "--epochs", "150", "--batch", "4", "--measure", "0"])
        .concat(["--set", "network.width=24", "--set", "network.depth=1", "--set", "network.heads=2"]),
      ...{ stdin: "null", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1" } },
    });
    const { code, out, error } = await stopped(command, `${run}/log.jsonl`);
    assertEquals(code, STOPPED, error);
    const [, step, goOn] = /^Stopped at step (\d+) of 300, with a checkpoint\. Go on with: (.*)$/m.exec(out) ?? [];
    assert(Number(step) < 300, out + error);
    assertEquals(goOn, `deno task train-decoder --weights ${dir} --resume --out ${run} --measure 0`);
    const resumed = await typed(goOn);
    assertEquals(resumed.code, 0, resumed.error);
    assertMatch(resumed.out, /^Weights: .*decoder\.safetensors$/m);
    assertEquals((await Deno.readTextFile(`${run}/log.jsonl`)).trimEnd().split("\n").length, 300);
  } finally {
    tf.dispose(encoder.parameters);
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("train-decoder --of predictions trains, measures and draws at another size than a 224 pixel encoder's", async () => {
  const dir = await Deno.makeTempDir(), narrow = { width: 8, depth: 1, heads: 2 };
  const size = { image: 224, patch: 28, width: 16, depth: 1, heads: 2, mlpRatio: 2 };
  const networks = [1, 2].map((seed) => initialise(encoderShapes(size), seed, "xavier"));
  const predictor = { size: narrow, parameters: initialise(predictorShapes({ ...size, predictor: narrow }), 3) };
  const run = (command: "train_decoder" | "decode", ...args: string[]) =>
    inProcess(command === "decode" ? decode : main, ...args);
  try {
    for (const [i, parameters] of networks.entries()) {
      await saveEncoder(`${dir}/encoder-${i}.safetensors`, { size, parameters, predictor });
    }
    await saveEncoder(`${dir}/alone.safetensors`, { size, parameters: networks[0] });
    for (const [part, from] of [["train", 0], ["test", 8]] as const) {
      await Deno.mkdir(`${dir}/images/${part}`, { recursive: true });
      for (let i = from; i < from + 8; i++) {
        const image = sharp(pixels.subarray(i * BYTES, (i + 1) * BYTES), {
          raw: { width: SIDE, height: SIDE, channels: 3 },
        });
        await image.resize(240, 230, { fit: "fill" }).jpeg().toFile(`${dir}/images/${part}/${i}.jpg`);
      }
    }
    const short = ["--preset", "smoke", "--data", `${dir}/images`, "--epochs", "1", "--batch", "4", "--measure", "4"];
    const training = ["--of", "predictions", "--set", "network.channels=[16,16]", ...short],
      own = `${dir}/encoder-0.safetensors`;
    const lacking = await run("train_decoder", "--weights", `${dir}/alone.safetensors`, ...training);
    assertMatch(lacking.error, /^A decoder of predictions needs a predictor, .*\.\n$/m);
    const wrong = await run("train_decoder", "--weights", own, ...training, "--set", "blocks=0.2");
    assertMatch(wrong.error, /^blocks is 0 where a decoder is of predictions, .* got 0\.2\.\n$/);

    const trained = await run("train_decoder", "--weights", own, ...training);
    assertEquals(trained.code, 0, trained.error);
    const { config } = await loadDecoder(`${dir}/prediction-decoder`, "pooled").then((decoder) => {
      tf.dispose([decoder.parameters, decoder.standardisation]);
      return decoder;
    });
    assertEquals([config.of, config.blocks, config.network.image], ["predictions", 0, 32]);
    const measures = JSON.parse(await Deno.readTextFile(`${dir}/prediction-decoder/measures.json`));
    assertEquals(measures.images, 4);
    assert(measures.diversity > 0 && measures.retrieval.top5 === 100);

    const drawing = ["--images", `${dir}/images/test`, "--rows", "2", "--samples", "2", "--steps", "2"];
    const decoder = ["--prediction-decoder", `${dir}/prediction-decoder`, "--out", `${dir}/drawn`];
    const drawn = await run("decode", "--weights", own, ...drawing, ...decoder);
    assertEquals(drawn.code, 0, drawn.error);
    assertEquals(Array.from(Deno.readDirSync(`${dir}/drawn`), ({ name }) => name), ["predictions.png"]);
    const other = await run("decode", "--weights", `${dir}/encoder-1.safetensors`, ...drawing, ...decoder);
    assertMatch(other.error, /prediction-decoder was trained for other weights than .*encoder-1\.safetensors: .*\.\n$/);
    const swapped = await run("decode", "--weights", own, ...drawing, "--decoder", decoder[1], "--out", `${dir}/none`);
    assertMatch(swapped.error, /prediction-decoder is a decoder of predictions, but one of representations is wanted/);
  } finally {
    tf.dispose([...networks, predictor.parameters]);
    await Deno.remove(dir, { recursive: true });
  }
});
