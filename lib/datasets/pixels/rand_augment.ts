/**
 * RandAugment (Cubuk et al. 2020, arXiv 1909.13719): a few operations, drawn at random for each image, all of one
 * magnitude. The operations and what a magnitude means to each are torchvision's: 14 of them, shears, translations and
 * rotations with the nearest pixel, and black where nothing was. At magnitude 9 the bytes are torchvision's on Pillow 13.0;
 * at others torchvision's magnitudes are rounded, which moves some bytes of the enhancements by 1.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import { rotate, shearX, shearY, translate } from "./geometric.ts";
import {
  adjustBrightness,
  adjustColor,
  adjustContrast,
  adjustSharpness,
  autoContrast,
  equalize,
  posterize,
  solarize,
} from "./photometric.ts";

/** How much is done to an image. */
export interface RandAugmentOptions {
  /** Operations one after another, each drawn from all. Default 2. */
  operations?: number;
  /** 0 (nearly nothing) to 30 (most); a whole number. Default 9. */
  magnitude?: number;
}

/** The greatest magnitude. */
const GREATEST = 30;

/**
 * Does one operation to an image of the given width; the magnitude is a whole number in -30 .. 30, whose sign the operations
 * that know no direction ignore.
 */
export type Operation = (pixels: Uint8Array, width: number, magnitude: number) => Uint8Array<ArrayBuffer>;

/** Pixels to move by: at most 150 of 331 (AutoAugment's, on images of that size). */
const shift = (length: number, magnitude: number) => Math.trunc(150 / 331 * length * magnitude / GREATEST);

/** How much of an enhancement: 0.1 to 1.9. */
const factor = (magnitude: number) => 1 + 0.9 * magnitude / GREATEST;

/** The operations by name, in the order in which they are numbered. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  identity: (pixels) => pixels.slice(),
  shearX: (pixels, width, magnitude) => shearX(pixels, width, 0.3 * magnitude / GREATEST),
  shearY: (pixels, width, magnitude) => shearY(pixels, width, 0.3 * magnitude / GREATEST),
  translateX: (pixels, width, magnitude) => translate(pixels, width, shift(width, magnitude), 0),
  translateY: (pixels, width, magnitude) => translate(pixels, width, 0, shift(pixels.length / 3 / width, magnitude)),
  rotate: (pixels, width, magnitude) => rotate(pixels, width, 30 * magnitude / GREATEST),
  brightness: (pixels, _, magnitude) => adjustBrightness(pixels, factor(magnitude)),
  color: (pixels, _, magnitude) => adjustColor(pixels, factor(magnitude)),
  contrast: (pixels, _, magnitude) => adjustContrast(pixels, factor(magnitude)),
  sharpness: (pixels, width, magnitude) => adjustSharpness(pixels, width, factor(magnitude)),
  posterize: (pixels, _, magnitude) => posterize(pixels, 8 - Math.round(4 * Math.abs(magnitude) / GREATEST)),
  solarize: (pixels, _, magnitude) => solarize(pixels, 255 - 255 * Math.abs(magnitude) / GREATEST),
  autoContrast: (pixels) => autoContrast(pixels),
  equalize: (pixels) => equalize(pixels),
};

/**
 * An augmented copy of an image.
 *
 * @param pixels uint8 [H, W, 3]
 * @param width W
 * @param random what is drawn, and in which direction, follows from it
 * @throws RangeError where the options are no whole numbers in their ranges
 */
export function randAugment(
  pixels: Uint8Array,
  width: number,
  random: Random,
  { operations = 2, magnitude = 9 }: RandAugmentOptions = {},
): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(operations) || operations < 0) {
    throw new RangeError(`RandAugment needs a whole number of operations from 0 on; got ${operations}.`);
  }
  if (!Number.isSafeInteger(magnitude) || magnitude < 0 || magnitude > GREATEST) {
    throw new RangeError(`RandAugment's magnitude must be a whole number from 0 to ${GREATEST}; got ${magnitude}.`);
  }
  const all = Object.values(OPERATIONS);
  let augmented = pixels.slice();
  for (let i = 0; i < operations; i++) {
    const operation = all[random.integer(all.length)], sign = random.integer(2) === 0 ? 1 : -1;
    augmented = operation(augmented, width, sign * magnitude);
  }
  return augmented;
}
