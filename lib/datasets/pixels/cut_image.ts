/**
 * From the bytes of an image file to cuts of it, of photos and of images of bands.
 *
 * @module
 */
import { BAND_ENDINGS, cutBands } from "./bands/bands.ts";
import type { Cut } from "./crop.ts";
import { decodeCuts, IMAGE_ENDINGS, type ImageColours } from "./decode.ts";

/** How files become pixels: colours of three channels, or of images of other channels, how many these have. */
export type ImageReading = ImageColours | number;

/** Images in memory: 8-bit sRGB of three channels, or the numbers of images of other channels. */
export type Pixels<Buffer extends ArrayBufferLike = ArrayBuffer> = Uint8Array<Buffer> | Float32Array<Buffer>;

/** How an encoder of so many channels wants files read: colours as they are asked for. */
export function readingOf(channels = 3, colours: ImageColours = "managed"): ImageReading {
  return channels === 3 ? colours : channels;
}

/** The endings of the names of files that are read so. */
export const endingsOf = (reading: ImageReading): readonly string[] =>
  typeof reading === "number" ? BAND_ENDINGS : IMAGE_ENDINGS;

/**
 * The channels of images that are read so.
 *
 * @throws RangeError for what is no number of channels, and for 3, which are colours
 */
export function channelsOf(reading: ImageReading): number {
  if (typeof reading !== "number") return 3;
  if (Number.isSafeInteger(reading) && reading >= 1 && reading !== 3) return reading;
  throw new RangeError(`Images are read as bands of 1, 2, 4, 5, ... channels, and three as colours; got ${reading}.`);
}

/** Room for images of so many channels, `count` numbers in all, each of them 0. */
export function emptyPixels(count: number, channels: number): Pixels {
  return channels === 3 ? new Uint8Array(count) : new Float32Array(count);
}

/**
 * Pixels of colours, for what colours alone are made for: decoders, RandAugment.
 *
 * @throws RangeError where they are of images of bands
 */
export function colourPixels<Buffer extends ArrayBufferLike>(pixels: Pixels<Buffer>): Uint8Array<Buffer> {
  if (pixels instanceof Uint8Array) return pixels;
  throw new RangeError("Images of other than three channels have no colours, which this needs.");
}

/** As decodeCuts() of colours, as cutBands() of images of bands. */
export async function cutImage(
  file: Uint8Array,
  cutsOf: (width: number, height: number) => readonly Cut[],
  reading: ImageReading = "managed",
): Promise<Pixels[]> {
  return typeof reading === "number" ? await cutBands(file, cutsOf, reading) : await decodeCuts(file, cutsOf, reading);
}
