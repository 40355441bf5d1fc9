/**
 * A data set whose images, all of one size, are held in memory.
 *
 * @module
 */
import { type Fingerprint, pixelFingerprint } from "./fingerprint.ts";
import { randomStream } from "../random.ts";
import { checkSize, type Cut, randomResizedCrop, squareOf } from "./pixels/crop.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { centredCut, framingOf } from "./pixels/preprocessing.ts";
import { resample } from "./pixels/resampling/resample.ts";

/** What `memoryDataset` is made of. */
export interface MemoryImages {
  /** For messages and tables. */
  name: string;
  /** Names of the classes, by label. */
  classes: readonly string[];
  /** [N, height, width, 3], 8-bit sRGB. */
  pixels: Uint8Array;
  /** Of every image, in pixels. */
  width: number;
  /** Of every image, in pixels. */
  height: number;
  /** [N], -1 where unknown. */
  labels: Int32Array;
}

/**
 * The images as a Dataset; the arrays are kept, not copied.
 *
 * @throws RangeError if the pixels are not those of N images, or a label is not a class.
 */
export function memoryDataset({ name, classes, pixels, width, height, labels }: MemoryImages): Dataset {
  const length = labels.length, bytes = width * height * 3;
  if (pixels.length !== length * bytes) {
    throw new RangeError(
      `${name}: ${length} labels want ${
        length * bytes
      } bytes of ${width} x ${height} RGB pixels; got ${pixels.length}.`,
    );
  }
  const stray = labels.findIndex((label) => label < -1 || label >= classes.length);
  if (stray >= 0) {
    throw new RangeError(
      `${name}: image ${stray} has label ${labels[stray]}, but there are ${classes.length} classes.`,
    );
  }

  function cut(indices: Uint32Array, size: number, cutOf: (index: number) => Cut): Batch {
    const out = new Uint8Array(indices.length * size * size * 3);
    indices.forEach((index, i) => {
      if (index >= length) throw new RangeError(`${name} has ${length} images; there is no image ${index}.`);
      const image = pixels.subarray(index * bytes, (index + 1) * bytes);
      resample(image, width, cutOf(index), out.subarray(i * size * size * 3, (i + 1) * size * size * 3));
    });
    return { pixels: out, labels: Int32Array.from(indices, (index) => labels[index]) };
  }

  let known: Fingerprint | undefined;
  return {
    name,
    length,
    classes,
    labels,
    // deno-lint-ignore require-await
    fingerprint: async () => known ??= pixelFingerprint(length, pixels),
    // deno-lint-ignore require-await -- async, so that an error is a rejection, as with files
    async crops(indices, size, crop, { seed, epoch }) {
      checkSize(size);
      const boxOf = (i: number) => randomResizedCrop(width, height, crop, randomStream(seed, epoch, i));
      return cut(indices, size, (i) => squareOf(boxOf(i), size, crop.interpolation));
    },
    // deno-lint-ignore require-await
    async centred(indices, asked) {
      const framing = framingOf(asked), centre = centredCut(width, height, framing);
      return cut(indices, framing.crop, () => centre);
    },
  };
}
