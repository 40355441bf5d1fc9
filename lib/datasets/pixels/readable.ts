/**
 * Which images have colours at all: files whose numbers may mean anything are refused rather than read as something.
 *
 * @module
 */
import type { Metadata } from "npm:sharp@0.35.5";

/** TIFF's tags, and of their values those that matter. */
const COMPRESSION = 259, JPEG = 7, PHOTOMETRIC = 262, WHITE_IS_ZERO = 0, YCBCR = 6;

/** The channels that images of a colour space have without transparency, by sharp's names. */
const CHANNELS: Record<string, number> = { "b-w": 1, grey16: 1, srgb: 3, rgb16: 3, cmyk: 4, labs: 3 };

/** What to do about an image of other channels. */
export const AS_BANDS = "save it as one of these, or have its bands read as numbers, by architecture.channels";

/**
 * Holds that an image has grey, RGB, CMYK or CIELAB in whole numbers of 8 or 16 bits, and at most transparency besides.
 *
 * @param metadata what sharp says of the file
 * @throws Error that says what it has instead
 */
export function checkReadable(file: Uint8Array, { format, space, depth, channels }: Metadata): void {
  if (depth !== "uchar" && depth !== "ushort" && space !== "labs") {
    throw new Error(`its values are of type ${depth}, and nothing says which is white: save it with 8 or 16 bits`);
  }
  const colours = CHANNELS[space];
  if (colours === undefined || channels < colours || channels > colours + 1) {
    throw new Error(`its ${channels} channels are no grey, RGB, CMYK or CIELAB: ${AS_BANDS}`);
  }
  // sharp takes them for RGB.
  if (format === "tiff" && tiffTag(file, PHOTOMETRIC) === YCBCR && tiffTag(file, COMPRESSION) !== JPEG) {
    throw new Error("it is a TIFF of YCbCr that is not compressed by JPEG: save it as RGB");
  }
}

/** Whether a file is a TIFF in which 0 is white; sharp has turned it round. */
export function isWhiteZero(file: Uint8Array, { format }: Metadata): boolean {
  return format === "tiff" && tiffTag(file, PHOTOMETRIC) === WHITE_IS_ZERO;
}

/** The 16-bit value of a tag in the first directory of a TIFF or BigTIFF; undefined where it is not there. */
function tiffTag(file: Uint8Array, tag: number): number | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength), little = view.getUint8(0) === 0x49;
  const word = (at: number) => view.getUint16(at, little), long = (at: number) => view.getUint32(at, little);
  const big = word(2) === 43, offset = (at: number) => big ? Number(view.getBigUint64(at, little)) : long(at);
  const directory = offset(big ? 8 : 4), count = big ? offset(directory) : word(directory);
  for (let i = 0, at = directory + (big ? 8 : 2); i < count; i++, at += big ? 20 : 12) {
    if (word(at) === tag) return word(at + (big ? 12 : 8));
  }
  return undefined;
}
