/**
 * `deno task train-decoder`: trains a decoder of an encoder's representations, and tells by numbers what it draws.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Dataset } from "../datasets/dataset.ts";
import { representImages } from "../decoding/decode.ts";
import { DECODER_PRESETS, type DecoderConfig, decoderPreset } from "../decoding/decoder_presets.ts";
import { decoderSteps } from "../decoding/decoder_objective.ts";
import { measureDecoder } from "../decoding/measures.ts";
import { measureReconstruction } from "../decoding/reconstruction_measures.ts";
import { SSIM_WINDOW } from "../decoding/ssim.ts";
import type { FrozenEncoder } from "../decoding/representation.ts";
import {
  decoderFolder,
  loadDecoder,
  type PatchDecoder,
  type PooledDecoder,
  type TrainedDecoder,
} from "../decoding/saved_decoder.ts";
import { frozenEncoder, readDecoderConfig, trainDecoder } from "../decoding/train_decoder.ts";
import { lossCurve } from "../figures/loss_curve.ts";
import { formatDuration, formatNumber, progressBar } from "../figures/progress.ts";
import { saveFigure } from "../figures/save.ts";
import { loadEncoder } from "../jepa/pretrained.ts";
import { randomStream, shuffled } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import { precisionAdvice } from "./terminal/bfloat16.ts";
import { fileNote } from "./terminal/file_note.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { openImages, reportSkipped } from "./terminal/open_images.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup.ts";
import { stopSignal } from "./terminal/stop_signal.ts";

const HELP = `deno task train-decoder --weights FILE|DIR [options]

Trains a decoder from an encoder's representations back to pixels: by default a diffusion that draws images for an
average-pooled representation, or with --preset patches a network that maps each patch's token back.

  --weights PATH    the encoder: a run's folder or any other weights that deno task encode takes
  --preset NAME     ${Object.keys(DECODER_PRESETS).join(" | ")} (default cifar10)
  --data NAME|DIR   cifar10 (default), cifar100, or a folder of images; with train/ and test/ or val/ inside, the second
                    is what the decoder is measured on
  --epochs N        passes over the images
  --batch N         images a step
  --lr X            peak learning rate
  --seed N          everything random follows from it (default 0)
  --precision P     float32 | bfloat16: what matrix products compute in
  --out DIR         the run's folder (default decoder/, or patch-decoder/, in the folder of the weights)
  --resume          goes on with the run in --out
  --keep N          checkpoints that are kept, the newest (default 2)
  --measure N       test images that it is measured on at the end, at least 2, or 0 for none (default 1000)
  --skip-bad-images puts others in the place of images that cannot be read, and says which, instead of stopping
  --help
`;

/**
 * Makes sure, before a long training, that a decoder can be measured after it.
 *
 * @param image the encoder's, in pixels
 * @param count of the test images that it is to be measured on, more than 0
 * @throws {Error} that says what to do instead, where they are too few or too small, or where the decoder draws images of
 *   another size than the encoder sees
 */
export function checkMeasurable({ kind, network }: DecoderConfig, image: number, count: number): void {
  if (count < 2) {
    throw new Error(`A decoder is measured on at least 2 test images, not on ${count}: take more, or --measure 0.`);
  }
  if (kind === "patches" && image < SSIM_WINDOW) {
    throw new Error(
      `Images of ${image} pixels are smaller than SSIM's window of ${SSIM_WINDOW}, and not measured: add --measure 0.`,
    );
  }
  if (kind === "pooled" && network.image !== image) {
    throw new Error(
      `Samples of ${network.image} pixels, where the encoder's images have ${image}, are not measured: add --measure 0.`,
    );
  }
}

/** Numbers of a decoder on some test images, by name. */
async function measure(
  encoder: FrozenEncoder,
  decoder: TrainedDecoder,
  test: Dataset,
  count: number,
): Promise<Record<string, unknown>> {
  const { seed } = decoder.config, { image } = encoder.size;
  const some = shuffled(test.length, randomStream(seed)).subarray(0, count);
  const { pixels } = await test.centred(some, image);
  if (decoder.config.kind === "patches") {
    return { ...await measureReconstruction(encoder, decoder as PatchDecoder, pixels, seed) };
  }
  const representations = await representImages(encoder, pixels);
  const encode = (drawn: Uint8Array) => representImages(encoder, drawn);
  const bar = progressBar({ label: "Measuring", total: 0, unit: "samples" });
  const options = { seed, onProgress: (samples: number) => bar.update(samples) };
  return {
    ...await measureDecoder(decoder as PooledDecoder, representations, representations, encode, options)
      .finally(() => bar.stop()),
  };
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    args: Deno.args,
    options: {
      "weights": { type: "string" },
      "preset": { type: "string" },
      "data": { type: "string", default: "cifar10" },
      "epochs": { type: "string" },
      "batch": { type: "string" },
      "lr": { type: "string" },
      "seed": { type: "string" },
      "precision": { type: "string" },
      "out": { type: "string" },
      "resume": { type: "boolean", default: false },
      "keep": { type: "string" },
      "measure": { type: "string", default: "1000" },
      "skip-bad-images": { type: "boolean", default: false },
      "help": { type: "boolean", short: "h" },
    },
  });
  if (flags.help) return console.log(HELP);
  const { weights, resume } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  const measured = numberOf("measure", flags.measure, { integer: true })!;
  const changes = {
    epochs: numberOf("epochs", flags.epochs),
    batch: numberOf("batch", flags.batch, { integer: true }),
    seed: numberOf("seed", flags.seed, { integer: true }),
  };
  const peak = numberOf("lr", flags.lr);
  const keep = numberOf("keep", flags.keep, { integer: true, least: 1 });
  const precision = flags.precision && oneOf("precision", flags.precision, ["float32", "bfloat16"]);

  await setUpTensorFlow();
  const loaded = await loadEncoder(weights);
  tf.dispose(loaded.predictor?.parameters ?? {});
  const encoder = frozenEncoder(loaded);
  const base = decoderPreset(flags.preset ?? "cifar10", encoder.size);
  const dir = flags.out ?? await decoderFolder(weights, base.kind);
  // What is not said again on resuming is as the run was started.
  const started = resume ? await readDecoderConfig(dir) : base;
  const given = Object.fromEntries(
    Object.entries({ ...changes, precision }).filter(([, value]) => value !== undefined),
  );
  const learningRate = { ...started.learningRate, peak: peak ?? started.learningRate.peak };
  const config: DecoderConfig = { ...started, ...given, learningRate };

  const { train, test } = await openImages(flags.data, flags["skip-bad-images"]);
  const testImages = test ? Math.min(measured, test.length) : 0;
  if (measured > 0 && test) checkMeasurable(config, encoder.size.image, testImages);
  const totalSteps = decoderSteps(config, train.length);
  console.log(`${totalSteps} steps of ${config.batch} images from ${train.name}, into ${dir}`);
  const advice = precisionAdvice(config.precision);
  if (advice) console.warn(advice);
  const { signal, unlisten } = stopSignal();
  const bar = progressBar({ label: "Training", total: totalSteps, unit: "steps" });
  let rate = 0;
  const result = await trainDecoder(config, encoder, train, {
    dir,
    resume,
    keep,
    signal,
    onFile: (progress) => bar.note(fileNote(progress)),
    onNote: (sentence) => bar.log(`Warning: ${sentence}`),
    onCompile: ({ operations, seconds }) =>
      bar.log(`Compiled the step, ${operations} operations, in ${seconds.toFixed(0)} s.`),
    onStep: ({ step, loss, learningRate, seconds }) => {
      const now = config.batch / seconds;
      rate = rate === 0 || step < 3 ? now : 0.95 * rate + 0.05 * now;
      bar.update(step, { "loss": loss, "images/s": Math.round(rate), "lr": learningRate });
    },
  }).finally(() => {
    bar.stop();
    unlisten();
  });
  const { decoder, finished, log } = result;
  if (finished) {
    await saveFigure(lossCurve(log), `${dir}/loss`);
    const seconds = log.reduce((sum, entry) => sum + entry.seconds, 0);
    console.log(`Trained ${formatDuration(seconds)}, ${formatNumber(log.length * config.batch / seconds)} images/s.`);
    if (measured > 0 && test) {
      // As it ships, its weights rounded.
      const shipped = await loadDecoder(result.weights);
      const measures = await measure(encoder, shipped, test, testImages)
        .finally(() => tf.dispose([shipped.parameters, shipped.standardisation]));
      await Deno.writeTextFile(`${dir}/measures.json`, JSON.stringify(measures, null, 2) + "\n");
      console.log(JSON.stringify(measures, null, 2));
    }
    console.log(`Weights: ${result.weights}`);
  } else {
    console.log(
      `Stopped at step ${result.step} of ${totalSteps}${
        result.step > 0 ? ", with a checkpoint" : ""
      }. Go on with: --weights ${weights} --resume ` +
        `--out ${dir}`,
    );
  }
  tf.dispose([encoder.parameters, decoder.parameters, decoder.standardisation]);
  reportSkipped(train, test);
}

if (import.meta.main) await runCommand(main);
