/**
 * Where to cut an image, and to what size to bring it: the random resized crop, the paper's only augmentation, and the
 * centred square after a resize.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import type { CropRange } from "../dataset.ts";

/** A rectangle of whole pixels inside an image. */
export interface Box {
  /** Columns before it. */
  x: number;
  /** Rows above it. */
  y: number;
  /** Of it, in pixels. */
  width: number;
  /** Of it, in pixels. */
  height: number;
}

/** How the pixels of a resized image come from those of the image; antialiased where it shrinks. */
export type Interpolation = "bicubic" | "bilinear";

/** What is made of an image: the pixels in `box`, resized to `width` x `height`, of which those in `window` are kept. */
export interface Cut {
  /** In the image. */
  box: Box;
  /** To which the box is resized, in pixels. */
  width: number;
  /** To which the box is resized, in pixels. */
  height: number;
  /** In the resized box. */
  window: Box;
  /** How it is resized. */
  interpolation: Interpolation;
}

/** The whole of a box, resized to a square. */
export function squareOf(box: Box, size: number, interpolation: Interpolation = "bicubic"): Cut {
  return {
    box,
    width: size,
    height: size,
    window: { x: 0, y: 0, width: size, height: size },
    interpolation,
  };
}

const TRIES = 10;

/**
 * A box of random area and aspect, as torchvision's RandomResizedCrop.get_params draws it: up to ten tries, and where
 * none fits in the image, the largest centred box whose aspect is in the range.
 *
 * @throws RangeError as checkRange does
 */
export function randomResizedCrop(width: number, height: number, range: CropRange, random: Random): Box {
  checkRange(range);
  const { scale, aspect } = range;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  for (let i = 0; i < TRIES; i++) {
    const area = width * height * between(scale[0], scale[1]);
    const ratio = Math.exp(between(Math.log(aspect[0]), Math.log(aspect[1])));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const y = random.integer(height - h + 1);
      return { x: random.integer(width - w + 1), y, width: w, height: h };
    }
  }
  const ratio = Math.min(Math.max(width / height, aspect[0]), aspect[1]);
  return centredBox(width, height, Math.min(width, height * ratio), Math.min(height, width / ratio));
}

/** A box of this size in the middle of an image; of an odd number of pixels to leave out, the smaller half is before it. */
export function centredBox(imageWidth: number, imageHeight: number, boxWidth: number, boxHeight: number): Box {
  const width = Math.max(1, Math.round(boxWidth)), height = Math.max(1, Math.round(boxHeight));
  return { x: (imageWidth - width) >> 1, y: (imageHeight - height) >> 1, width, height };
}

/** Throws a RangeError unless a crop can be `size` pixels wide. */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`A crop's size must be whole pixels; got ${size}.`);
}

/** Throws a RangeError if the range is empty, not positive, or asks for more than the whole image. */
export function checkRange({ scale, aspect }: CropRange): void {
  if (!(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1)) {
    throw new RangeError(`A crop's scale must be a range inside (0, 1]; got [${scale}].`);
  }
  if (!(aspect[0] > 0 && aspect[0] <= aspect[1] && aspect[1] < Infinity)) {
    throw new RangeError(`A crop's aspect must be a range of positive numbers; got [${aspect}].`);
  }
}
