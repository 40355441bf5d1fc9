/**
 * Mean reciprocal rank: whether a predictor that is told how a version of an image was made says what is true of that
 * version rather than of others of the same image (as Garrido et al. 2024, arXiv 2403.00504, measure equivariance).
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { colourPixels } from "../../datasets/pixels/cut_image.ts";
import type { Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize, PredictorSize } from "../../jepa/architectures.ts";
import { encode, patchify } from "../../jepa/encoder.ts";
import {
  drawView,
  plainView,
  TRANSFORMATION,
  transformation,
  viewPixels,
  type ViewRange,
} from "../../methods/parts/image_views.ts";
import { predictViews } from "../../methods/objectives/image_world_model.ts";
import { normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";

/**
 * The mean of 1 / rank over predictions, where the rank of a prediction's own version is its place among all versions by
 * their distance from the prediction, 1 for the nearest; of versions that are as far away, half count as nearer.
 *
 * @param distances [V, V], row by row of each prediction from every version; its own is on the diagonal
 * @throws RangeError where they are not
 */
export function meanReciprocalRank(distances: ArrayLike<number>): number {
  const versions = Math.sqrt(distances.length);
  if (!(Number.isInteger(versions) && versions > 0)) {
    throw new RangeError(`${distances.length} distances are not those of V predictions from V versions.`);
  }
  let sum = 0;
  for (let row = 0; row < versions; row++) {
    const own = distances[row * versions + row];
    let rank = 1;
    for (let column = 0; column < versions; column++) {
      const other = distances[row * versions + column];
      if (column !== row) rank += other < own ? 1 : other === own ? 0.5 : 0;
    }
    sum += 1 / rank;
  }
  return sum / versions;
}

/** What meanReciprocalRank() of V versions is where predictions say nothing of them: the mean of 1 / r, r = 1 .. V. */
export function chanceReciprocalRank(versions: number): number {
  return Array.from({ length: versions }, (_, i) => 1 / (i + 1)).reduce((sum, one) => sum + one, 0) / versions;
}

/** An encoder, and a predictor that is told transformations. */
export interface ImageWorldModel {
  /** The encoder's sizes. */
  size: EncoderSize;
  /** The encoder's. */
  parameters: Parameters;
  /** The predictor's, whose size has `conditions`. */
  predictor: { size: PredictorSize; parameters: Parameters };
  /** What images go through before the encoder. */
  preprocessing: Preprocessing;
}

/** How to measure. */
export interface ReciprocalRankOptions {
  /** Versions of each image, the paper's 256. */
  versions: number;
  /** From where they are drawn. */
  range: ViewRange;
  /** Versions follow from it. */
  seed: number;
  /** Told how many images are done. */
  onProgress?: (images: number) => void;
}

/**
 * The mean reciprocal rank of a model on images, whole ones as the source, in 0 .. 1: told each version's transformation, it
 * predicts all of its tokens, whose mean squared distance from what the encoder says of every version, layer-normed as a
 * target, gives the rank.
 */
export async function reciprocalRanks(
  { size, parameters, predictor, preprocessing }: ImageWorldModel,
  images: Dataset,
  { versions, range, seed, onProgress }: ReciprocalRankOptions,
): Promise<number> {
  const { image, patch, width } = size, bytes = image * image * 3, tokens = (image / patch) ** 2;
  const distances = compile( // in float32: they are differences of large numbers
    function version_distances(
      encoder: Parameters,
      narrow: Parameters,
      source: Tensor,
      views: Tensor,
      told: Tensor,
    ): Tensor {
      const own = (pixels: Tensor) => encode(encoder, size, patchify(pixels, patch, preprocessing));
      const places = Int32Array.from({ length: versions * tokens }, (_, i) => i % tokens);
      const all = tf.tensor2d(places, [versions, tokens], "int32"); // [V, N]
      const seen = tf.tile(own(source), [versions, 1, 1]); // [V, N, D], of [1, N, D]
      const predicted = predictViews(narrow, predictor.size, seen, all, tf.expandDims(all, 0), told); // [1, V, N, D]
      const a = tf.reshape(predicted, [versions, tokens * width]) as tf.Tensor2D;
      const b = tf.reshape(normalise(own(views)), [versions, tokens * width]) as tf.Tensor2D;
      const squares = (x: Tensor) => tf.sum(tf.square(x), 1);
      const products = tf.matMul(a, b, false, true); // [V, V]
      return tf.add(tf.sub(tf.expandDims(squares(a), 1), tf.mul(products, 2)), tf.expandDims(squares(b), 0));
    },
  );
  let sum = 0;
  try {
    for (let index = 0; index < images.length; index++) {
      const { pixels } = await images.centred(Uint32Array.of(index), preprocessing), whole = colourPixels(pixels);
      const views = new Uint8Array(versions * bytes), told = new Float32Array(versions * TRANSFORMATION);
      for (let v = 0; v < versions; v++) {
        const view = drawView(image, range, randomStream(seed, index, v));
        views.set(viewPixels(whole, image, view, range.crop.interpolation), v * bytes);
        told.set(transformation(plainView(image), view), v * TRANSFORMATION);
      }
      const given = [
        uint8Tensor(Uint8Array.from(whole), [1, image, image, 3]),
        uint8Tensor(views, [versions, image, image, 3]),
        tf.tensor2d(told, [versions, TRANSFORMATION]),
      ] as const;
      const values = await distances(parameters, predictor.parameters, ...given);
      sum += meanReciprocalRank(await values.data<"float32">());
      tf.dispose([...given, values]);
      onProgress?.(index + 1);
    }
  } finally {
    distances.dispose();
  }
  return sum / images.length;
}
