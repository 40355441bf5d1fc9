/**
 * What a data set of clips is to the rest of the kit: some frames of a clip by its index; and windows of clips as batches, so
 * that the loader of images delivers them.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import type { Batch, CropRange, Dataset } from "../dataset.ts";
import { checkSize, randomResizedCrop, squareOf } from "../pixels/crop.ts";
import { resample } from "../pixels/resampling/resample.ts";

/** Some frames of a clip. */
export interface Frames {
  /** [T, height, width, 3], 8-bit sRGB. */
  pixels: Uint8Array;
  /** In pixels. */
  height: number;
  /** In pixels. */
  width: number;
}

/** A set of clips, each known by its index in 0 .. length - 1. */
export interface ClipDataset extends Pick<Dataset, "name" | "length" | "source" | "fingerprint"> {
  /** How many frames a clip has. */
  framesOf(index: number): number;
  /** The frames at `places`, in 0 .. framesOf(index) - 1, ascending, all of one size. */
  read(index: number, places: readonly number[]): Promise<Frames>;
}

/** Which frames of a clip a window takes. */
export interface WindowOptions {
  /** Frames of a window, T. */
  frames: number;
  /** Every how many-th frame of the clip it takes. Default 1. */
  every?: number;
}

/** Frames that a window spans in its clip. */
export function span({ frames, every = 1 }: WindowOptions): number {
  return (frames - 1) * every + 1;
}

/** The places of a window's frames. */
export const windowFrom = (start: number, { frames, every = 1 }: WindowOptions): number[] =>
  Array.from({ length: frames }, (_, t) => start + t * every);

/** Brings frames to size x size by one and the same cut: [T, size, size, 3]. */
export function cutFrames(
  { pixels, height, width }: Frames,
  size: number,
  cut: ReturnType<typeof squareOf>,
): Uint8Array<ArrayBuffer> {
  const frames = pixels.length / (height * width * 3), bytes = size * size * 3, out = new Uint8Array(frames * bytes);
  for (let t = 0; t < frames; t++) {
    const frame = pixels.subarray(t * height * width * 3, (t + 1) * height * width * 3);
    resample(frame, width, cut, out.subarray(t * bytes, (t + 1) * bytes));
  }
  return out;
}

/**
 * Clips for the loader of images, batches(): an "image" is a window of T frames, its pixels [T, size, size, 3]. Where the
 * window begins, and the box that is cut out of all its frames, are random and depend on (seed, epoch, clip) alone.
 *
 * @throws RangeError that names a clip which is shorter than a window
 */
export function clipWindows(dataset: ClipDataset, options: WindowOptions): Pick<Dataset, "name" | "length" | "crops"> {
  const { name, length } = dataset, spanned = span(options);
  for (let i = 0; i < length; i++) {
    if (dataset.framesOf(i) >= spanned) continue;
    throw new RangeError(
      `${name}: clip ${i} has ${
        dataset.framesOf(i)
      } frames, and a window spans ${spanned}: leave it out, or take fewer ` +
        "frames or denser ones.",
    );
  }
  return {
    name,
    length,
    async crops(indices: Uint32Array, size: number, crop: CropRange, { seed, epoch }): Promise<Batch> {
      checkSize(size);
      const bytes = options.frames * size * size * 3, pixels = new Uint8Array(indices.length * bytes);
      for (const [i, index] of indices.entries()) {
        const random = randomStream(seed, epoch, index);
        const start = random.integer(dataset.framesOf(index) - spanned + 1);
        const frames = await dataset.read(index, windowFrom(start, options));
        const box = randomResizedCrop(frames.width, frames.height, crop, random);
        pixels.set(cutFrames(frames, size, squareOf(box, size, crop.interpolation)), i * bytes);
      }
      return { pixels, labels: new Int32Array(indices.length).fill(-1) };
    },
  };
}
