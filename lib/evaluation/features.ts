/**
 * What is evaluated of an image: one vector, the target encoder's representations averaged over the patches (paper,
 * appendix A.1), or its raw pixels as a baseline.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import { encode, patchify } from "../jepa/encoder.ts";
import type { Parameters } from "../nn/parameters.ts";
import { tf, uint8Tensor } from "../tensorflow/backend.ts";
import { compile, type CompileOptions } from "../tensorflow/compile.ts";

/** One vector for each image of a data set, in its order. */
export interface Features {
  /** [N, width], row-major. */
  values: Float32Array<ArrayBuffer>;
  /** Length of a vector, D. */
  width: number;
  /** [N], -1 where unknown. */
  labels: Int32Array;
}

/** How to extract features. */
export interface FeatureOptions extends Pick<CompileOptions, "jit" | "precision"> {
  /** Images encoded at once. Default 256. */
  batch?: number;
  /** Told after each batch how many images are done. */
  onProgress?: (images: number) => void;
}

/** The indices of a data set's images, `batch` at a time. */
function chunks(length: number, batch: number): Uint32Array[] {
  const all = Uint32Array.from({ length }, (_, i) => i);
  return Array.from({ length: Math.ceil(length / batch) }, (_, i) => all.subarray(i * batch, (i + 1) * batch));
}

/**
 * Features of all images of a data set, centre-cropped: the average over patches of what the target encoder's last layer
 * and its norm put out.
 *
 * @param targetEncoder stay the caller's
 * @returns width is the encoder's
 * @throws RangeError for a batch below 1; Error where a feature is not finite
 */
export async function extractFeatures(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  { batch = 256, precision, jit, onProgress }: FeatureOptions = {},
): Promise<Features> {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new RangeError(`A batch must hold at least one image; got ${batch}.`);
  }
  const { image, width } = size;
  const values = new Float32Array(dataset.length * width);
  const labels = new Int32Array(dataset.length);
  const rows = Math.min(batch, dataset.length);
  const pool = compile(
    (p: Parameters, pixels: tf.Tensor) => tf.mean(encode(p, size, patchify(pixels, size.patch)), 1), // [B, D]
    { precision, jit, name: "features" },
  );

  async function load(indices: Uint32Array | undefined): Promise<Uint8Array> {
    // Every batch is of one size, the last one filled up with black, so that one compilation serves.
    const pixels = new Uint8Array(rows * image * image * 3);
    if (indices) {
      const batch = await dataset.centred(indices, image);
      pixels.set(batch.pixels);
      // Not the data set's: an image that replaces an unreadable one brings its own.
      labels.set(batch.labels, indices[0]);
    }
    return pixels;
  }

  async function encodeBatch(pixels: Uint8Array): Promise<Float32Array> {
    const images = uint8Tensor(pixels, [rows, image, image, 3]);
    try {
      const pooled = await pool(targetEncoder, images);
      try {
        return await pooled.data() as Float32Array;
      } finally {
        pooled.dispose();
      }
    } finally {
      images.dispose();
    }
  }

  const batches = chunks(dataset.length, rows);
  try {
    let pixels = await load(batches[0]);
    for (const [i, indices] of batches.entries()) {
      // The next images are decoded while these are encoded.
      const [encoded, loaded] = await Promise.allSettled([encodeBatch(pixels), load(batches[i + 1])]);
      if (encoded.status === "rejected") throw encoded.reason;
      if (loaded.status === "rejected") throw loaded.reason;
      const [features, next] = [encoded.value, loaded.value];
      values.set(features.subarray(0, indices.length * width), indices[0] * width);
      pixels = next;
      onProgress?.(indices[0] + indices.length);
    }
  } finally {
    pool.dispose();
  }
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw new Error(
      `Image ${
        Math.floor(broken / width)
      } of ${dataset.name} has features that are not finite numbers: look for NaN or ` +
        `overflow in the weights.`,
    );
  }
  return { values, width, labels };
}

/**
 * Raw pixels as features, the baseline of every probe: all images of a data set, centre-cropped, in [0, 1].
 *
 * @param size height and width to bring the images to
 * @returns width is size * size * 3
 */
export async function pixelFeatures(dataset: Dataset, size: number): Promise<Features> {
  const width = size * size * 3;
  const values = new Float32Array(dataset.length * width), labels = new Int32Array(dataset.length);
  for (const indices of chunks(dataset.length, 256)) {
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
