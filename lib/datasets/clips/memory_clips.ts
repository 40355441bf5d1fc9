/**
 * Clips of one length and size, in memory.
 *
 * @module
 */
import { type Fingerprint, pixelFingerprint } from "../fingerprint.ts";
import type { ClipDataset } from "./clips.ts";

/** What memoryClips() is made of. */
export interface MemoryClips {
  /** For messages and tables. */
  name: string;
  /** [N, T, height, width, 3], 8-bit sRGB. */
  pixels: Uint8Array;
  /** Of every clip, T. */
  frames: number;
  /** Of every frame, in pixels. */
  height: number;
  /** Of every frame, in pixels. */
  width: number;
}

/**
 * The clips as a ClipDataset; the pixels are kept, not copied.
 *
 * @throws RangeError where they are no whole number of clips
 */
export function memoryClips({ name, pixels, frames, height, width }: MemoryClips): ClipDataset {
  const bytes = height * width * 3, length = pixels.length / (frames * bytes);
  if (!Number.isInteger(length)) {
    throw new RangeError(
      `${name}: ${pixels.length} bytes are no clips of ${frames} frames of ${width} x ${height} RGB.`,
    );
  }
  let known: Fingerprint | undefined;
  return {
    name,
    length,
    framesOf: () => frames,
    // deno-lint-ignore require-await
    fingerprint: async () => known ??= pixelFingerprint(length, pixels),
    // deno-lint-ignore require-await -- async, so that an error is a rejection, as with files
    async read(index, places) {
      if (index >= length) throw new RangeError(`${name} has ${length} clips; there is no clip ${index}.`);
      const out = new Uint8Array(places.length * bytes);
      places.forEach((place, t) => {
        if (!(place >= 0 && place < frames)) throw new RangeError(`${name}: clip ${index} has no frame ${place}.`);
        const from = (index * frames + place) * bytes;
        out.set(pixels.subarray(from, from + bytes), t * bytes);
      });
      return { pixels: out, height, width };
    },
  };
}
