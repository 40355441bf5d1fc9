/**
 * Structural similarity of images (SSIM, Wang et al. 2004, doi 10.1109/TIP.2003.819861): how alike they are in brightness,
 * contrast and structure, window by window. It depends on no encoder.
 *
 * @module
 */
import { imageCount } from "../image_batches.ts";

/** Height and width of the window, in pixels: smaller images have no SSIM. */
export const SSIM_WINDOW = 11;
/** The paper's window: a Gaussian of deviation 1.5, as the product of two of these rows. */
const WINDOW = normalised(
  Float64Array.from({ length: SSIM_WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2))),
);
/** The paper's constants, for pixels in 0 .. 255. */
const C1 = (0.01 * 255) ** 2, C2 = (0.03 * 255) ** 2;

function normalised(row: Float64Array): Float64Array {
  const sum = row.reduce((a, b) => a + b);
  return row.map((x) => x / sum);
}

/** Weighted averages in every window that lies within a plane [side, side]: [inner, inner], inner = side - 10. */
function windowed(plane: Float64Array, side: number): Float64Array {
  const reach = WINDOW.length, inner = side - reach + 1;
  const rows = new Float64Array(side * inner), all = new Float64Array(inner * inner);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < inner; x++) {
      let sum = 0;
      for (let i = 0; i < reach; i++) sum += WINDOW[i] * plane[y * side + x + i];
      rows[y * inner + x] = sum;
    }
  }
  for (let y = 0; y < inner; y++) {
    for (let x = 0; x < inner; x++) {
      let sum = 0;
      for (let i = 0; i < reach; i++) sum += WINDOW[i] * rows[(y + i) * inner + x];
      all[y * inner + x] = sum;
    }
  }
  return all;
}

/** The paper's equation 13 of two planes [side, side], averaged over the windows (equation 17). */
function ssimOfPlanes(a: Float64Array, b: Float64Array, side: number): number {
  const average = (plane: Float64Array) => windowed(plane, side);
  const meanA = average(a), meanB = average(b);
  const squareA = average(a.map((x) => x * x)), squareB = average(b.map((x) => x * x));
  const product = average(a.map((x, i) => x * b[i]));
  let sum = 0;
  for (let i = 0; i < meanA.length; i++) {
    const [ma, mb] = [meanA[i], meanB[i]], covariance = product[i] - ma * mb;
    const variances = squareA[i] - ma * ma + squareB[i] - mb * mb;
    sum += (2 * ma * mb + C1) * (2 * covariance + C2) / ((ma * ma + mb * mb + C1) * (variances + C2));
  }
  return sum / meanA.length;
}

/**
 * SSIM of each decoded image, averaged over its colours and over the images: 1 for the same image, about 0 for unrelated
 * ones.
 *
 * @param decoded 8-bit [N, size, size, 3]
 * @param images what they should be
 * @param size in pixels, at least 11
 * @throws RangeError where they are not equally many such images, at least one
 */
export function ssim(decoded: Uint8Array, images: Uint8Array, size: number): number {
  const count = imageCount(images, size), pixels = size * size;
  if (decoded.length !== images.length || count === 0) {
    throw new RangeError(`${decoded.length} and ${images.length} bytes are not as many images of ${size} pixels.`);
  }
  if (size < SSIM_WINDOW) throw new RangeError(`SSIM's window needs images of ${SSIM_WINDOW} pixels; got ${size}.`);
  const plane = (all: Uint8Array, image: number, colour: number) =>
    Float64Array.from({ length: pixels }, (_, i) => all[(image * pixels + i) * 3 + colour]);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let colour = 0; colour < 3; colour++) {
      sum += ssimOfPlanes(plane(decoded, i, colour), plane(images, i, colour), size);
    }
  }
  return sum / (3 * count);
}
