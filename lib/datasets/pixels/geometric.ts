/**
 * Operations that move the pixels of 8-bit images in memory: shear, translation and rotation, giving the bytes that
 * Pillow's bicubic affine transformations give, and the mirror image. What moves in from outside is ImageNet's mean
 * colour. An image is uint8 [H, W, 3]; the given one is left as it is.
 *
 * @module
 */

import type { Pixels } from "./cut_image.ts";

/** Takes the output's (x, y) to the input's (a x + b y + c, d x + e y + f): [a, b, c, d, e, f]. */
type Affine = readonly [number, number, number, number, number, number];

/** ImageNet's mean in 0 .. 255. */
const FILL = [124, 116, 104];

/** Between b and c at d in [0, 1): Pillow's cubic, through the four values. */
function cubic(a: number, b: number, c: number, d: number, at: number): number {
  const p2 = -a + c, p3 = 2 * (a - b) + c - d, p4 = -a + b - c + d;
  return b + at * (p2 + at * (p3 + at * p4));
}

function transform(pixels: Uint8Array, width: number, [a, b, c, d, e, f]: Affine): Uint8Array<ArrayBuffer> {
  const height = pixels.length / 3 / width;
  const out = new Uint8Array(pixels.length);
  const inside = (place: number, length: number) => Math.min(Math.max(place, 0), length - 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 3;
      // Pixels are taken at their centres.
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c, fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) {
        out.set(FILL, to);
        continue;
      }
      const left = Math.floor(fromX - 0.5), top = Math.floor(fromY - 0.5);
      const dx = fromX - 0.5 - left, dy = fromY - 0.5 - top;
      const [x0, x1, x2, x3] = [-1, 0, 1, 2].map((step) => 3 * inside(left + step, width));
      for (let channel = 0; channel < 3; channel++) {
        const across = (row: number) => {
          const at = 3 * row * width + channel;
          return cubic(pixels[at + x0], pixels[at + x1], pixels[at + x2], pixels[at + x3], dx);
        };
        // A row below or above the image is the last one inside.
        const first = across(inside(top - 1, height));
        const second = top >= 0 && top < height ? across(top) : first;
        const third = top + 1 >= 0 && top + 1 < height ? across(top + 1) : second;
        const fourth = top + 2 >= 0 && top + 2 < height ? across(top + 2) : third;
        const value = cubic(first, second, third, fourth, dy);
        out[to + channel] = value <= 0 ? 0 : value >= 255 ? 255 : value; // the array cuts the fraction off
      }
    }
  }
  return out;
}

/** Row y moves left by slope * y pixels. */
export function shearX(pixels: Uint8Array, width: number, slope: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, slope, 0, 0, 1, 0]);
}

/** Column x moves up by slope * x pixels. */
export function shearY(pixels: Uint8Array, width: number, slope: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, 0, 0, slope, 1, 0]);
}

/** Moves left by x and up by y pixels. */
export function translate(pixels: Uint8Array, width: number, x: number, y: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, 0, x, 0, 1, y]);
}

/** Turns counterclockwise about the centre. */
export function rotate(pixels: Uint8Array, width: number, degrees: number): Uint8Array<ArrayBuffer> {
  const angle = -degrees * Math.PI / 180, exact = (value: number) => Number(value.toFixed(15));
  const cos = exact(Math.cos(angle)), sin = exact(Math.sin(angle));
  const x = width / 2, y = pixels.length / 3 / width / 2;
  return transform(pixels, width, [cos, sin, -cos * x - sin * y + x, -sin, cos, sin * x - cos * y + y]);
}

/** Left and right exchanged, of an image [H, W, channels]. */
export function mirror<T extends Pixels>(pixels: T, width: number, channels = 3): T {
  const out = pixels.slice() as T, row = width * channels;
  for (let i = 0; i < out.length; i++) {
    const inRow = i % row, channel = i % channels;
    out[i] = pixels[i - inRow + (row - channels - (inRow - channel)) + channel];
  }
  return out;
}
