/**
 * The weighted k-nearest-neighbour classifier: what features can tell without any training on top of them. Wu et al. 2018
 * (arXiv 1805.01978, section 3.4), with the k of DINO (Caron et al. 2021, arXiv 2104.14294).
 *
 * @module
 */
import { tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { checkPair, columnMeans, type Features } from "../features/features.ts";

/** How to vote. */
export interface KnnOptions {
  /** Neighbours that vote. Default 20, or all training images where they are fewer. */
  k?: number;
  /** tau: a neighbour of cosine similarity s has the weight exp(s / tau). Default 0.07. */
  temperature?: number;
  /** Told after each chunk how many test images are done. */
  onProgress?: (images: number) => void;
}

/** What the neighbours said. */
export interface KnnResult {
  /** Test images that were given their own label, in percent. */
  accuracy: number;
  /** [N], a label for each test image. */
  predictions: Int32Array<ArrayBuffer>;
  /** Neighbours that voted. */
  k: number;
}

/** DINO's k. */
export const NEIGHBOURS = 20;

/** Test images compared with all training images at once. */
const CHUNK = 512;

/** Rows less the mean, brought to length 1; a row that is the mean itself becomes zeros, equally far from all. */
function directions({ values, width }: Features, mean: Float64Array): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(values.length);
  for (let start = 0; start < rows.length; start += width) {
    let squares = 0;
    for (let j = 0; j < width; j++) {
      const centred = values[start + j] - mean[j];
      rows[start + j] = centred;
      squares += centred * centred;
    }
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let j = 0; j < width; j++) rows[start + j] *= scale;
  }
  return rows;
}

/** The label with the greatest sum of weights; of equal ones, the least. */
function vote(similarities: Float32Array, labels: Int32Array, temperature: number, votes: Float64Array): number {
  votes.fill(0);
  // Less the greatest similarity, which comes first, so that no temperature overflows.
  similarities.forEach((s, i) => votes[labels[i]] += Math.exp((s - similarities[0]) / temperature));
  return votes.indexOf(votes.reduce((a, b) => Math.max(a, b)));
}

/**
 * Labels each test image by its k most similar training images. Similarity is the cosine after the training features'
 * mean is taken off both sets: without that, what all images share decides, and pixels, which are all positive, and
 * nearly collapsed features look alike. Of equally similar training images the earlier counts as nearer.
 *
 * @throws RangeError where the sets do not fit together, k is not in 1 .. N or the temperature not above 0
 */
export async function knn(train: Features, test: Features, options: KnnOptions = {}): Promise<KnnResult> {
  const { temperature = 0.07, onProgress } = options;
  checkPair(train, test);
  const { width } = train, images = train.labels.length, queries = test.labels.length;
  const k = options.k ?? Math.min(NEIGHBOURS, images);
  if (!Number.isSafeInteger(k) || k < 1 || k > images) {
    throw new RangeError(`kNN needs a whole k between 1 and the ${images} training images; got ${k}.`);
  }
  if (!(temperature > 0)) throw new RangeError(`The temperature must be above 0; got ${temperature}.`);

  const mean = columnMeans(train);
  const neighbours = compile(
    (chunk: tf.Tensor2D, all: tf.Tensor2D) => tf.topk(tf.matMul(chunk, all, false, true), k),
    { name: "neighbours", jit: "graph" }, // XLA would sort all similarities
  );
  const all = tf.tensor2d(directions(train, mean), [images, width]);
  const rows = directions(test, mean);
  const predictions = new Int32Array(queries);
  const votes = new Float64Array(train.labels.reduce((a, b) => Math.max(a, b)) + 1);
  try {
    for (let start = 0; start < queries; start += CHUNK) {
      const count = Math.min(CHUNK, queries - start);
      const chunk = tf.tensor2d(rows.subarray(start * width, (start + count) * width), [count, width]);
      const nearest = await neighbours(chunk, all);
      const [similarities, indices] = await Promise.all([nearest.values.data(), nearest.indices.data()]);
      tf.dispose([chunk, nearest.values, nearest.indices]);
      for (let i = 0; i < count; i++) {
        const labels = Int32Array.from(indices.subarray(i * k, (i + 1) * k), (index) => train.labels[index]);
        const nearby = similarities.subarray(i * k, (i + 1) * k) as Float32Array;
        predictions[start + i] = vote(nearby, labels, temperature, votes);
      }
      onProgress?.(start + count);
    }
  } finally {
    all.dispose();
    neighbours.dispose();
  }
  const right = predictions.filter((label, i) => label === test.labels[i]).length;
  return { accuracy: 100 * right / queries, predictions, k };
}
