/**
 * Numbers beside the pictures: whether an image is found again among others by a sample of its representation, how much the
 * samples of one representation differ, and how near decoded pixels are.
 *
 * @module
 */
import { randomStream, shuffled } from "../../random.ts";
import { centredDirections } from "./nearest_neighbours.ts";
import { sample, type SampleOptions } from "../diffusion/sampler.ts";
import type { PooledDecoder } from "../saved_decoder.ts";

/** How often a query's own source is among its nearest, in percent. */
export interface Retrieval {
  /** It is the nearest. */
  top1: number;
  /** It is among the nearest five. */
  top5: number;
}

/**
 * Finds each query's source among all sources, by the cosine of features less the sources' mean. Chance is 100 / N and
 * 500 / N percent; of sources that are equally near, half are counted as nearer.
 *
 * @param queries features [N, width], row i of a decoded image
 * @param sources features [N, width], row i of the image it was decoded from
 * @throws RangeError where they are not equally many rows
 */
export function retrieve(queries: Float32Array, sources: Float32Array, width: number): Retrieval {
  const count = sources.length / width;
  if (queries.length !== sources.length || !Number.isInteger(count) || count === 0) {
    throw new RangeError(`${queries.length} and ${sources.length} numbers are not as many rows of ${width}.`);
  }
  const q = centredDirections(queries, sources, width), s = centredDirections(sources, sources, width);
  let top1 = 0, top5 = 0;
  const similarities = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < count; k++) {
      let product = 0;
      for (let j = 0; j < width; j++) product += q[i * width + j] * s[k * width + j];
      similarities[k] = product;
    }
    const own = similarities[i];
    const nearer = similarities.filter((x) => x > own).length, equal = similarities.filter((x) => x === own).length - 1;
    const rank = nearer + equal / 2;
    if (rank < 1) top1++;
    if (rank < 5) top5++;
  }
  return { top1: 100 * top1 / count, top5: 100 * top5 / count };
}

/**
 * How far images are from each other: the root of the mean squared difference of their pixels in [0, 1], averaged over all
 * pairs within each group of `each` that follow one another.
 *
 * @param pixels 8-bit, images of `bytes` bytes
 * @throws RangeError where groups are not whole, or of fewer than two
 */
export function pixelDiversity(pixels: Uint8Array, bytes: number, each: number): number {
  const groups = pixels.length / bytes / each;
  if (!Number.isInteger(groups) || groups === 0 || !(each >= 2)) {
    throw new RangeError(`${pixels.length / bytes} images are no groups of ${each}, at least 2.`);
  }
  let sum = 0, pairs = 0;
  for (let g = 0; g < groups; g++) {
    for (let a = g * each; a < (g + 1) * each; a++) {
      for (let b = a + 1; b < (g + 1) * each; b++, pairs++) {
        sum += Math.sqrt(
          meanSquare(pixels.subarray(a * bytes, (a + 1) * bytes), pixels.subarray(b * bytes, (b + 1) * bytes)),
        );
      }
    }
  }
  return sum / pairs;
}

/** Mean squared difference of 8-bit pixels, on the scale of [0, 1]. */
function meanSquare(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length / 255 ** 2;
}

/**
 * Peak signal-to-noise ratio in dB of each decoded image, averaged: 10 log10(1 / mean squared error) of pixels in [0, 1].
 * An image without an error counts with 100 dB.
 *
 * @param decoded 8-bit, images of `bytes` bytes
 * @param images what they should be
 * @throws RangeError where they are not equally many whole images
 */
export function psnr(decoded: Uint8Array, images: Uint8Array, bytes: number): number {
  const count = images.length / bytes;
  if (decoded.length !== images.length || !Number.isInteger(count) || count === 0) {
    throw new RangeError(`${decoded.length} and ${images.length} bytes are not as many images of ${bytes}.`);
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const error = meanSquare(decoded.subarray(i * bytes, (i + 1) * bytes), images.subarray(i * bytes, (i + 1) * bytes));
    sum += Math.min(100, -10 * Math.log10(error));
  }
  return sum / count;
}

/** What the samples of a decoder are worth. */
export interface DecoderMeasures {
  /** Images among which each sample's source was looked for. */
  images: number;
  /** Of samples, by their own representations. */
  retrieval: Retrieval;
  /** Of samples drawn for other images' representations: what chance gives. */
  shuffled: Retrieval;
  /** Between samples of one representation, see pixelDiversity(): what it leaves open. */
  diversity: number;
  /** The same between samples of different representations, to compare with. */
  diversityAcross: number;
}

/** How to measure. */
export interface DecoderMeasureOptions extends Pick<SampleOptions, "steps" | "guidance" | "seed" | "precision"> {
  /** Samples of each representation for the diversity. Default 4. */
  samples?: number;
  /** Images whose diversity is measured. Default 50, or all where they are fewer. */
  diverse?: number;
  /** Told how many of how many samples are drawn. */
  onProgress?: (samples: number, total: number) => void;
}

/**
 * Draws a sample for each representation, encodes it again and looks for its source among all images.
 *
 * @param representations [N, C] of the images
 * @param features [N, width] of the images, as `encode` gives them
 * @param encode features [B, width] of 8-bit pixels [B, image, image, 3] of the decoder's size
 * @throws RangeError where there are fewer than 2 images, or the rows are not as many
 */
export async function measureDecoder(
  decoder: PooledDecoder,
  representations: Float32Array,
  features: Float32Array,
  encode: (pixels: Uint8Array) => Promise<Float32Array>,
  options: DecoderMeasureOptions = {},
): Promise<DecoderMeasures> {
  const { samples = 4, seed = 0, onProgress } = options;
  const { condition, image } = decoder.config.network, bytes = image * image * 3;
  const count = representations.length / condition, width = features.length / count;
  if (!Number.isInteger(count) || count < 2 || !Number.isInteger(width)) {
    throw new RangeError(`${representations.length} and ${features.length} numbers are no rows of as many images.`);
  }
  const diverse = Math.min(options.diverse ?? 50, count), total = count + diverse * samples;
  const draw = (rows: Float32Array, done: number, streams: number[]) =>
    sample(decoder, rows, { ...options, seed, streams, onProgress: (n) => onProgress?.(done + n, total) });

  const drawn = await draw(representations, 0, Array.from({ length: count }, (_, i) => i));
  const queries = await encode(drawn);
  // A sample for another image's representation is that image's sample: sources are permuted instead of drawing again.
  const order = derangement(count, seed), others = new Float32Array(queries.length);
  order.forEach((from, i) => others.set(queries.subarray(from * width, (from + 1) * width), i * width));

  const repeated = new Float32Array(diverse * samples * condition), streams: number[] = [];
  for (let i = 0; i < diverse * samples; i++) {
    const from = Math.floor(i / samples);
    repeated.set(representations.subarray(from * condition, (from + 1) * condition), i * condition);
    streams.push(count + i);
  }
  const groups = await draw(repeated, count, streams);
  return {
    images: count,
    retrieval: retrieve(queries, features, width),
    shuffled: retrieve(others, features, width),
    diversity: pixelDiversity(groups, bytes, samples),
    diversityAcross: pixelDiversity(drawn.subarray(0, diverse * bytes), bytes, diverse),
  };
}

/** A random order in which nothing stays in its place: a cycle through all. */
export function derangement(count: number, seed: number): Uint32Array {
  const cycle = shuffled(count, randomStream(seed, count)), order = new Uint32Array(count);
  cycle.forEach((from, i) => order[cycle[(i + 1) % count]] = from);
  return order;
}
