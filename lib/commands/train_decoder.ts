/**
 * `deno task train-decoder`: trains a decoder of an encoder's representations, and tells by numbers what it draws.
 *
 * @module
 */
import { colourPixels } from "../datasets/pixels/cut_image.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { memoryDataset } from "../datasets/memory.ts";
import { conditionsOf, representImages } from "../decoding/decode.ts";
import { checkDecoderConfig, decoderConfigIn } from "../decoding/check_decoder_config.ts";
import {
  DECODER_PHRASES,
  DECODER_PRESETS,
  type DecoderConfig,
  decoderPreset,
  productWidth,
} from "../decoding/decoder_presets.ts";
import { decoderSteps } from "../decoding/decoder_objective.ts";
import { imageCount } from "../decoding/image_batches.ts";
import { measureDecoder } from "../decoding/measures/measures.ts";
import { measureReconstruction } from "../decoding/measures/reconstruction_measures.ts";
import { SSIM_WINDOW } from "../decoding/measures/ssim.ts";
import type { FrozenEncoder } from "../decoding/representation.ts";
import {
  decoderFolder,
  decodes,
  loadDecoder,
  type PatchDecoder,
  type PooledDecoder,
  type TrainedDecoder,
} from "../decoding/saved_decoder.ts";
import {
  type DecoderLogEntry,
  frozenEncoder,
  readDecoderConfig,
  trainDecoder,
  type TrainDecoderResult,
} from "../decoding/train_decoder.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import { progressBar } from "../figures/progress.ts";
import { randomStream, shuffled } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import type { World } from "../tensorflow/collectives/channel.ts";
import type { Communicator } from "../tensorflow/collectives/collectives.ts";
import { decided } from "../training/runs/decided.ts";
import { checkFree, checkSameConfig } from "../training/runs/run_folder.ts";
import { parseCommand } from "./terminal/command.ts";
import { commandLine, givenAgain, typedPath } from "./terminal/advice.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { loadWeights } from "./inputs/load_weights.ts";
import { CACHE_HELP } from "./inputs/keep_images.ts";
import { dataOfRun, IMAGE_FLAGS, LAYOUT_HELP, openImages, reportSkipped, SKIP_HELP } from "./inputs/open_images.ts";
import { checkStart } from "./inputs/run_config.ts";
import { changedBySet, CONFIG_FLAGS, readConfigFile, SET_HELP } from "./inputs/config_flags.ts";
import { sayPrecision } from "./terminal/precision.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { TRAINING_ENDS } from "./processes/exit_codes.ts";
import { WORKER_FLAGS, WORKER_HELP, workerFlags } from "./processes/launch_workers.ts";
import { shareTraining } from "./training/share_training.ts";
import { GIVEN_AGAIN, runTraining, tellTrained } from "./training/training.ts";
import { decoderSamples } from "./tensorboard/decoder_samples.ts";
import { runSummaries, TENSORBOARD_FLAG, TENSORBOARD_HELP } from "./tensorboard/run_summaries.ts";
import { fromFirst, inTurn } from "./processes/worker.ts";
import { changedBy, checkpointsOf, IMAGE_TRAINING_HELP, TRAINING_FLAGS } from "./inputs/training_flags.ts";
import { summariseTraining } from "./training/training_summary.ts";
import { writeFile } from "../write_file.ts";

/** Test images that a decoder is measured on. */
const MEASURED = 1000;

const HELP = helpText(
  "deno task train-decoder --weights FILE|DIR [options]",
  `Trains a decoder from an encoder's representations back to pixels: by default a diffusion that draws images for an
  average-pooled representation, or with --preset patches a network that maps each patch's token back.`,
  {
    "--weights PATH": "the encoder: a run's folder or any other weights that deno task encode takes",
    "--of WHAT": `what the diffusion draws for: representations (default), the target encoder's tokens, averaged, or
      predictions, the predictor's of a target block that it has not seen, as for figure 6`,
    "--preset NAME": ["one of these (default cifar10)", DECODER_PHRASES],
    "--config FILE": "a whole configuration instead of a preset, such as the config.json of a decoder's run",
    "--set PATH=VALUE": `${SET_HELP}; unconditional=0.2, 'network.channels=[64,128]'`,
    "--data NAME|DIR": `cifar10 (default), cifar100, or a folder of images; with train/ and test/ or val/ inside, the
      second is what the decoder is measured on; or published files, as pretrain takes them; of a run that goes on, where
      its images are now`,
    ...IMAGE_TRAINING_HELP,
    "--out DIR":
      `the run's folder (default decoder/, prediction-decoder/ or patch-decoder/ in the folder of the weights)`,
    "--resume": "goes on with the run in --out",
    "--checkpoint-every N": "steps between checkpoints (default 200)",
    "--keep N": "checkpoints that are kept, the newest (default 2)",
    "--measure N": `test images that it is measured on at the end, at least 2, or 0 for none (default ${MEASURED})`,
    "--layout LAYOUT": `what the folder in --data is, where that is in doubt: ${LAYOUT_HELP}`,
    "--skip-bad-images": SKIP_HELP,
    ...CACHE_HELP,
    ...TENSORBOARD_HELP,
    ...WORKER_HELP,
  },
  TRAINING_ENDS,
);

/**
 * Makes sure, before a long training, that a decoder can be measured after it.
 *
 * @param image the encoder's, in pixels
 * @param count of the test images that it is to be measured on, more than 0
 * @throws {Error} that says what to do instead, where they are too few or too small
 */
export function checkMeasurable({ kind }: DecoderConfig, image: number, count: number): void {
  if (count < 2) {
    throw new Error(`A decoder is measured on at least 2 test images, not on ${count}: take more, or --measure 0.`);
  }
  if (kind === "patches" && image < SSIM_WINDOW) {
    throw new Error(
      `Images of ${image} pixels are smaller than SSIM's window of ${SSIM_WINDOW}, and not measured: add --measure 0.`,
    );
  }
}

/** Drawn pictures at the size that the encoder sees. */
async function resized(pixels: Uint8Array, from: number, to: number): Promise<Uint8Array> {
  if (from === to) return pixels;
  const count = imageCount(pixels, from), labels = new Int32Array(count).fill(-1);
  const drawn = memoryDataset({ name: "samples", classes: [], pixels, width: from, height: from, labels });
  return colourPixels((await drawn.centred(Uint32Array.from({ length: count }, (_, i) => i), to)).pixels);
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
  const pixels = colourPixels((await test.centred(some, image)).pixels);
  if (decoder.config.kind === "patches") {
    return { ...await measureReconstruction(encoder, decoder as PatchDecoder, pixels, seed) };
  }
  const { network } = decoder.config;
  const encode = async (drawn: Uint8Array) => representImages(encoder, await resized(drawn, network.image, image));
  const representations = await representImages(encoder, pixels),
    conditions = decodes(decoder.config) === "predictions"
      ? await conditionsOf(encoder, decoder, pixels)
      : representations;
  const bar = progressBar({ label: "Measuring", total: 0, unit: "samples" });
  const options = { seed, onProgress: (samples: number) => bar.update(samples) };
  return {
    ...await measureDecoder(decoder as PooledDecoder, conditions, representations, encode, options)
      .finally(() => bar.stop()),
  };
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "of": { type: "string", values: ["representations", "predictions"] },
    "preset": { type: "string", values: Object.keys(DECODER_PRESETS) },
    ...CONFIG_FLAGS,
    "data": { type: "string", values: "folder" },
    "out": { type: "string", values: "folder" },
    "resume": { type: "boolean", default: false },
    "measure": { type: "string" },
    ...TRAINING_FLAGS,
    ...IMAGE_FLAGS,
    ...TENSORBOARD_FLAG,
    ...WORKER_FLAGS,
  },
} as const;

const parse = (args: string[]) => parseCommand(COMMAND, args);
type Flags = NonNullable<Awaited<ReturnType<typeof parse>>>["values"] & { weights: string };

const DEFAULT_PRESET = "cifar10";

/** How to go on with the run in a folder, as it is typed. */
const howToGoOn = (dir: string, flags: Flags) =>
  commandLine(
    ...["train-decoder", "--weights", typedPath(flags.weights), "--resume", "--out", typedPath(dir)] as const,
    ...givenAgain(flags, ...GIVEN_AGAIN, "measure"),
  );

/** What a decoder of an encoder begins with, but for flags. */
async function startOf({ config, preset = DEFAULT_PRESET }: Flags, encoder: EncoderSize): Promise<DecoderConfig> {
  return config === undefined ? decoderPreset(preset, encoder) : decoderConfigIn(await readConfigFile(config), config);
}

/** The same for what --of asks for. */
function ofWhat({ of, resume }: Flags, config: DecoderConfig): DecoderConfig {
  if (of === undefined) return config;
  oneOf("of", of, ["representations", "predictions"]);
  if (config.kind === "patches") {
    throw new Error("A patch decoder is of tokens: leave --of out, or take another --preset.");
  }
  const now = decodes(config);
  if (resume && now !== of) throw new Error(`The run that goes on is of ${now}: leave --of out.`);
  return of === "predictions" ? { ...config, of, blocks: 0 } : { ...config, of: "representations" };
}

/** What the flags make of that, or of what a run was started with, for so many workers. */
function configOf(flags: Flags, started: DecoderConfig, workers: number): DecoderConfig {
  const config = changedBySet(ofWhat(flags, changedBy(flags, started, 1)), flags);
  checkDecoderConfig(config);
  return changedBy({}, config, workers);
}

/** Stands for the encoder where its sizes do not matter. */
const ANY_ENCODER = { image: 32, patch: 4, width: 32, depth: 1, heads: 1, mlpRatio: 4 };

/** The run's folder, free where the run is new. */
async function folderOf(flags: Flags): Promise<string> {
  const config = ofWhat({ ...flags, resume: false }, await startOf(flags, ANY_ENCODER));
  const dir = flags.out ?? await decoderFolder(flags.weights, decodes(config));
  if (!flags.resume) await checkFree(dir, howToGoOn(dir, flags));
  return dir;
}

const measuredOf = (flags: Flags) => numberOf("measure", flags.measure, { integer: true }) ?? MEASURED;

/** Trains and measures, as one of the workers. */
async function run(flags: Flags, dir: string, workers: Communicator, world: World): Promise<void> {
  const { weights } = flags;
  const measured = measuredOf(flags);
  const loaded = await loadWeights(weights);
  const encoder = frozenEncoder(loaded);
  // What is not said again on resuming is as the run was started.
  const started = flags.resume
    ? await fromFirst(workers, "the run's configuration", () => readDecoderConfig(dir))
    : await startOf(flags, encoder.size);
  const asked = configOf(flags, started, workers.size), width = productWidth(asked);
  if (flags.resume) checkSameConfig(dir, started, asked); // before images are opened
  const config = await decided(asked, width, { dir, resume: flags.resume, workers });

  const data = flags.data ??
    (flags.resume ? await fromFirst(workers, "the run's images", () => dataOfRun(dir)) : "cifar10");
  const side = Math.max(encoder.size.image, config.network.image);
  const { train, test } = await inTurn(workers, world, "the images are there", () => openImages(data, flags, side));
  const testImages = test ? Math.min(measured, test.length) : 0;
  if (measured > 0 && test) checkMeasurable(config, encoder.size.image, testImages);
  if (workers.rank === 0) await sayPrecision(asked.precision, config.precision, width);
  const totalSteps = decoderSteps(config, train.length);
  const training = { label: "Training", dir, config, totalSteps, train, goOn: howToGoOn(dir, flags) };
  using summaries = workers.rank === 0 && flags.tensorboard ? runSummaries(dir, config.batch) : undefined;
  const result = await runTraining<DecoderLogEntry, TrainDecoderResult>(
    { ...training, summaries },
    flags,
    workers,
    (options) => trainDecoder(config, encoder, train, options),
  );
  if (workers.rank > 0) return;
  const { decoder, log, weights: written } = result;
  const pictures = await summariseTraining(log, config.batch, dir);
  if (summaries) {
    await summaries.weights(totalSteps, decoder.parameters);
    await summaries.picture(totalSteps, "samples", await decoderSamples(encoder, decoder, test ?? train));
  }
  await tellTrained(dir, result, { pictures }); // measuring may fail
  let measures: Record<string, unknown> | undefined;
  if (measured > 0 && test) {
    // As it ships, its weights rounded.
    const shipped = await loadDecoder(written);
    measures = await measure(encoder, shipped, test, testImages)
      .finally(() => tf.dispose([shipped.parameters, shipped.standardisation]));
    await writeFile(`${dir}/measures.json`, JSON.stringify(measures, null, 2) + "\n");
    console.log(JSON.stringify(measures, null, 2));
  }
  const skipped = [...new Set([...result.skipped, ...train.skipped ?? []])]; // by the measures too
  await tellTrained(dir, { ...result, skipped }, { pictures, measures });
  console.log(`Weights: ${written}`);
  tf.dispose([encoder.parameters, encoder.predictor?.parameters ?? {}, decoder.parameters, decoder.standardisation]);
  reportSkipped({ name: train.name, skipped }, ...test ? [test] : []);
}

export async function main(args: string[]): Promise<void> {
  const parsed = await parse(args);
  if (!parsed) return;
  const { values, tokens } = parsed, { weights } = values;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  const flags = { ...values, weights }, { workers } = workerFlags(flags);
  checkStart(flags, COMMAND.options.preset.values);
  // What can be said of them before anything is loaded; a run that goes on may be another's than the preset.
  if (flags.resume) changedBy(flags, await startOf(flags, ANY_ENCODER), 1), changedBySet({}, flags);
  else configOf(flags, await startOf(flags, ANY_ENCODER), workers);
  measuredOf(flags), checkpointsOf(flags);
  await shareTraining(flags, tokens, { folderOf, howToGoOn, run });
}

if (import.meta.main) await runCommand(main);
