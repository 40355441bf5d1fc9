/**
 * RandAugment (Cubuk et al. 2020, arXiv 1909.13719) as MAE fine-tunes with, and the paper after it: timm's
 * "rand-m9-mstd0.5-inc1". A few operations are drawn at random for each image; each is done with probability one half, at a
 * magnitude of 0 to 10 that is drawn about 9. The 15 operations are timm's that grow with the magnitude, on Pillow 13.0,
 * bicubic, with ImageNet's mean colour where nothing was.
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
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from "./photometric.ts";

/** How much is done to an image. */
export interface RandAugmentOptions {
  /** Operations one after another, each drawn from all. Default 2. */
  operations?: number;
  /** Mean of the magnitudes, 0 (nothing) to 10 (most). Default 9. */
  magnitude?: number;
  /** Deviation of the magnitudes, which are normal and cut to 0 .. 10. Default 0.5. */
  deviation?: number;
  /** How likely an operation that was drawn is done. Default 0.5. */
  probability?: number;
}

/** The greatest magnitude. */
const GREATEST = 10;

/**
 * Does one operation to an image of the given width, of a magnitude in 0 .. 10; the sign is 1 or -1, which the operations
 * that know no direction ignore.
 */
export type Operation = (
  pixels: Uint8Array,
  width: number,
  magnitude: number,
  sign: number,
) => Uint8Array<ArrayBuffer>;

/** Greatest of what geometric operations move by: degrees, pixels a pixel, and shares of a side. */
const DEGREES = 30, SLOPE = 0.3, SHIFT = 0.45;

/** How much of an enhancement: 0.1 to 1.9, 1 of none. */
const factor = (magnitude: number, sign: number) => Math.max(0.1, 1 + sign * (magnitude / GREATEST * 0.9));

/** The operations by name, in timm's order. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  autoContrast: (pixels) => autoContrast(pixels),
  equalize: (pixels) => equalize(pixels),
  invert: (pixels) => invert(pixels),
  rotate: (pixels, width, magnitude, sign) => rotate(pixels, width, sign * (magnitude / GREATEST * DEGREES)),
  posterize: (pixels, _, magnitude) => posterize(pixels, 4 - Math.trunc(magnitude / GREATEST * 4)),
  solarize: (pixels, _, magnitude) => solarize(pixels, 256 - Math.trunc(magnitude / GREATEST * 256)),
  solarizeAdd: (pixels, _, magnitude) => solarizeAdd(pixels, Math.trunc(magnitude / GREATEST * 110)),
  color: (pixels, _, magnitude, sign) => adjustColor(pixels, factor(magnitude, sign)),
  contrast: (pixels, _, magnitude, sign) => adjustContrast(pixels, factor(magnitude, sign)),
  brightness: (pixels, _, magnitude, sign) => adjustBrightness(pixels, factor(magnitude, sign)),
  sharpness: (pixels, width, magnitude, sign) => adjustSharpness(pixels, width, factor(magnitude, sign)),
  shearX: (pixels, width, magnitude, sign) => shearX(pixels, width, sign * (magnitude / GREATEST * SLOPE)),
  shearY: (pixels, width, magnitude, sign) => shearY(pixels, width, sign * (magnitude / GREATEST * SLOPE)),
  translateX: (pixels, width, magnitude, sign) =>
    translate(pixels, width, sign * (magnitude / GREATEST * SHIFT) * width, 0),
  translateY: (pixels, width, magnitude, sign) =>
    translate(pixels, width, 0, sign * (magnitude / GREATEST * SHIFT) * (pixels.length / 3 / width)),
};

function check(holds: boolean, what: string, value: number): void {
  if (!holds) throw new RangeError(`RandAugment needs ${what}; got ${value}.`);
}

/**
 * An augmented copy of an image.
 *
 * @param pixels uint8 [H, W, 3]
 * @param width W
 * @param random what is drawn, how strong and in which direction, follows from it
 * @throws RangeError where an option is not in its range
 */
export function randAugment(
  pixels: Uint8Array,
  width: number,
  random: Random,
  { operations = 2, magnitude = 9, deviation = 0.5, probability = 0.5 }: RandAugmentOptions = {},
): Uint8Array<ArrayBuffer> {
  check(Number.isSafeInteger(operations) && operations >= 0, "a whole number of operations from 0 on", operations);
  check(magnitude >= 0 && magnitude <= GREATEST, `a magnitude from 0 to ${GREATEST}`, magnitude);
  check(deviation >= 0 && deviation < Infinity, "a deviation from 0 on", deviation);
  check(probability >= 0 && probability <= 1, "a probability from 0 to 1", probability);
  const all = Object.values(OPERATIONS);
  let augmented = pixels.slice();
  for (let i = 0; i < operations; i++) {
    const operation = all[random.integer(all.length)], done = random.uniform() < probability;
    const own = Math.min(Math.max(magnitude + deviation * random.normal(), 0), GREATEST);
    const sign = random.integer(2) === 0 ? 1 : -1;
    if (done) augmented = operation(augmented, width, own, sign);
  }
  return augmented;
}
