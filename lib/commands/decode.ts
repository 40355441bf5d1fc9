/**
 * `deno task decode`: pictures of what an encoder's representations of images hold.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findImages, namedBatches } from "../datasets/image_list.ts";
import { defaultPreprocessing } from "../datasets/preprocessing.ts";
import { reconstruct, representImages, representPredictions } from "../decoding/decode.ts";
import { checkDecoderFits, frozenEncoder } from "../decoding/decoder_trainer.ts";
import type { FrozenEncoder } from "../decoding/representation.ts";
import { interpolate, sample, type SampleOptions } from "../decoding/sampler.ts";
import { decoderFolder, loadDecoder, type PatchDecoder, type PooledDecoder } from "../decoding/saved_decoder.ts";
import { type GridImage, imageGrid } from "../figures/image_grid.ts";
import { saveFigure } from "../figures/save.ts";
import { multiBlock } from "../jepa/mask_samplers/multi_block.ts";
import { contextOf, targetBlock } from "../jepa/masks.ts";
import { loadEncoder, type PretrainedEncoder } from "../jepa/pretrained.ts";
import { randomStream } from "../random.ts";
import { tf } from "../tensorflow/backend.ts";
import { numberOf } from "./flags.ts";
import { runCommand } from "./run_command.ts";
import { setUpTensorFlow } from "./setup.ts";

const HELP = `deno task decode --weights FILE|DIR --images DIR --out DIR

Draws what an encoder's representations hold, with decoders that deno task train-decoder trained. In --out:

  samples.png        each image, what the patch decoder makes of its tokens where there is one, and samples for its
                     average-pooled representation: what they share is what it holds
  predictions.png    where the weights hold a predictor: each image with a target block, the context, and samples for what
                     the predictor says of the block from the context alone
  interpolation.png  from each image's representation to the next one's, all from the same noise

  --weights PATH     the encoder: a run's folder or any other weights that deno task encode takes
  --decoder DIR      the decoder's run, or its file (default decoder/ in the folder of the weights)
  --patch-decoder DIR  the patch decoder's (default patch-decoder/ there, if it is there)
  --images DIR       images, of which the first --rows by name are drawn
  --rows N           default 8
  --samples K        samples of each image (default 8)
  --steps N          steps of sampling (default 25)
  --guidance G       1 (default) samples what was learned; above 1 samples fit their representation more and differ less
  --seed S           the noise follows from it (default 0)
  --out DIR          made where it is missing
  --help
`;

/** How many pictures of each kind, and how they are drawn. */
interface Drawing {
  samples: number;
  sampling: Pick<SampleOptions, "steps" | "guidance" | "seed">;
}

/** The i-th of images of `size` pixels that lie one after another. */
const cell = (pixels: Uint8Array, size: number, i: number): GridImage => ({
  pixels: pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3),
  size,
});

/** The first images of a folder by their names, as the encoder takes them. */
async function readImages(dir: string, { size, preprocessing }: PretrainedEncoder, rows: number): Promise<Uint8Array> {
  const { images } = await findImages(dir);
  if (images.length > rows) console.log(`${dir} holds ${images.length} images, of which the first ${rows} are drawn.`);
  const framing = preprocessing ?? defaultPreprocessing(size.image);
  const onBadImage = ({ path }: { path: string }, reason: string) => {
    throw new Error(`${path} cannot be read as an image (${reason}): repair or remove it.`);
  };
  const { value } = await namedBatches(images.slice(0, rows), { batch: rows, framing, onBadImage }).next();
  return value!.pixels;
}

/** Samples for rows of representations [R, D], `samples` for each, all rows from the same noises. */
async function drawRows(decoder: PooledDecoder, rows: Float32Array, { samples, sampling }: Drawing) {
  const { condition, image } = decoder.config.network, count = rows.length / condition;
  const repeated = new Float32Array(count * samples * condition);
  for (let i = 0; i < count * samples; i++) {
    const row = Math.floor(i / samples);
    repeated.set(rows.subarray(row * condition, (row + 1) * condition), i * condition);
  }
  const streams = Array.from({ length: count * samples }, (_, i) => i % samples);
  const drawn = await sample(decoder, repeated, { ...sampling, streams });
  return (row: number) => Array.from({ length: samples }, (_, k) => cell(drawn, image, row * samples + k));
}

const sampleNames = (samples: number) => Array.from({ length: samples }, (_, k) => `Sample ${k + 1}`);

/** A row for each image: itself, decoded patch by patch, and samples. */
async function samplesFigure(
  encoder: FrozenEncoder,
  decoder: PooledDecoder,
  patchDecoder: PatchDecoder | undefined,
  pixels: Uint8Array,
  drawing: Drawing,
) {
  const { image } = encoder.size, count = pixels.length / (image * image * 3);
  const decoded = patchDecoder && await reconstruct(encoder, patchDecoder, pixels);
  const samplesOf = await drawRows(decoder, await representImages(encoder, pixels), drawing);
  const rows = Array.from({ length: count }, (_, i) => [
    cell(pixels, image, i),
    ...(decoded ? [cell(decoded, image, i)] : []),
    ...samplesOf(i),
  ]);
  return imageGrid(["Image", ...(decoded ? ["Patches"] : []), ...sampleNames(drawing.samples)], rows);
}

/** A row for each image: a target block, the context, and samples for what the predictor says of the block. */
async function predictionsFigure(
  encoder: FrozenEncoder,
  predictor: NonNullable<PretrainedEncoder["predictor"]>,
  decoder: PooledDecoder,
  pixels: Uint8Array,
  drawing: Drawing,
) {
  const { image, patch } = encoder.size, count = pixels.length / (image * image * 3);
  const grid = [image / patch, image / patch] as const;
  const masks = multiBlock({ grid })(count, randomStream(drawing.sampling.seed!));
  const predicted = await representPredictions(encoder, predictor, pixels, masks); // [M, B, D]
  const samplesOf = await drawRows(decoder, predicted.subarray(0, count * encoder.size.width), drawing);
  const rows = Array.from({ length: count }, (_, i) => {
    const outlined = targetBlock(masks, 0, i), own = cell(pixels, image, i);
    return [
      { ...own, part: { grid, outlined } },
      { ...own, part: { grid, shown: contextOf(masks, i), outlined } },
      ...samplesOf(i),
    ];
  });
  return imageGrid(["Target", "Context", ...sampleNames(drawing.samples)], rows);
}

/** A row for each pair of neighbours: from one's representation to the other's, between the images themselves. */
async function interpolationFigure(
  encoder: FrozenEncoder,
  decoder: PooledDecoder,
  pixels: Uint8Array,
  { samples, sampling }: Drawing,
) {
  const { image, width } = encoder.size, count = pixels.length / (image * image * 3);
  const representations = await representImages(encoder, pixels), size = decoder.config.network.image;
  const rowOf = (i: number) => representations.subarray(i * width, (i + 1) * width);
  const points = Math.max(2, samples), lines = new Float32Array((count - 1) * points * width);
  for (let i = 0; i + 1 < count; i++) lines.set(interpolate(rowOf(i), rowOf(i + 1), points), i * points * width);
  const streams = Array.from({ length: (count - 1) * points }, () => 0);
  const drawn = await sample(decoder, lines, { ...sampling, streams });
  const rows = Array.from({ length: count - 1 }, (_, i) => [
    cell(pixels, image, i),
    ...Array.from({ length: points }, (_, k) => cell(drawn, size, i * points + k)),
    cell(pixels, image, i + 1),
  ]);
  const shares = Array.from({ length: points }, (_, k) => `${Math.round(100 * k / (points - 1))} %`);
  return imageGrid(["From", ...shares, "To"], rows);
}

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** The decoders of an encoder, of the kinds that they should be; the second where there is one. */
async function openDecoders(weights: string, given: string | undefined, givenPatches: string | undefined) {
  const path = given ?? await decoderFolder(weights, "pooled");
  if (!await exists(path)) throw new Error(`There is no decoder at ${path}: train one with deno task train-decoder.`);
  const decoder = await loadDecoder(path);
  if (decoder.config.kind !== "pooled") throw new Error(`${path} is a patch decoder: name it with --patch-decoder.`);
  const patchPath = givenPatches ?? await decoderFolder(weights, "patches");
  if (givenPatches === undefined && !await exists(`${patchPath}/decoder.safetensors`)) {
    return { decoder: decoder as PooledDecoder };
  }
  const patchDecoder = await loadDecoder(patchPath);
  if (patchDecoder.config.kind !== "patches") {
    throw new Error(`${patchPath} is no patch decoder: name it with --decoder.`);
  }
  return { decoder: decoder as PooledDecoder, patchDecoder: patchDecoder as PatchDecoder };
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    args: Deno.args,
    options: {
      "weights": { type: "string" },
      "decoder": { type: "string" },
      "patch-decoder": { type: "string" },
      "images": { type: "string" },
      "out": { type: "string" },
      "rows": { type: "string", default: "8" },
      "samples": { type: "string", default: "8" },
      "steps": { type: "string", default: "25" },
      "guidance": { type: "string", default: "1" },
      "seed": { type: "string", default: "0" },
      "help": { type: "boolean", short: "h" },
    },
  });
  if (flags.help) return console.log(HELP);
  const { weights, images, out } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  if (images === undefined) throw new Error("Say which images: --images DIR.");
  if (out === undefined) throw new Error("Say where the pictures are to go: --out DIR.");
  const whole = (name: "rows" | "samples" | "steps" | "seed") => numberOf(name, flags[name], { integer: true })!;
  const rows = whole("rows"), samples = whole("samples");
  if (rows < 1 || samples < 1) throw new Error("--rows and --samples take a whole number from 1 on.");
  const sampling = { steps: whole("steps"), guidance: numberOf("guidance", flags.guidance)!, seed: whole("seed") };
  const drawing: Drawing = { samples, sampling };

  await setUpTensorFlow();
  const loaded = await loadEncoder(weights), encoder = frozenEncoder(loaded);
  const { decoder, patchDecoder } = await openDecoders(weights, flags.decoder, flags["patch-decoder"]);
  for (const some of patchDecoder ? [decoder, patchDecoder] : [decoder]) checkDecoderFits(some.config, encoder);
  const pixels = await readImages(images, loaded, rows);
  const start = performance.now();
  await saveFigure(await samplesFigure(encoder, decoder, patchDecoder, pixels, drawing), `${out}/samples.png`);
  const written = [`${out}/samples.png`];
  if (loaded.predictor) {
    const figure = await predictionsFigure(encoder, loaded.predictor, decoder, pixels, drawing);
    await saveFigure(figure, `${out}/predictions.png`);
    written.push(`${out}/predictions.png`);
  } else {
    console.log(`${weights} holds no predictor: nothing is decoded of predictions.`);
  }
  if (pixels.length > encoder.size.image ** 2 * 3) {
    await saveFigure(await interpolationFigure(encoder, decoder, pixels, drawing), `${out}/interpolation.png`);
    written.push(`${out}/interpolation.png`);
  }
  tf.dispose([loaded.parameters, loaded.predictor?.parameters ?? {}]);
  for (const some of [decoder, patchDecoder]) tf.dispose([some?.parameters ?? {}, some?.standardisation ?? {}]);
  console.log(`${written.join(", ")} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

if (import.meta.main) await runCommand(main);
