/**
 * Many images through a function of a batch.
 *
 * @module
 */
import { disposeAll, type Tensor, uint8Tensor } from "../tensorflow/backend.ts";

/** Images that go through an encoder at once. */
const BATCH = 64;

/**
 * How many images of `size` pixels down and across these are.
 *
 * @throws RangeError where they are not whole ones
 */
export function imageCount(pixels: Uint8Array, size: number): number {
  const count = pixels.length / (size ** 2 * 3);
  if (Number.isInteger(count)) return count;
  throw new RangeError(`${pixels.length} bytes are no images of ${size} x ${size} RGB pixels.`);
}

/**
 * Applies a function of a batch to all images, the last batch filled up so that one compilation serves.
 *
 * @param sets one or several sets of as many images, 8-bit [N, size, size, 3]; `fn` gets a batch of each
 * @param fn batches uint8 [B, size, size, 3] to float32 [B, ...]
 * @returns the values of each image, one after another
 * @throws RangeError where a set is no such images, or they are not equally many
 */
export async function forBatches(
  size: number,
  sets: readonly Uint8Array[],
  fn: (...batches: Tensor[]) => Promise<Tensor>,
): Promise<Float32Array<ArrayBuffer>> {
  const bytes = size * size * 3, counts = sets.map((pixels) => imageCount(pixels, size)), count = counts[0];
  if (counts.some((other) => other !== count)) throw new RangeError(`${counts.join(" and ")} images are no pairs.`);
  const batch = Math.min(BATCH, Math.max(count, 1)), parts: Float32Array[] = [];
  for (let first = 0; first < count; first += batch) {
    const some = Math.min(batch, count - first);
    const inputs = sets.map((pixels) => {
      const filled = new Uint8Array(batch * bytes);
      filled.set(pixels.subarray(first * bytes, (first + some) * bytes));
      return uint8Tensor(filled, [batch, size, size, 3]);
    });
    const output = await fn(...inputs), values = await output.data() as Float32Array;
    parts.push(values.subarray(0, values.length / batch * some));
    disposeAll([inputs, output]);
  }
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
