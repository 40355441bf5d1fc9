import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import sharp from "sharp";
import { STOPPED } from "../../lib/commands/processes/exit_codes.ts";
import { checkMeasurable } from "../../lib/commands/train_decoder.ts";
import type { PatchDecoderConfig } from "../../lib/decoding/decoder_presets.ts";
import {
  measureReconstruction,
  type ReconstructionMeasures,
} from "../../lib/decoding/measures/reconstruction_measures.ts";
import { loadDecoder } from "../../lib/decoding/saved_decoder.ts";
import { readDecoderConfig } from "../../lib/decoding/train_decoder.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { randomStream, shuffled } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
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
  assertThrows(() => checkMeasurable(POOLED, 32, 2), Error, "Samples of 16 pixels, where the encoder's images have 32");
});

Deno.test("train-decoder says before the training what cannot be measured, and measures the decoder that it writes", async () => {
  const dir = await Deno.makeTempDir(), encoder = toyEncoder();
  const run = async (measured: number, ...set: string[]) => {
    const shown = ["--measure", String(measured), "--tensorboard"];
    const options = ["--weights", dir, "--data", `${dir}/images`, ...shown, ...set];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "lib/commands/train_decoder.ts", ...options, "--preset", "patches"].concat(
        ["--epochs", "1", "--batch", "4"],
      ),
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    return { code, error: new TextDecoder().decode(stderr) };
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
        .concat(["--preset", "patches", "--epochs", "150", "--batch", "4", "--measure", "0"]),
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
