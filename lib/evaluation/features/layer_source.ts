/**
 * Features of the last layer and of the last four as linear heads read them: batch by batch, in any order, and where the
 * images are cropped and mirrored anew at each step, other ones each time.
 *
 * @module
 */
import type { CropRange, Dataset } from "../../datasets/dataset.ts";
import type { Pixels } from "../../datasets/pixels/cut_image.ts";
import { mirror } from "../../datasets/pixels/geometric.ts";
import type { Framing } from "../../datasets/pixels/preprocessing.ts";
import { randomStream } from "../../random.ts";
import { checkFinite } from "./feature_batches.ts";
import type { FeatureEncoder } from "./feature_encoder.ts";
import { checkPair, type Features } from "./features.ts";

/** Features of a set of images, average-pooled. */
export interface LayerFeatures {
  /** Of the last layer. */
  last: Features;
  /** Of the last four, side by side; left out, only the last is evaluated. */
  last4?: Features;
}

/** Features that are read as they are needed. */
export interface LayerSource {
  /** [N], an image's each. */
  labels: Int32Array;
  /** Length of a row. */
  width: number;
  /** A row's columns that are the last layer's, [first, past the last], and those that are the last four's. */
  columns: { last: readonly [number, number]; last4?: readonly [number, number] };
  /** Those of the images at these places, as step `step` sees them: [B, width], row-major. */
  read(rows: Uint32Array, step: number): Promise<Float32Array<ArrayBuffer>>;
}

/** What is made of an image before it is encoded. */
export interface View {
  /** Random resized crops, other ones in each step; without it the framing. */
  crop?: CropRange;
  /** The framing where nothing is cropped at random; its square is also the crops'. */
  framing: Framing;
  /** Whether half of the images, others in each step, are mirrored. */
  mirrored: boolean;
  /** Crops and mirror images follow from it. */
  seed: number;
}

/** Images encoded at once, at most. */
const ENCODED_AT_ONCE = 128;

/** How many images to encode at once, where steps take so many: all, or as many as cut them evenly. */
export function encodedAtOnce(batch: number): number {
  return Math.ceil(batch / Math.ceil(batch / ENCODED_AT_ONCE));
}

/** Numbers that are kept of images of which a view shows two sides at most. */
const KEPT = 2 ** 28;

/** Whether a step sees an image mirrored. */
export function isMirrored({ mirrored, seed }: View, step: number, row: number): boolean {
  // A stream that the crop, whose key is one number shorter, does not share.
  return mirrored && randomStream(seed, step, row, 0).integer(2) === 1;
}

/** Pixels of the images at these places, [B, side, side, c], as a step sees them. */
export async function viewPixels(
  dataset: Dataset,
  view: View,
  rows: Uint32Array,
  step: number,
): Promise<Pixels> {
  const { crop, framing, seed } = view, side = framing.crop, { channels = 3 } = dataset;
  const length = side * side * channels;
  const { pixels } = crop
    ? await dataset.crops(rows, side, crop, { seed, epoch: step })
    : await dataset.centred(rows, framing);
  rows.forEach((row, i) => {
    if (!isMirrored(view, step, row)) return;
    const own = pixels.subarray(i * length, (i + 1) * length);
    own.set(mirror(own, side, channels));
  });
  return pixels;
}

function checkLabels({ name, length, labels }: Dataset): void {
  if (length === 0) throw new RangeError(`${name} holds no images.`);
  const stray = labels.findIndex((label) => label < 0);
  if (stray >= 0) throw new RangeError(`Image ${stray} of ${name} has no label: leave such images out.`);
}

/**
 * Images as an encoder sees them: of the last four layers, whose last quarter is the last layer, or of the last alone.
 * Where nothing is cropped an image has two sides at most, and each is encoded once, as long as memory allows.
 *
 * @param encoder puts out rows of `width`, of at most `atOnce` images; stays the caller's
 * @throws RangeError where there are no images, or one has no label
 */
export function encodedSource(
  dataset: Dataset,
  view: View,
  encoder: Pick<FeatureEncoder, "encode">,
  { width, lastFour, atOnce }: { width: number; lastFour: boolean; atOnce: number },
): LayerSource {
  checkLabels(dataset);
  const length = view.framing.crop ** 2 * (dataset.channels ?? 3);

  async function encode(rows: Uint32Array, step: number): Promise<Float32Array<ArrayBuffer>> {
    const pixels = await viewPixels(dataset, view, rows, step);
    const values = new Float32Array(rows.length * width);
    for (let start = 0; start < rows.length; start += atOnce) {
      const own = pixels.subarray(start * length, (start + atOnce) * length);
      values.set(await encoder.encode(own), start * width);
    }
    checkFinite(values, width, (row) => `Image ${rows[row]} of ${dataset.name}`);
    return values;
  }

  const sides = view.mirrored ? 2 : 1;
  const keeps = !view.crop && sides * dataset.length * width <= KEPT;
  const kept: (Float32Array | undefined)[] = [];
  async function read(rows: Uint32Array, step: number): Promise<Float32Array<ArrayBuffer>> {
    if (!keeps) return await encode(rows, step);
    const placeOf = (row: number) => sides * row + Number(isMirrored(view, step, row));
    const missing = [...new Set(rows)].filter((row) => !kept[placeOf(row)]);
    if (missing.length > 0) {
      const values = await encode(Uint32Array.from(missing), step);
      missing.forEach((row, i) => kept[placeOf(row)] = values.subarray(i * width, (i + 1) * width));
    }
    const gathered = new Float32Array(rows.length * width);
    rows.forEach((row, i) => gathered.set(kept[placeOf(row)]!, i * width));
    return gathered;
  }

  return {
    labels: dataset.labels,
    width,
    columns: lastFour ? { last: [3 * width / 4, width], last4: [0, width] } : { last: [0, width] },
    read,
  };
}

/** Raw pixels / 255 as features. */
export function pixelSource(dataset: Dataset, view: View): LayerSource {
  const width = view.framing.crop ** 2 * (dataset.channels ?? 3);
  const encode = (pixels: Pixels<ArrayBufferLike>) => {
    const values = new Float32Array(pixels.length);
    for (let i = 0; i < pixels.length; i++) values[i] = pixels[i] / 255; // from() with a function takes ten times as long
    return Promise.resolve(values);
  };
  return encodedSource(dataset, view, { encode }, { width, lastFour: false, atOnce: ENCODED_AT_ONCE });
}

/** Features that are in memory, the same in each step. */
export function memorySource({ last, last4 }: LayerFeatures): LayerSource {
  const width = last.width + (last4?.width ?? 0);
  return {
    labels: last.labels,
    width,
    columns: { last: [0, last.width], ...(last4 && { last4: [last.width, width] as const }) },
    read(rows) {
      const gathered = new Float32Array(rows.length * width);
      rows.forEach((row, i) => {
        gathered.set(last.values.subarray(row * last.width, (row + 1) * last.width), i * width);
        if (!last4) return;
        gathered.set(last4.values.subarray(row * last4.width, (row + 1) * last4.width), i * width + last.width);
      });
      return Promise.resolve(gathered);
    },
  };
}

/**
 * Holds that heads can be trained on one set's features and measured on the other's.
 *
 * @throws RangeError where the sets, or the layers of one, do not fit together
 */
export function checkLayers(train: LayerFeatures, test: LayerFeatures): void {
  checkPair(train.last, test.last);
  if (!train.last4 && !test.last4) return;
  if (!train.last4 || !test.last4) {
    throw new RangeError("The features of the last four layers are given for one set alone: give both, or neither.");
  }
  checkPair(train.last4, test.last4);
  for (const [name, { last, last4 }] of [["training", train], ["test", test]] as const) {
    if (last.labels.length !== last4!.labels.length || last.labels.some((label, i) => label !== last4!.labels[i])) {
      throw new RangeError(
        `The ${name} set's features of the last layer and of the last four are not of the same images.`,
      );
    }
  }
}
