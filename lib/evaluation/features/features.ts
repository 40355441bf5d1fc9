/**
 * What is evaluated of an image: one vector, the target encoder's representations averaged over the patches (paper,
 * appendix A.1), its representations patch by patch, or its raw pixels as a baseline.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { defaultPreprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { checkFinite, featureBatches } from "./feature_batches.ts";
import { type EncodingOptions, featureShape } from "./feature_encoder.ts";
import { everyRow, inChunks } from "../passes.ts";

/** One vector for each image of a data set, in its order. */
export interface Features {
  /** [N, width], row-major. */
  values: Float32Array<ArrayBuffer>;
  /** Length of a vector: D, or 4D for the last four layers. */
  width: number;
  /** [N], -1 where unknown. */
  labels: Int32Array;
  /** Only TokenFeatures have this: a classifier of vectors does not take them for its own. */
  tokens?: undefined;
}

/** One vector for each patch of each image of a data set, in its order. */
export interface TokenFeatures {
  /** [N, tokens, width], row-major: patches in raster order. */
  values: Float32Array<ArrayBuffer>;
  /** Patches of an image. */
  tokens: number;
  /** Length of a vector: D, or 4D for the last four layers. */
  width: number;
  /** [N], -1 where unknown. */
  labels: Int32Array;
}

/** How to extract features. */
export interface FeatureOptions extends EncodingOptions {
  /** Told after each batch how many images are done. */
  onProgress?: (images: number) => void;
}

/**
 * Features of all images of a data set, framed as the preprocessing says: what the target encoder's last layer and its
 * norm put out, or the last four, averaged over the patches unless `pool` is "none".
 *
 * All of them are held in memory: 50,000 images of 64 patches and width 192 are 2.5 GB where they are not pooled. For
 * more, take them batch by batch from featureBatches().
 *
 * @param targetEncoder stay the caller's
 * @returns width is the encoder's, or four times that
 * @throws RangeError as featureBatches() does; Error where a feature is not finite
 */
export function extractFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options?: FeatureOptions & { pool?: "mean" },
): Promise<Features>;
/** Features of all patches of all images, not averaged. */
export function extractFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options: FeatureOptions & { pool: "none" },
): Promise<TokenFeatures>;
/** Either, where which of the two is known only at run time. */
export function extractFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options?: FeatureOptions,
): Promise<Features | TokenFeatures>;
export async function extractFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options: FeatureOptions = {},
): Promise<Features | TokenFeatures> {
  const { batch = 256, preprocessing = defaultPreprocessing(size.image, size.channels), onProgress } = options;
  const shape = featureShape(size, options);
  const perImage = shape.reduce((product, n) => product * n, 1);
  const values = allocate(dataset, perImage);
  const labels = new Int32Array(dataset.length);
  const rows = dataset.length === 0 ? batch : Math.min(batch, dataset.length);

  async function* images() {
    for (const indices of inChunks(everyRow(dataset.length), rows)) {
      yield { ...await dataset.centred(indices, preprocessing), first: indices[0] };
    }
  }

  const stream = featureBatches(targetEncoder, size, images(), { ...options, batch: rows, preprocessing });
  for await (const { images: { first, labels: own }, values: encoded } of stream) {
    checkFinite(encoded, perImage, (row) => `Image ${first + row} of ${dataset.name}`);
    values.set(encoded, first * perImage);
    // Not the data set's: an image that replaces an unreadable one brings its own.
    labels.set(own, first);
    onProgress?.(first + own.length);
  }
  const width = shape.at(-1)!;
  return shape.length === 1 ? { values, width, labels } : { values, tokens: shape[0], width, labels };
}

function allocate({ name, length }: Dataset, perImage: number): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(length * perImage);
  } catch (error) {
    const size = `${(length * perImage * 4e-9).toFixed(1)} GB`;
    throw new RangeError(
      `The features of ${name}, ${size}, do not fit in memory: take them batch by batch with featureBatches().`,
      { cause: error },
    );
  }
}

/**
 * Raw pixels as features, the baseline of every probe: all images of a data set, centre-cropped, and divided by 255.
 *
 * @param size height and width to bring the images to
 * @returns width is size * size * channels
 */
export async function pixelFeatures(dataset: Dataset, size: number): Promise<Features> {
  const width = size * size * (dataset.channels ?? 3);
  const values = new Float32Array(dataset.length * width), labels = new Int32Array(dataset.length);
  for (const indices of inChunks(everyRow(dataset.length), 256)) {
    const { pixels, labels: own } = await dataset.centred(indices, size);
    labels.set(own, indices[0]);
    const start = indices[0] * width;
    for (let i = 0; i < pixels.length; i++) values[start + i] = pixels[i] / 255;
  }
  return { values, width, labels };
}

/** The mean of each column, [width]. */
export function columnMeans({ values, width }: Features): Float64Array<ArrayBuffer> {
  const means = new Float64Array(width), rows = values.length / width;
  for (let start = 0; start < values.length; start += width) {
    for (let j = 0; j < width; j++) means[j] += values[start + j];
  }
  return means.map((sum) => sum / rows);
}

/**
 * Holds that a classifier can be fitted to one set and measured on the other.
 *
 * @throws RangeError where a set is empty, an image has no label, or the widths differ
 */
export function checkPair(train: Features, test: Features): void {
  for (const [name, { values, width, labels }] of [["training", train], ["test", test]] as const) {
    if (labels.length === 0) throw new RangeError(`The ${name} set holds no images.`);
    if (values.length !== labels.length * width) {
      throw new RangeError(
        `The ${name} set has ${labels.length} labels, but ${values.length} values are not as many rows of ${width}.`,
      );
    }
    const stray = labels.findIndex((label) => label < 0);
    if (stray >= 0) throw new RangeError(`Image ${stray} of the ${name} set has no label: leave such images out.`);
  }
  if (train.width !== test.width) {
    throw new RangeError(
      `The training features are ${train.width} wide, the test features ${test.width}: extract both with one encoder.`,
    );
  }
}
