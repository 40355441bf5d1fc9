/**
 * JPEGs through TensorFlow's decoder: libjpeg-turbo, which undoes the lines above a part and the columns beside it no
 * further than it has to, and takes half of sharp's time for a whole photo.
 *
 * @module
 */
import { isMainThread } from "node:worker_threads";
import { type Attribute, AttrKind } from "../../../tensorflow/ops/attributes.ts";
import { DType } from "../../../tensorflow/ops/dtypes.ts";
import {
  execute,
  executeAsync,
  fromHost,
  isStarted,
  lendNow,
  lendString,
  release,
} from "../../../tensorflow/ops/eager.ts";
import { TensorFlowError } from "../../../tensorflow/libraries/library.ts";
import type { Box } from "../crop.ts";
import type { Part } from "../part.ts";
import type { JpegHeader } from "./jpeg_header.ts";

const OP = "DecodeAndCropJpeg";

/** As Pillow and sharp do it: the accurate inverse transform, and colours interpolated between their samples. */
const ATTRIBUTES: readonly Attribute[] = [
  { name: "channels", type: AttrKind.INT, value: 3 },
  { name: "dct_method", type: AttrKind.STRING, value: "INTEGER_ACCURATE" },
  { name: "fancy_upscaling", type: AttrKind.BOOL, value: true },
];

/** sharp's limit of pixels: what is beyond is left to its refusal. */
const PIXELS = 0x3fff ** 2;
/** At a part's edge colours are interpolated as at an image's: so many pixels more on each side, and those asked for are right. */
const MARGIN = 2;

/** Whether TensorFlow is running and decodes such a JPEG, as it is stored, to the pixels that sharp and Pillow have. */
export function engineDecodes({ width, height, channels }: JpegHeader): boolean {
  return isStarted() && (channels === 1 || channels === 3) && width * height <= PIXELS;
}

/**
 * The pixels in a box, and some around it, lent for as long as `use` takes; decoded off the event loop of
 * the main thread.
 *
 * @param box in the image as it is stored
 * @returns what `use` gives, or undefined where TensorFlow refuses the file
 */
export async function engineJpegPart<T>(
  file: Uint8Array,
  { width, height }: JpegHeader,
  box: Box,
  use: (part: Part) => T,
): Promise<T | undefined> {
  const x = Math.max(0, box.x - MARGIN), y = Math.max(0, box.y - MARGIN);
  const whole: Box = {
    x,
    y,
    width: Math.min(width, box.x + box.width + MARGIN) - x,
    height: Math.min(height, box.y + box.height + MARGIN) - y,
  };
  const window = fromHost([4], DType.INT32, Int32Array.of(y, x, whole.height, whole.width));
  try {
    return await lendString(file as Uint8Array<ArrayBuffer>, async (contents) => {
      const execution = [OP, ATTRIBUTES, [contents, window], 1] as const;
      const [image] = isMainThread ? await executeAsync(...execution) : execute(...execution);
      try {
        return lendNow(image, (data) => use({ data, ...whole }));
      } finally {
        release(image);
      }
    });
  } catch (error) {
    if (error instanceof TensorFlowError) return undefined;
    throw error;
  } finally {
    release(window);
  }
}
