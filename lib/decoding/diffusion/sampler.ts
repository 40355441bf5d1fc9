/**
 * Samples of a pooled decoder: images that have, as far as it has learned, a given representation. What the samples of one
 * representation share is what it holds; in what they differ it is silent (the paper's figures 6 to 8).
 *
 * @module
 */
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { decidePrecision } from "../../tensorflow/product_rates.ts";
import { productWidth } from "../decoder_presets.ts";
import { ddimStep, guide } from "./diffusion.ts";
import { alphaBars, samplingSteps } from "./noise_schedule.ts";
import { toPixels } from "../pixels.ts";
import { type Standardisation, standardiseBy } from "../representation.ts";
import type { PooledDecoder } from "../saved_decoder.ts";
import { unet, type UnetSize } from "./unet.ts";

/** How to sample. */
export interface SampleOptions {
  /** Steps of DDIM, each a pass through the network. Default 25. */
  steps?: number;
  /**
   * Scale of classifier-free guidance: 1 (the default) samples what was learned; above it the samples fit their
   * representation more and differ less, at twice the cost.
   */
  guidance?: number;
  /** The noise follows from it, and from a sample's stream. Default 0. */
  seed?: number;
  /** A number for each sample; those with the same one begin from the same noise. Default their row. */
  streams?: readonly number[];
  /** Samples drawn at once. Default 64. */
  batch?: number;
  /** What matrix products compute in. Default the training's. */
  precision?: Precision;
  /** Told how many samples are done. */
  onProgress?: (samples: number) => void;
}

/** One step for a batch. */
interface StepInputs {
  /** [B, image, image, 3] */
  noisy: Tensor;
  /** [B, C], as the encoder gives it. */
  representation: Tensor;
  /** [B], all alike. */
  time: Tensor;
  /** Scalars: alpha-bar at this step and after it, and the scale of the guidance. */
  alphaBar: Tensor;
  nextAlphaBar: Tensor;
  guidance: Tensor;
}

/** A step of DDIM with the network's prediction, guided or not. */
function denoise(
  p: Parameters,
  standardisation: Standardisation,
  size: UnetSize,
  isGuided: boolean,
  { noisy, representation, time, alphaBar, nextAlphaBar, guidance }: StepInputs,
): Tensor {
  const [batch] = noisy.shape, condition = standardiseBy(representation, standardisation); // [B, C]
  const ones = tf.ones([batch]);
  if (!isGuided) return ddimStep(noisy, unet(p, size, noisy, time, condition, ones), alphaBar, nextAlphaBar);
  const twice = (x: Tensor) => tf.concat([x, x], 0);
  const kept = tf.concat([ones, tf.zeros([batch])], 0); // [2B]
  const [conditional, unconditional] = tf.split(unet(p, size, twice(noisy), twice(time), twice(condition), kept), 2, 0);
  return ddimStep(noisy, guide(conditional, unconditional, guidance), alphaBar, nextAlphaBar);
}

/** Standard normal numbers [rows, length] of the streams of a seed. */
function noiseOf(streams: readonly number[], length: number, seed: number): Float32Array<ArrayBuffer> {
  const noise = new Float32Array(streams.length * length);
  streams.forEach((stream, row) => {
    const random = randomStream(seed, stream);
    for (let i = 0; i < length; i++) noise[row * length + i] = random.normal();
  });
  return noise;
}

/**
 * Draws a sample for each representation, by DDIM without noise of its own: the same seed and stream give the same image.
 *
 * @param representations [K, C], row-major, pooled as representation.ts says, not standardised
 * @returns 8-bit pixels [K, image, image, 3]
 * @throws RangeError where the rows are not as wide as the decoder's condition, or an option is out of its range
 */
export async function sample(
  { config, parameters, standardisation }: PooledDecoder,
  representations: Float32Array,
  options: SampleOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { steps = 25, guidance = 1, seed = 0, onProgress } = options;
  const { network, diffusion } = config, { image, condition } = network;
  const count = representations.length / condition;
  if (!Number.isInteger(count)) {
    throw new RangeError(`${representations.length} numbers are no rows of ${condition}, the decoder's condition.`);
  }
  const { streams = Array.from({ length: count }, (_, i) => i), batch = 64 } = options;
  if (streams.length !== count) throw new RangeError(`${count} samples have as many streams; got ${streams.length}.`);
  if (!(guidance >= 0 && guidance < Infinity)) throw new RangeError(`The guidance is from 0 on; got ${guidance}.`);
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`A batch holds at least 1 sample; got ${batch}.`);
  const left = alphaBars(diffusion.schedule, diffusion.steps), places = samplingSteps(diffusion.steps, steps);
  const rows = Math.min(batch, Math.max(count, 1)), isGuided = guidance !== 1;
  const bytes = image * image * 3;

  const precision = options.precision ?? await decidePrecision(config.precision, productWidth(config));
  const step = compile(
    (p: Parameters, standardisation: Standardisation, inputs: StepInputs) =>
      denoise(p, standardisation, network, isGuided, inputs),
    { name: "denoise", precision },
  );
  const drawBatch = async (first: number): Promise<Uint8Array> => {
    // Every batch is of one size, so that one compilation serves; what is surplus is drawn for the last row again.
    const own = Array.from({ length: rows }, (_, i) => Math.min(first + i, count - 1));
    const conditions = new Float32Array(rows * condition);
    own.forEach((row, i) => {
      conditions.set(representations.subarray(row * condition, (row + 1) * condition), i * condition);
    });
    const noise = noiseOf(own.map((row) => streams[row]), bytes, seed);
    const representation = tf.tensor2d(conditions, [rows, condition]), scale = tf.scalar(guidance);
    let noisy: Tensor = tf.tensor4d(noise, [rows, image, image, 3]);
    try {
      for (const [i, t] of places.entries()) {
        const next = i + 1 < places.length ? left[places[i + 1]] : 1;
        const scalars = { time: tf.fill([rows], t), alphaBar: tf.scalar(left[t]), nextAlphaBar: tf.scalar(next) };
        const inputs: StepInputs = { noisy, representation, guidance: scale, ...scalars };
        const denoised = await step(parameters, standardisation, inputs);
        tf.dispose([noisy, scalars as unknown as tf.TensorContainer]);
        noisy = denoised;
      }
      return tf.tidy(() => Uint8Array.from(toPixels(noisy).dataSync()));
    } finally {
      tf.dispose([noisy, representation, scale]);
    }
  };

  const pixels = new Uint8Array(count * bytes);
  try {
    for (let first = 0; first < count; first += rows) {
      const some = Math.min(rows, count - first);
      pixels.set((await drawBatch(first)).subarray(0, some * bytes), first * bytes);
      onProgress?.(first + some);
    }
  } finally {
    step.dispose();
  }
  return pixels;
}

/**
 * Points on the line between two representations [C], both ends included: [steps, C].
 *
 * @throws RangeError unless they are equally long and there are at least 2 steps
 */
export function interpolate(from: Float32Array, to: Float32Array, steps: number): Float32Array<ArrayBuffer> {
  if (from.length !== to.length) {
    throw new RangeError(`Vectors of ${from.length} and ${to.length} have no line between.`);
  }
  if (!Number.isSafeInteger(steps) || steps < 2) throw new RangeError(`A line has at least 2 points; got ${steps}.`);
  const line = new Float32Array(steps * from.length);
  for (let i = 0; i < steps; i++) {
    const share = i / (steps - 1);
    for (let j = 0; j < from.length; j++) line[i * from.length + j] = (1 - share) * from[j] + share * to[j];
  }
  return line;
}

/**
 * Draws several samples for each representation, those of every representation from the same noises: what they have in
 * common is what it holds, and what differs from row to row of the same noise is due to it.
 *
 * @param representations [K, C], as sample() takes them
 * @param each samples of each
 * @returns 8-bit pixels [K * each, image, image, 3], one representation's after another's
 * @throws RangeError as sample() does
 */
export async function sampleEach(
  decoder: PooledDecoder,
  representations: Float32Array,
  each: number,
  options: Omit<SampleOptions, "streams"> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { condition } = decoder.config.network, count = representations.length / condition * each;
  const repeated = Float32Array.from({ length: count * condition }, (_, i) => {
    const column = i % condition, row = Math.floor((i - column) / condition / each);
    return representations[row * condition + column];
  });
  return await sample(decoder, repeated, { ...options, streams: Array.from({ length: count }, (_, i) => i % each) });
}

/**
 * Draws what lies between each representation and the next, both ends included, all from the same noise.
 *
 * @param representations [K, C], as sample() takes them
 * @param points of each line, at least 2
 * @returns 8-bit pixels [(K - 1) * points, image, image, 3], one line's after another's
 * @throws RangeError as sample() and interpolate() do
 */
export async function sampleBetween(
  decoder: PooledDecoder,
  representations: Float32Array,
  points: number,
  options: Omit<SampleOptions, "streams"> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { condition } = decoder.config.network, lines = Math.max(0, representations.length / condition - 1);
  const row = (i: number) => representations.subarray(i * condition, (i + 1) * condition);
  const all = new Float32Array(lines * points * condition);
  for (let i = 0; i < lines; i++) all.set(interpolate(row(i), row(i + 1), points), i * points * condition);
  return await sample(decoder, all, { ...options, streams: new Array(lines * points).fill(0) });
}
