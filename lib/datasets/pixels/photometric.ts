/**
 * Operations on the colours of 8-bit images in memory, each giving the bytes that Pillow's ImageOps and ImageEnhance give.
 * An image is uint8 [H, W, 3]; the given one is left as it is.
 *
 * @module
 */

const CHANNELS = 3;

/** Every byte of each channel replaced by what the channel's table says. */
function lookUp(pixels: Uint8Array, tableOf: (channel: number) => (value: number) => number): Uint8Array<ArrayBuffer> {
  const tables = Array.from(
    { length: CHANNELS },
    (_, channel) => Uint8ClampedArray.from({ length: 256 }, (_, value) => tableOf(channel)(value)),
  );
  return pixels.map((value, i) => tables[i % CHANNELS][value]);
}

/** [256]: how many pixels of a channel have each value. */
function histogram(pixels: Uint8Array, channel: number): Uint32Array {
  const counts = new Uint32Array(256);
  for (let i = channel; i < pixels.length; i += CHANNELS) counts[pixels[i]]++;
  return counts;
}

/** Keeps the highest `bits` bits of each byte, 0 to 8. */
export function posterize(pixels: Uint8Array, bits: number): Uint8Array<ArrayBuffer> {
  const mask = 0xff << (8 - bits);
  return pixels.map((value) => value & mask);
}

/** Inverts the bytes from `threshold` on. */
export function solarize(pixels: Uint8Array, threshold: number): Uint8Array<ArrayBuffer> {
  return pixels.map((value) => value < threshold ? value : 255 - value);
}

/** 255 less each byte. */
export function invert(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  return pixels.map((value) => 255 - value);
}

/** Adds to the bytes below 128, up to 255. */
export function solarizeAdd(pixels: Uint8Array, add: number): Uint8Array<ArrayBuffer> {
  return pixels.map((value) => value < 128 ? Math.min(255, value + add) : value);
}

/** Stretches each channel to the whole range, from its least value at 0 to its greatest at 255. */
export function autoContrast(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  return lookUp(pixels, (channel) => {
    const counts = histogram(pixels, channel);
    const low = counts.findIndex((count) => count > 0), high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return (value) => value;
    const scale = 255 / (high - low), offset = -low * scale;
    return (value) => Math.trunc(value * scale + offset);
  });
}

/** Spreads each channel's values so that they are about equally frequent. */
export function equalize(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  return lookUp(pixels, (channel) => {
    const counts = histogram(pixels, channel);
    const last = counts.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((pixels.length / CHANNELS - last) / 255);
    if (step === 0) return (value) => value;
    const below = new Uint32Array(256); // half a step and all pixels of lower values
    below[0] = step >> 1;
    for (let value = 1; value < 256; value++) below[value] = below[value - 1] + counts[value - 1];
    return (value) => Math.floor(below[value] / step);
  });
}

/** Degenerate + factor * (pixels - degenerate), in float32 and cut to whole numbers, as Pillow's Image.blend. */
function blend(degenerate: Uint8Array, pixels: Uint8Array, factor: number): Uint8Array<ArrayBuffer> {
  const { fround } = Math, share = fround(factor);
  const clamped = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const value = fround(degenerate[i] + fround(share * (pixels[i] - degenerate[i])));
    clamped[i] = value <= 0 ? 0 : value >= 255 ? 255 : value; // the array cuts the fraction off
  }
  return clamped;
}

/** Luma of every pixel (ITU-R 601-2), in Pillow's fixed-point arithmetic, in all three channels. */
function greyscale(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const grey = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += CHANNELS) {
    const luma = (pixels[i] * 19595 + pixels[i + 1] * 38470 + pixels[i + 2] * 7471 + 0x8000) >> 16;
    grey.fill(luma, i, i + CHANNELS);
  }
  return grey;
}

/** Factor 0 gives black, 1 the image itself. */
export function adjustBrightness(pixels: Uint8Array, factor: number): Uint8Array<ArrayBuffer> {
  return blend(new Uint8Array(pixels.length), pixels, factor);
}

/** Saturation: factor 0 gives the greyscale image, 1 the image itself. */
export function adjustColor(pixels: Uint8Array, factor: number): Uint8Array<ArrayBuffer> {
  return blend(greyscale(pixels), pixels, factor);
}

/** Factor 0 gives the mean grey, 1 the image itself. */
export function adjustContrast(pixels: Uint8Array, factor: number): Uint8Array<ArrayBuffer> {
  const mean = greyscale(pixels).reduce((sum, value) => sum + value, 0) / pixels.length;
  return blend(new Uint8Array(pixels.length).fill(Math.floor(mean + 0.5)), pixels, factor);
}

/** Factor 0 gives a smoothed image (3 x 3, the middle five times; the border as it is), 1 the image itself. */
export function adjustSharpness(pixels: Uint8Array, width: number, factor: number): Uint8Array<ArrayBuffer> {
  const row = width * CHANNELS, height = pixels.length / row;
  const smooth = pixels.slice();
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + CHANNELS; i < (y + 1) * row - CHANNELS; i++) {
      let sum = 4 * pixels[i];
      for (const line of [i - row, i, i + row]) sum += pixels[line - CHANNELS] + pixels[line] + pixels[line + CHANNELS];
      smooth[i] = Math.round(sum / 13);
    }
  }
  return blend(smooth, pixels, factor);
}
