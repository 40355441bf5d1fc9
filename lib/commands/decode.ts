/**
 * `deno task decode`: pictures of what an encoder's representations of images hold.
 *
 * @module
 */
import { findImages, namedBatches } from "../datasets/folders/image_list.ts";
import { memoryDataset } from "../datasets/memory.ts";
import { colourPixels } from "../datasets/pixels/cut_image.ts";
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import { concatenate } from "../datasets/sources.ts";
import { reconstruct, representImages, representPredictions } from "../decoding/decode.ts";
import { checkDecoderFits } from "../decoding/decoder_objective.ts";
import type { DecoderConfig } from "../decoding/decoder_presets.ts";
import type { FrozenEncoder } from "../decoding/representation.ts";
import { encoderDigest, frozenEncoder } from "../decoding/train_decoder.ts";
import { imageCount } from "../decoding/image_batches.ts";
import { nearestNeighbours } from "../decoding/measures/nearest_neighbours.ts";
import { sampleBetween, sampleEach } from "../decoding/diffusion/sampler.ts";
import { decoderFolder, type Decodes, decodes, loadDecoder, type PooledDecoder } from "../decoding/saved_decoder.ts";
import { cachedFeatures } from "../evaluation/features/feature_cache.ts";
import { extractFeatures } from "../evaluation/features/features.ts";
import {
  interpolationFigure,
  type Pictures,
  predictionsFigure,
  samplesFigure,
} from "../figures/pictures/decoding_figures.ts";
import type { Figure } from "../figures/figure.ts";
import { progressBar } from "../figures/progress.ts";
import { saveFigure } from "../figures/save.ts";
import { multiBlock } from "../jepa/mask_samplers/multi_block.ts";
import type { PretrainedEncoder } from "../jepa/pretrained.ts";
import { randomStream } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { commandLine, typedPath } from "./terminal/advice.ts";
import { numberOf } from "./terminal/flags.ts";
import { loadWeights } from "./inputs/load_weights.ts";
import { CACHE_HELP, sideForFraming } from "./inputs/keep_images.ts";
import { IMAGE_FLAGS, type ImageFlags, LAYOUT_HELP, openImages, reportSkipped } from "./inputs/open_images.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task decode --weights FILE|DIR --images NAME|DIR --out DIR",
  "Draws what an encoder's representations hold, with decoders that deno task train-decoder trained. In --out:",
  {
    "samples.png": `each image, what the patch decoder makes of its tokens where there is one, and samples for its
      average-pooled representation: what they share is what it holds; with --neighbours, the images that the encoder
      finds most like it, too`,
    "predictions.png": `where the weights hold a predictor: each image with a target block, the context, and samples for
      what the predictor says of the block from the context alone, by the decoder of predictions where there is one, else
      by that of representations, which it predicts`,
    "interpolation.png": "from each image's representation to the next one's, all from the same noise",
  },
  {
    "--weights PATH": "the encoder: a run's folder or any other weights that deno task encode takes",
    "--decoder DIR": "the decoder's run, or its file (default decoder/ in the folder of the weights)",
    "--prediction-decoder DIR": "the decoder of predictions (default prediction-decoder/ there, if it is there)",
    "--patch-decoder DIR": "the patch decoder's (default patch-decoder/ there, if it is there)",
    "--images NAME|DIR": "images, of which the first --rows by name are drawn; of cifar10 and cifar100 test images",
    "--neighbours NAME|DIR":
      `looks for similar images among the training images of cifar10, cifar100 or a folder, each of
      which is encoded once and kept in data/features`,
    "--layout LAYOUT": `what the folder in --neighbours is, where that is in doubt: ${LAYOUT_HELP}`,
    "--skip-bad-images": "passes over images that cannot be read, and says which, instead of stopping",
    "--rows N": "default 8",
    "--samples K": "samples of each image (default 8)",
    "--steps N": "steps of sampling (default 25)",
    "--guidance G":
      `1 samples what was learned; above 1 samples fit their representation more and differ less, and from 3
      on colours are too strong (default 2)`,
    "--seed S": "the noise follows from it (default 0)",
    "--out DIR": "made where it is missing",
    ...CACHE_HELP,
  },
);

/** The first images of a folder by their names, as the encoder takes them; what cannot be read is told, or stops. */
async function readImages(
  dir: string,
  { size, preprocessing }: PretrainedEncoder,
  rows: number,
  skipBad: boolean,
): Promise<Uint8Array> {
  const { images, unreadable } = await findImages(dir, { onBadImage: skipBad ? "skip" : "stop" });
  if (images.length > rows) console.log(`${dir} holds ${images.length} images, of which the first ${rows} are drawn.`);
  const bad = unreadable.map(({ path, reason }) => `${path} (${reason})`);
  const framing = preprocessing ?? defaultPreprocessing(size.image);
  const onBadImage = ({ path }: { path: string }, reason: string) => {
    if (skipBad) return void bad.push(`${path} (${reason})`);
    throw new Error(`${path} cannot be read as an image (${reason}): repair or remove it, or add --skip-bad-images.`);
  };
  const found: Uint8Array[] = [], bytes = size.image ** 2 * 3 * rows;
  let read = 0;
  for await (const { pixels } of namedBatches(images, { batch: rows, framing, onBadImage })) {
    found.push(colourPixels(pixels));
    if ((read += pixels.length) >= bytes) break;
  }
  if (bad.length > 0) console.log(`${bad.length} image(s) could not be read and are not drawn: ${bad.join(", ")}`);
  if (read === 0) throw new Error(`Not one of the ${images.length} images in ${dir} can be read.`);
  return concatenate(found).subarray(0, bytes);
}

/** The first test images of a data set that has a name. */
async function readTestImages(
  name: "cifar10" | "cifar100",
  { size, preprocessing = defaultPreprocessing(size.image) }: PretrainedEncoder,
  rows: number,
  flags: ImageFlags,
): Promise<Uint8Array> {
  const { test } = await openImages(name, flags, sideForFraming(preprocessing));
  const first = Uint32Array.from({ length: Math.min(rows, test!.length) }, (_, i) => i);
  return colourPixels((await test!.centred(first, preprocessing)).pixels);
}

/** Neighbours of each image. */
const NEIGHBOURS = 3;

/** The images of a data set that the encoder finds most like each of these: [B * k, image, image, 3]. */
async function findNeighbours(
  { size, parameters, preprocessing = defaultPreprocessing(size.image) }: PretrainedEncoder,
  pixels: Uint8Array,
  data: string,
  flags: ImageFlags,
): Promise<Uint8Array> {
  const { train: bank } = await openImages(data, flags, sideForFraming(preprocessing));
  const bar = progressBar({ label: `Encoding ${bank.name}`, total: bank.length, unit: "images" });
  const onProgress = (images: number) => bar.update(images);
  const features = await cachedFeatures(parameters, size, bank, { preprocessing, onProgress }).finally(() =>
    bar.stop()
  );
  const labels = new Int32Array(imageCount(pixels, size.image)).fill(-1);
  const own = memoryDataset({ name: "images", classes: [], pixels, width: size.image, height: size.image, labels });
  const { mean, deviation } = preprocessing;
  // The images are cut already.
  const framed = { ...defaultPreprocessing(size.image), mean, deviation };
  const queries = await extractFeatures(parameters, size, own, { preprocessing: framed });
  const { indices } = nearestNeighbours(queries.values, features.values, size.width, Math.min(NEIGHBOURS, bank.length));
  const { pixels: nearest } = await bank.centred(Uint32Array.from(indices), preprocessing);
  reportSkipped(bank);
  return colourPixels(nearest);
}

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** Opens decoders of an encoder, and holds that they are of it. */
function decodersOf(weights: string, encoder: FrozenEncoder) {
  async function open<Kind extends DecoderConfig["kind"]>(path: string, kind: Kind, what: Decodes) {
    const decoder = await loadDecoder(path, kind), own = decodes(decoder.config);
    if (own !== what) throw new Error(`${path} is a decoder of ${own}, but one of ${what} is wanted here.`);
    checkDecoderFits(decoder.config, encoder);
    if (decoder.encoder !== undefined && decoder.encoder !== await encoderDigest(decoder.config, encoder)) {
      throw new Error(
        `${path} was trained for other weights than ${weights}: name those with --weights, or another decoder.`,
      );
    }
    return decoder;
  }
  return {
    async needed(given: string | undefined) {
      const path = given ?? await decoderFolder(weights, "representations");
      if (!await exists(path)) {
        const out = given === undefined ? [] : ["--out", typedPath(given)];
        const train = commandLine("train-decoder", "--weights", typedPath(weights), ...out);
        throw new Error(`There is no decoder at ${path}. Train one with: ${train}`);
      }
      return await open(path, "pooled", "representations");
    },
    async wanted<Kind extends DecoderConfig["kind"]>(given: string | undefined, kind: Kind, what: Decodes) {
      const path = given ?? await decoderFolder(weights, what);
      const isThere = given !== undefined || await exists(`${path}/decoder.safetensors`);
      return isThere ? await open(path, kind, what) : undefined;
    },
  };
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "decoder": { type: "string", values: "folder" },
    "prediction-decoder": { type: "string", values: "folder" },
    "patch-decoder": { type: "string", values: "folder" },
    "images": { type: "string", values: "folder" },
    "neighbours": { type: "string", values: "folder" },
    "out": { type: "string", values: "folder" },
    "rows": { type: "string", default: "8" },
    "samples": { type: "string", default: "8" },
    "steps": { type: "string", default: "25" },
    "guidance": { type: "string", default: "2" },
    "seed": { type: "string", default: "0" },
    ...IMAGE_FLAGS,
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const { weights, images, out } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  if (images === undefined) throw new Error("Say which images: --images DIR, or cifar10.");
  if (out === undefined) throw new Error("Say where the pictures are to go: --out DIR.");
  const whole = (name: "rows" | "samples" | "steps" | "seed") => numberOf(name, flags[name], { integer: true })!;
  const rows = whole("rows"), samples = whole("samples");
  if (rows < 1 || samples < 1) throw new Error("--rows and --samples take a whole number from 1 on.");
  const sampling = { steps: whole("steps"), guidance: numberOf("guidance", flags.guidance)!, seed: whole("seed") };

  await setUpTensorFlow();
  const loaded = await loadWeights(weights), encoder = frozenEncoder(loaded);
  const { needed, wanted } = decodersOf(weights, encoder), given = flags["prediction-decoder"];
  const ofPredictions = loaded.predictor || given !== undefined
    ? await wanted(given, "pooled", "predictions")
    : undefined;
  // One of predictions alone is enough to draw these.
  const decoder = flags.decoder === undefined && given !== undefined
    ? await wanted(undefined, "pooled", "representations")
    : await needed(flags.decoder);
  const patchDecoder = await wanted(flags["patch-decoder"], "patches", "patches");
  const pixels = images === "cifar10" || images === "cifar100"
    ? await readTestImages(images, loaded, rows, flags)
    : await readImages(images, loaded, rows, flags["skip-bad-images"]);
  const start = performance.now(), { image, patch } = encoder.size, count = imageCount(pixels, image);
  const shown: Pictures = { pixels, size: image }, written: string[] = [];
  const save = async (figure: Figure, name: string) => {
    await saveFigure(figure, `${out}/${name}.png`);
    written.push(`${out}/${name}.png`);
  };

  const representations = await representImages(encoder, pixels);
  const bank = flags.neighbours;
  const seen = (some: Uint8Array | undefined) => some && { pixels: some, size: image };
  const decoded = seen(patchDecoder && await reconstruct(encoder, patchDecoder, pixels));
  const neighbours = seen(bank === undefined ? undefined : await findNeighbours(loaded, pixels, bank, flags));

  const points = Math.max(2, samples), between = count > 1 ? (count - 1) * points : 0;
  const total = (loaded.predictor ? 1 : 0) * count * samples + (decoder ? count * samples + between : 0);
  const bar = progressBar({ label: "Drawing", total, unit: "samples" });
  let done = 0;
  const options = { ...sampling, onProgress: (some: number) => bar.update(done + some) };
  const drawn = async ({ config }: PooledDecoder, drawing: Promise<Uint8Array>): Promise<Pictures> => {
    const pixels = await drawing, { image: size } = config.network;
    done += imageCount(pixels, size);
    return { pixels, size };
  };
  try {
    if (decoder) {
      const own = await drawn(decoder, sampleEach(decoder, representations, samples, options));
      await save(samplesFigure(shown, own, { decoded, neighbours }), "samples");
    }
    if (loaded.predictor) {
      const grid = [image / patch, image / patch] as const;
      const masks = multiBlock({ grid })(count, randomStream(sampling.seed));
      const predicted = await representPredictions(encoder, loaded.predictor, pixels, masks); // [M, B, D]
      const first = predicted.subarray(0, representations.length);
      const by = ofPredictions ?? decoder!, guesses = await drawn(by, sampleEach(by, first, samples, options));
      await save(predictionsFigure(shown, { grid, masks }, guesses), "predictions");
    } else {
      bar.log(`${weights} holds no predictor: nothing is decoded of predictions.`);
    }
    if (decoder && between) {
      const line = await drawn(decoder, sampleBetween(decoder, representations, points, options));
      await save(interpolationFigure(shown, line), "interpolation");
    }
  } finally {
    bar.stop();
  }
  tf.dispose([loaded.parameters, loaded.predictor?.parameters ?? {}]);
  for (const some of [decoder, ofPredictions, patchDecoder]) {
    tf.dispose([some?.parameters ?? {}, some?.standardisation ?? {}]);
  }
  await tell({ pictures: written, weights, images: count });
  console.log(`${written.join(", ")} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

if (import.meta.main) await runCommand(main);
