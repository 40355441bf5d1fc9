/**
 * Pictures of two rooms, read from a world model's states: what a model sees where it imagines. A layer of random weights
 * and one that is fitted in closed form, by ridge regression (Rahimi and Recht 2008, "Weighted sums of random kitchen sinks"),
 * for a single linear layer draws no dot as small as it is. What a state leaves open is a blur.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import type { RoomsConfig } from "../../world/episodes.ts";
import type { Seeing } from "../../world/planning.ts";
import { drawRooms } from "../../world/rooms.ts";
import { solveEach, withRidge } from "../collapse/symmetric_matrix.ts";
import { placesIn, statesOf } from "./states.ts";

/** A fitted decoder. */
export interface PictureDecoder {
  /**
   * Share of the pixels' variance over places, of those that it was not fitted to, that is explained: of the dot's channel
   * and of the walls', whose is undefined where all rooms have the same.
   */
  r2: { dot: number; walls: number | undefined };
  /** Pictures of states [N, D], each [side, side, 2] as drawRooms() draws them, cut off at 0 and 255. */
  pictures(states: Float32Array): Uint8Array<ArrayBuffer>[];
}

/** Places that it is fitted to and tested on; numbers between the layers, K. */
const FITTED = 3000, TESTED = 500, HIDDEN = 512;

/** lambda, as a share of the hidden numbers' mean variance. */
const RIDGE = 1e-4;

/** Key of the first layer's random stream; those of places have their number there. */
const LAYER_STREAM = -1;

/** The first layer, which is not fitted: relu(W z + b) of states [N, D], whose numbers are around 1: [N, K]. */
function hiddenLayer(width: number, seed: number): (states: Float32Array) => Float32Array<ArrayBuffer> {
  const random = randomStream(seed, LAYER_STREAM);
  const weights = Float32Array.from({ length: HIDDEN * width }, () => random.normal() / Math.sqrt(width));
  const biases = Float32Array.from({ length: HIDDEN }, () => random.normal());
  return (states) =>
    Float32Array.from({ length: states.length / width * HIDDEN }, (_, i) => {
      const row = Math.floor(i / HIDDEN) * width, unit = i % HIDDEN;
      let sum = biases[unit];
      for (let d = 0; d < width; d++) sum += weights[unit * width + d] * states[row + d];
      return Math.max(0, sum);
    });
}

/**
 * The second layer: H [M, K] to H W^T + b [M, P], where W minimises |H W^T + b - Y|^2 / N + lambda |W|^2 over H [N, K] and
 * Y [N, P].
 */
function fittedLayer(hidden: Float32Array, pixels: Uint8Array): (hidden: Float32Array) => Float32Array<ArrayBuffer> {
  const rows = hidden.length / HIDDEN, outputs = pixels.length / rows;
  const [gram, cross, middle, mean] = tf.tidy(() => {
    const h = tf.tensor2d(hidden, [rows, HIDDEN]),
      y = tf.cast(tf.tensor2d(pixels, [rows, outputs], "int32"), "float32");
    const middle = tf.mean(h, 0), mean = tf.mean(y, 0), apart = tf.sub(h, middle);
    const products = [tf.matMul(apart, apart, true), tf.matMul(tf.sub(y, mean), apart, true)]; // [K, K], [P, K]
    return [...products.map((sum) => tf.div(sum, rows)), middle, mean].map((x) => x.dataSync<"float32">());
  });
  const variance = gram.reduce((sum, value, i) => i % (HIDDEN + 1) === 0 ? sum + value / HIDDEN : sum, 0);
  const matrix = withRidge(Float64Array.from(gram), HIDDEN, RIDGE * variance);
  const weights = new Float32Array(outputs * HIDDEN); // 0 of pixels that never differ
  const right = (p: number) => Float64Array.from(cross.subarray(p * HIDDEN, (p + 1) * HIDDEN));
  const differing = Array.from(mean.keys()).filter((p) => right(p).some((value) => value !== 0));
  solveEach(matrix, differing.map(right), HIDDEN).forEach((w, i) => weights.set(w, differing[i] * HIDDEN));
  return (own) =>
    tf.tidy(() => {
      const apart = tf.sub(tf.tensor2d(own, [own.length / HIDDEN, HIDDEN]), middle) as tf.Tensor2D; // [M, K]
      const said = tf.matMul(apart, tf.tensor2d(weights, [outputs, HIDDEN]), false, true);
      return Float32Array.from(tf.add(said, mean).dataSync());
    });
}

/** Fits a decoder to a model's states of places drawn anywhere, in rooms as it was trained on. */
export async function pictureDecoder(model: Seeing, rooms: RoomsConfig, seed: number): Promise<PictureDecoder> {
  const { size: { width }, picture: side } = model, outputs = side * side * 2;
  const drawn = placesIn(rooms, seed, FITTED + TESTED);
  const pixels = new Uint8Array(drawn.length * outputs); // [N, side, side, 2]
  drawn.forEach(({ layout, place }, i) =>
    drawRooms(layout, [place], side, pixels.subarray(i * outputs, (i + 1) * outputs))
  );
  const first = hiddenLayer(width, seed), states = await statesOf(model, drawn, drawn.map(({ place }) => place));
  const fitted = pixels.subarray(0, FITTED * outputs);
  const second = fittedLayer(first(states.subarray(0, FITTED * width)), fitted);
  const decode = (values: Float32Array) => second(first(values)); // [M, D] to [M, P]

  const mean = new Float64Array(outputs), error = [0, 0], variance = [0, 0];
  fitted.forEach((value, i) => mean[i % outputs] += value);
  decode(states.subarray(FITTED * width)).forEach((value, i) => {
    const seen = pixels[FITTED * outputs + i];
    error[i % 2] += (value - seen) ** 2;
    variance[i % 2] += (mean[i % outputs] / FITTED - seen) ** 2;
  });
  const [dot, walls] = error.map((sum, channel) => variance[channel] > 0 ? 1 - sum / variance[channel] : undefined);
  return {
    r2: { dot: dot!, walls },
    pictures(values) {
      const all = Uint8Array.from(decode(values), (value) => Math.round(Math.min(255, Math.max(0, value))));
      return Array.from({ length: values.length / width }, (_, i) => all.slice(i * outputs, (i + 1) * outputs));
    },
  };
}
