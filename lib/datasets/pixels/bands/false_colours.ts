/**
 * Images of bands as colours to look at.
 *
 * @module
 */
import type { Pixels } from "../cut_image.ts";

/** Deviations below and above a band's mean that become black and white. */
const REACH = 2;

/**
 * The first three bands as red, green and blue, or the first alone as grey where there are fewer: each from two deviations
 * below its mean over the pixels to two above. Colours are given back as they are.
 *
 * @param pixels [N, channels]
 * @returns [N, 3]
 */
export function falseColours(pixels: Pixels, channels: number): Uint8Array<ArrayBuffer> {
  if (pixels instanceof Uint8Array) return pixels;
  const count = pixels.length / channels, out = new Uint8Array(3 * count);
  for (let colour = 0; colour < 3; colour++) {
    const band = channels < 3 ? 0 : colour;
    const values = Float64Array.from({ length: count }, (_, i) => pixels[i * channels + band]);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count) || 1;
    values.forEach((value, i) => {
      const share = 0.5 + (value - mean) / (2 * REACH * deviation);
      out[3 * i + colour] = Math.round(255 * Math.min(1, Math.max(0, share)));
    });
  }
  return out;
}
