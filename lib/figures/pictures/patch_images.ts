/**
 * Numbers of an image's patches as pictures: components of their features as colours, and maps over the image.
 *
 * @module
 */
import type { Grid } from "../../jepa/masks.ts";
import { viridis } from "./colour_map.ts";
import type { GridImage } from "./image_grid.ts";

/** Share of the numbers below the darkest and above the brightest colour, so that a few extremes do not grey the rest. */
const TAIL = 0.02;

/** The least and the largest of all numbers but the tails. */
function spread(values: Float64Array): [number, number] {
  const sorted = values.toSorted(), last = sorted.length - 1;
  return [sorted[Math.round(TAIL * last)], sorted[Math.round((1 - TAIL) * last)]];
}

/**
 * Three numbers for each patch as its red, green and blue, each brought to the colours' range over all images: patches of
 * one colour have alike features, in whichever image they are.
 *
 * @param scores [images, patches, 3], of componentScores()
 * @param side patches down and across
 * @returns an image of side x side pixels each
 * @throws {RangeError} where these are not three numbers for each patch of some images
 */
export function componentImages(scores: Float64Array, side: number): GridImage[] {
  const perImage = side * side * 3;
  if (scores.length === 0 || scores.length % perImage) {
    throw new RangeError(`${scores.length} numbers are not three for each of ${side} x ${side} patches.`);
  }
  const ranges = [0, 1, 2].map((channel) => spread(scores.filter((_, i) => i % 3 === channel)));
  const bytes = Uint8Array.from(scores, (score, i) => {
    const [low, high] = ranges[i % 3], share = high > low ? (score - low) / (high - low) : 0.5;
    return Math.round(255 * Math.min(1, Math.max(0, share)));
  });
  return Array.from({ length: bytes.length / perImage }, (_, i) => ({
    pixels: bytes.slice(i * perImage, (i + 1) * perImage),
    size: side,
  }));
}

/** How a map is laid over an image. */
export interface PatchMapOptions {
  /** Patches down and across; they divide the image's size. */
  grid: Grid;
  /** The numbers at the ends of the colours. */
  range: readonly [least: number, most: number];
  /** How much of the map's colour there is in each pixel, 0 .. 1. Default 0.6. */
  share?: number;
}

/**
 * An image with a number for each patch as a colour (viridis: dark is little, yellow is much) over it.
 *
 * @param values [rows * columns], patches in raster order
 * @throws {RangeError} where there is not a number for each patch, or the patches do not divide the image
 */
export function patchMap(
  { pixels, size }: GridImage,
  values: ArrayLike<number>,
  { grid: [rows, columns], range: [least, most], share = 0.6 }: PatchMapOptions,
): GridImage {
  if (size % rows || size % columns || values.length !== rows * columns) {
    throw new RangeError(
      `${values.length} numbers are not one for each of ${rows} x ${columns} patches of ${size} pixels.`,
    );
  }
  const colours = Array.from(values, (value) => viridis((value - least) / (most - least || 1)));
  const mixed = pixels.map((value, i) => {
    const pixel = Math.floor(i / 3), y = Math.floor(pixel / size), x = pixel % size;
    const colour = colours[Math.floor(y * rows / size) * columns + Math.floor(x * columns / size)];
    return Math.round((1 - share) * value + share * colour[i % 3]);
  });
  return { pixels: mixed, size };
}
