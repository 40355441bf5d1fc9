/**
 * Pictures of two rooms, read from a world model's states by ridge regression: what a state says linearly of each pixel,
 * and so what a model sees where it imagines. What a state leaves open is a blur.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import { anywhere, layoutOf, type RoomsConfig } from "../../world/episodes.ts";
import { drawRooms } from "../../world/rooms.ts";
import { scatter, solvePositive } from "../collapse/symmetric_matrix.ts";
import { type Seeing, statesOf } from "./states.ts";

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

/** Places that it is fitted to and tested on. */
const FITTED = 3000, TESTED = 500;

/** What is added to the states' mean square in each direction, so that none that hardly varies is blown up. */
const RIDGE = 1e-4;

/** The means of columns of [N, width]. */
function meanOf(values: ArrayLike<number>, width: number): Float64Array {
  const mean = new Float64Array(width), rows = values.length / width;
  for (let i = 0; i < values.length; i++) mean[i % width] += values[i] / rows;
  return mean;
}

/**
 * The layer W [P, D] that minimises |(Z - mean) W^T - (Y - mean)|^2 / N + lambda |W|^2, with lambda RIDGE times the mean
 * variance of Z's columns.
 */
function fit(z: Float32Array, zMean: Float64Array, y: Uint8Array, yMean: Float64Array): Float64Array[] {
  const width = zMean.length, outputs = yMean.length, rows = z.length / width;
  const gram = scatter(z, width, zMean, 1 / rows), cross = Array.from({ length: outputs }, () => new Float64Array(width));
  const ridge = RIDGE * zMean.reduce((sum, _, i) => sum + gram[i * (width + 1)], 0) / width;
  for (let i = 0; i < width; i++) gram[i * (width + 1)] += ridge;
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < outputs; p++) {
      const apart = (y[row * outputs + p] - yMean[p]) / rows;
      if (apart === 0) continue;
      for (let d = 0; d < width; d++) cross[p][d] += apart * (z[row * width + d] - zMean[d]);
    }
  }
  return cross.map((own) => own.some((value) => value !== 0) ? solvePositive(gram, own, width) : own);
}

/** Fits a decoder to a model's states of places drawn anywhere, in rooms as it was trained on. */
export async function pictureDecoder(model: Seeing, rooms: RoomsConfig, seed: number): Promise<PictureDecoder> {
  const { size: { width }, picture: side } = model, outputs = side * side * 2;
  const drawn = Array.from({ length: FITTED + TESTED }, (_, i) => {
    const random = randomStream(seed, i), layout = layoutOf(rooms, random);
    return { layout, place: anywhere(random, layout) };
  });
  const states = await statesOf(model, drawn, drawn.map(({ place }) => place)); // [N, D]
  const pixels = new Uint8Array(drawn.length * outputs); // [N, side, side, 2]
  drawn.forEach(({ layout, place }, i) =>
    drawRooms(layout, [place], side, pixels.subarray(i * outputs, (i + 1) * outputs))
  );
  const fitted = states.subarray(0, FITTED * width), seen = pixels.subarray(0, FITTED * outputs);
  const zMean = meanOf(fitted, width), yMean = meanOf(seen, outputs), layer = fit(fitted, zMean, seen, yMean);
  const decode = (state: ArrayLike<number>) =>
    layer.map((w, p) => w.reduce((sum, weight, d) => sum + weight * (state[d] - zMean[d]), yMean[p]));

  const error = [0, 0], variance = [0, 0];
  for (let i = FITTED; i < drawn.length; i++) {
    const own = decode(states.subarray(i * width, (i + 1) * width)); // [P]
    own.forEach((value, p) => {
      error[p % 2] += (value - pixels[i * outputs + p]) ** 2;
      variance[p % 2] += (yMean[p] - pixels[i * outputs + p]) ** 2;
    });
  }
  const [dot, walls] = error.map((sum, channel) => variance[channel] > 0 ? 1 - sum / variance[channel] : undefined);
  return {
    r2: { dot: dot!, walls },
    pictures: (values) =>
      Array.from({ length: values.length / width }, (_, i) =>
        Uint8Array.from(
          decode(values.subarray(i * width, (i + 1) * width)),
          (value) => Math.round(Math.min(255, Math.max(0, value))),
        )),
  };
}
