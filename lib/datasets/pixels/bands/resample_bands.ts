/**
 * Bicubic and bilinear resampling with antialiasing of images of any number of channels in float32: the numbers to which
 * Pillow resizes each channel as an image of mode "F".
 *
 * @module
 */
import type { Cut } from "../crop.ts";
import { exactWeights, type Taps } from "../resampling/resample.ts";

/** Pixels of images of bands, and their channels. */
export interface Bands {
  /** [H, W, channels] */
  data: Float32Array<ArrayBuffer>;
  /** W */
  width: number;
  channels: number;
}

/** The sum of the values from `start` on, `stride` apart, by their weights. */
function weighted(values: Float32Array, start: number, stride: number, weights: readonly number[]): number {
  let sum = 0;
  for (let tap = 0; tap < weights.length; tap++) sum += values[start + tap * stride] * weights[tap];
  return sum;
}

/**
 * Resizes the pixels in the cut's box, and keeps those in its window. Pixels outside the box have no influence.
 *
 * @returns [window.height, window.width, channels]
 */
export function resampleBands(
  { data, width: imageWidth, channels }: Bands,
  { box, width, height, window, interpolation }: Cut,
): Float32Array<ArrayBuffer> {
  const windowOf = (taps: Taps[], from: number, length: number) => taps.slice(from, from + length);
  const wide = windowOf(exactWeights(box.width, width, interpolation), window.x, window.width);
  const high = windowOf(exactWeights(box.height, height, interpolation), window.y, window.height);
  const top = Math.min(...high.map(({ low }) => low)), stride = imageWidth * channels;
  const bottom = Math.max(...high.map(({ low, weights }) => low + weights.length)), rowLength = window.width * channels;
  const rows = new Float32Array((bottom - top) * rowLength), out = new Float32Array(window.height * rowLength);
  for (let y = top; y < bottom; y++) {
    const row = (box.y + y) * stride + box.x * channels, to = (y - top) * rowLength;
    wide.forEach(({ low, weights }, x) => {
      for (let channel = 0; channel < channels; channel++) {
        rows[to + x * channels + channel] = weighted(data, row + low * channels + channel, channels, weights);
      }
    });
  }
  high.forEach(({ low, weights }, y) => {
    const from = (low - top) * rowLength;
    for (let i = 0; i < rowLength; i++) out[y * rowLength + i] = weighted(rows, from + i, rowLength, weights);
  });
  return out;
}
