/**
 * What happens to an image between its file and the encoder: resize, centred crop, and the mean and deviation by which
 * pixels are standardised. The kit's own, or as a Hugging Face preprocessor_config.json says.
 *
 * @module
 */
import { centredBox, checkSize, type Cut, type Interpolation } from "./crop.ts";

/** The square that is made of an image. */
export interface Framing {
  /** The shorter side after resizing, in pixels; or the exact [height, width], whatever the image's shape. */
  resize: number | [number, number];
  /** Side of the centred square that is then cut out, in pixels. */
  crop: number;
  /** How the resized pixels come from the image's; antialiased where it shrinks. */
  interpolation: Interpolation;
}

/** What is made of an image's pixels before the encoder sees them. */
export interface Preprocessing extends Framing {
  /** Of pixels in [0, 1], by channel; it is taken off. */
  mean: [number, number, number];
  /** Of pixels in [0, 1], by channel; what is left is divided by it. */
  deviation: [number, number, number];
}

/** Mean and deviation of ImageNet's pixels in [0, 1], by which the authors standardise images. */
const IMAGENET: Pick<Preprocessing, "mean" | "deviation"> = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

/**
 * The kit's own, and the one it pretrains with: the shorter side is resized to `image` pixels, bicubic, the centred
 * square is taken, and pixels are standardised by ImageNet's mean and deviation.
 *
 * @throws RangeError unless `image` is a whole number of pixels
 */
export function defaultPreprocessing(image: number): Preprocessing {
  checkSize(image);
  return { resize: image, crop: image, interpolation: "bicubic", ...IMAGENET };
}

/** The framing that is asked for by itself or, as the default one, by its size; checked. */
export function framingOf(asked: number | Framing): Framing {
  const framing = typeof asked === "number" ? defaultPreprocessing(asked) : asked;
  checkFraming(framing);
  return framing;
}

/**
 * Holds that the square can be cut from the resized image.
 *
 * @throws RangeError where a side is no whole number of pixels, or the crop is larger than the resized image
 */
export function checkFraming({ resize, crop, interpolation }: Framing): void {
  for (const side of [resize, crop].flat()) checkSize(side);
  const least = Math.min(...[resize].flat());
  if (crop > least) {
    throw new RangeError(
      `A square of ${crop} pixels cannot be cut from an image resized to ${least}: resize it larger.`,
    );
  }
  if (interpolation !== "bicubic" && interpolation !== "bilinear") {
    throw new RangeError(`Images are resized bicubic or bilinear; got "${interpolation}".`);
  }
}

/**
 * How an image of this width and height becomes the square. The longer side becomes resize * longer / shorter, rounded
 * down, as in torchvision; of an odd number of pixels to cut off, the smaller half goes before the square, as in
 * transformers (torchvision rounds that to even: 1.5 pixels are 1 here and 2 there).
 */
export function centredCut(width: number, height: number, { resize, crop, interpolation }: Framing): Cut {
  const short = Math.min(width, height);
  const [resizedHeight, resizedWidth] = typeof resize === "number"
    ? [Math.floor(resize * height / short), Math.floor(resize * width / short)]
    : resize;
  return {
    box: { x: 0, y: 0, width, height },
    width: resizedWidth,
    height: resizedHeight,
    window: centredBox(resizedWidth, resizedHeight, crop, crop),
    interpolation,
  };
}
