/**
 * Views of an image, a box of it in other light and colours, and the transformation from one view to another as numbers:
 * what an image world model is told.
 *
 * @module
 */
import type { CropRange } from "../../datasets/dataset.ts";
import { type Box, randomResizedCrop, squareOf } from "../../datasets/pixels/crop.ts";
import { adjustBrightness, adjustColor, adjustContrast } from "../../datasets/pixels/photometric.ts";
import { resample } from "../../datasets/pixels/resampling/resample.ts";
import type { Random } from "../../random.ts";

/** A view of a square image. */
export interface ImageView {
  /** In its pixels. */
  box: Box;
  /** Factors of Pillow's ImageEnhance, above 0; 1 leaves an image as it is. */
  light: { brightness: number; contrast: number; saturation: number };
}

/** From where views are drawn. */
export interface ViewRange {
  /** Of the boxes. */
  crop: CropRange;
  /** How far each factor goes: those of j are in 1 - j .. 1 + j, as torchvision's ColorJitter draws them. */
  jitter: ImageView["light"];
}

/** The image as it is. */
export const plainView = (size: number): ImageView => ({
  box: { x: 0, y: 0, width: size, height: size },
  light: { brightness: 1, contrast: 1, saturation: 1 },
});

/** A random view of an image of so many pixels a side. */
export function drawView(size: number, { crop, jitter }: ViewRange, random: Random): ImageView {
  const box = randomResizedCrop(size, size, crop, random);
  const factor = (most: number) => 1 + most * (2 * random.uniform() - 1);
  const { brightness, contrast, saturation } = jitter;
  return {
    box,
    light: { brightness: factor(brightness), contrast: factor(contrast), saturation: factor(saturation) },
  };
}

/**
 * What a view shows: its box, brought to the image's size, then brighter, of more contrast, and more colourful, in this order.
 *
 * @param pixels uint8 [size, size, 3]
 * @returns the same shape
 */
export function viewPixels(
  pixels: Uint8Array,
  size: number,
  { box, light }: ImageView,
  interpolation?: CropRange["interpolation"],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(pixels.length);
  resample(pixels, size, squareOf(box, size, interpolation), out);
  return adjustColor(adjustContrast(adjustBrightness(out, light.brightness), light.contrast), light.saturation);
}

/** How many numbers a transformation is. */
export const TRANSFORMATION = 7;

/**
 * The transformation from one view to another: where the middle of the other's box is, in widths and heights of the first's
 * from its middle; the logarithms of the ratios of their widths and heights; and those of the ratios of brightness, contrast
 * and saturation. All 0 where both are the same.
 */
export function transformation(from: ImageView, to: ImageView): number[] {
  const middle = ({ x, y, width, height }: Box) => [x + width / 2, y + height / 2];
  const [fromX, fromY] = middle(from.box), [toX, toY] = middle(to.box), { width, height } = from.box;
  const ratio = (name: keyof ImageView["light"]) => Math.log(to.light[name] / from.light[name]);
  return [
    (toX - fromX) / width,
    (toY - fromY) / height,
    Math.log(to.box.width / width),
    Math.log(to.box.height / height),
    ...[ratio("brightness"), ratio("contrast"), ratio("saturation")],
  ];
}
