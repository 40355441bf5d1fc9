/**
 * `deno task encode`: features of image files by an encoder that was trained before, into one file.
 *
 * @module
 */
import { findImages, type ListedImage, readImageList } from "../datasets/folders/image_list.ts";
import type { Unreadable } from "../datasets/folders/folder_tree.ts";
import { type ImageReading, readingOf } from "../datasets/pixels/cut_image.ts";
import { encodeImages } from "../evaluation/features/encode_images.ts";
import { progressBar } from "../figures/progress.ts";
import { tf } from "../tensorflow/backend.ts";
import { rowFiles } from "../weights/formats/row_writer.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { checkOutputFile, checkReplacesNothing, numberOf, oneOf } from "./terminal/flags.ts";
import { COLOURS, coloursOf, IMAGE_HELP, readPreprocessingFlag } from "./inputs/image_flags.ts";
import { loadWeights, WEIGHTS_HELP } from "./inputs/load_weights.ts";
import { chosenPrecision, PRECISION_HELP, PRECISIONS } from "./terminal/precision.ts";
import { INTERRUPTED } from "./processes/exit_codes.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { onStop } from "./processes/stop_signal.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task encode --weights FILE|DIR --images DIR --out FEATURES.safetensors",
  "Writes one row of features for each image, in the order of the file names.",
  {
    "--weights PATH": WEIGHTS_HELP,
    "--images DIR": "all images in this folder and those below it",
    "--list FILE": "the images that this file names, one path a line, in its order; from DIR where that is given",
    "--out FILE": ".safetensors, with the names as a JSON array in the metadata, or .npy, with them in FILE.npy.txt",
    "--layer LAYER": "last (default) | last4: the last four layers side by side, four times as wide",
    "--pool POOL": "mean (default): a vector an image | none: one for each patch, [images, patches, width]",
    "--batch N": "images encoded at once (default 64)",
    "--heads N": "attention heads, where the weights do not say",
    "--image N": "side of the images, in pixels, to which positions are interpolated",
    ...IMAGE_HELP,
    "--precision P": `${PRECISION_HELP} (default)`,
    "--skip-bad-images": "leaves images that cannot be read out of the file, and says which, instead of stopping",
  },
);

async function listImages(
  dir: string | undefined,
  list: string | undefined,
  colours: ImageReading,
  skipBad: boolean,
): Promise<{ images: ListedImage[]; unreadable: Unreadable[] }> {
  if (list !== undefined) return { images: await readImageList(list, dir), unreadable: [] };
  const { images, ignored, unreadable } = await findImages(dir!, { onBadImage: skipBad ? "skip" : "stop", colours });
  if (ignored.length > 0) {
    console.log(`${ignored.length} file(s) or folder(s) are no images and left out, such as ${ignored[0]}.`);
  }
  return { images, unreadable };
}

const LAYERS = ["last", "last4"] as const, POOLS = ["mean", "none"] as const;

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "file" },
    "images": { type: "string", values: "folder" },
    "list": { type: "string", values: "file" },
    "out": { type: "string", values: "file" },
    "layer": { type: "string", default: "last", values: LAYERS },
    "pool": { type: "string", default: "mean", values: POOLS },
    "batch": { type: "string", default: "64" },
    "heads": { type: "string" },
    "image": { type: "string" },
    "preprocessing": { type: "string", values: "file" },
    "colours": { type: "string", default: "managed", values: COLOURS },
    "precision": { type: "string", default: "auto", values: PRECISIONS },
    "skip-bad-images": { type: "boolean", default: false },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const { weights, out } = flags;
  if (weights === undefined) throw new Error("Say which encoder: --weights FILE or DIR.");
  if (out === undefined) throw new Error("Say where the features are to go: --out FEATURES.safetensors, or .npy.");
  if ((flags.images ?? flags.list) === undefined) {
    throw new Error("Say which images: --images DIR, or --list FILE.");
  }
  const layer = oneOf("layer", flags.layer, LAYERS);
  const pool = oneOf("pool", flags.pool, POOLS);
  const askedPrecision = oneOf("precision", flags.precision, PRECISIONS);
  const asked = coloursOf(flags.colours);
  const batch = Number(flags.batch);
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new Error(`--batch takes a whole number from 1 on; got "${flags.batch}".`);
  }
  const heads = numberOf("heads", flags.heads, { integer: true });
  const image = numberOf("image", flags.image, { integer: true });
  for (const file of rowFiles(out)) {
    await checkOutputFile("out", file);
    await checkReplacesNothing(file, { list: flags.list, weights });
  }
  const choosePreprocessing = await readPreprocessingFlag(flags.preprocessing);
  await setUpTensorFlow();
  const { predictor, ...encoder } = await loadWeights(weights, { heads, image });
  tf.dispose(predictor?.parameters ?? {});
  const colours = readingOf(encoder.size.channels, asked);
  const { images, unreadable } = await listImages(flags.images, flags.list, colours, flags["skip-bad-images"]);
  const precision = await chosenPrecision(askedPrecision, encoder.size.width);
  const { size, parameters } = encoder, preprocessing = choosePreprocessing(weights, encoder);

  const bad = unreadable.map(({ path, reason }) => `${path} (${reason})`);
  const onBadImage = ({ path }: ListedImage, reason: string) => {
    if (!flags["skip-bad-images"]) {
      throw new Error(`${path} cannot be read as an image (${reason}): repair or remove it, or add --skip-bad-images.`);
    }
    bad.push(`${path} (${reason})`);
  };
  const stop = new AbortController();
  const onSignal = () => {
    stop.abort();
    console.error(`\nStopped: nothing was written to ${out}.`);
    Deno.exit(INTERRUPTED);
  };
  const unlisten = onStop(onSignal);
  const bar = progressBar({ label: "Encoding", total: images.length, unit: "images" });
  const shape = await encodeImages(parameters, size, images, out, {
    layer,
    pool,
    precision,
    batch,
    preprocessing,
    colours,
    metadata: { weights },
    onBadImage,
    onProgress: (done) => bar.update(done),
    signal: stop.signal,
  }).finally(() => {
    bar.stop();
    unlisten();
    tf.dispose(parameters);
  });
  if (bad.length > 0) console.log(`${bad.length} image(s) could not be read and have no row: ${bad.join(", ")}`);
  await tell({ features: rowFiles(out), shape, weights, layer, pool, precision, unreadable: bad });
  console.log(`${out}: features [${shape.join(", ")}] of ${shape[0]} images`);
}

if (import.meta.main) await runCommand(main);
