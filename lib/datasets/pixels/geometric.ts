/**
 * Operations that move the pixels of 8-bit images in memory: shear, translation and rotation, giving the bytes that
 * Pillow's affine transformations with the nearest pixel give, and the mirror image. What moves in from outside is black.
 * An image is uint8 [H, W, 3]; the given one is left as it is.
 *
 * @module
 */

/** Takes the output's (x, y) to the input's (a x + b y + c, d x + e y + f): [a, b, c, d, e, f]. */
type Affine = readonly [number, number, number, number, number, number];

/** Nearest pixel in 16.16 fixed-point arithmetic, which decides ties as Pillow does. */
function transform(pixels: Uint8Array, width: number, [a, b, c, d, e, f]: Affine): Uint8Array<ArrayBuffer> {
  const height = pixels.length / 3 / width;
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5);
  const [right, down] = [[fixed(a), fixed(d)], [fixed(b), fixed(e)]];
  const start = [fixed(c + a / 2 + b / 2), fixed(f + d / 2 + e / 2)]; // pixels are taken at their centres
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = Math.floor((start[0] + x * right[0] + y * down[0]) / 65536);
      const fromY = Math.floor((start[1] + x * right[1] + y * down[1]) / 65536);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const from = (fromY * width + fromX) * 3, to = (y * width + x) * 3;
      out[to] = pixels[from];
      out[to + 1] = pixels[from + 1];
      out[to + 2] = pixels[from + 2];
    }
  }
  return out;
}

/** Row y moves left by slope * y pixels. */
export function shearX(pixels: Uint8Array, width: number, slope: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, slope, 0, 0, 1, 0]);
}

/** Column x moves up by slope * x pixels. */
export function shearY(pixels: Uint8Array, width: number, slope: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, 0, 0, slope, 1, 0]);
}

/** Moves right by x and down by y pixels, whole numbers. */
export function translate(pixels: Uint8Array, width: number, x: number, y: number): Uint8Array<ArrayBuffer> {
  return transform(pixels, width, [1, 0, -x, 0, 1, -y]);
}

/** Turns counterclockwise about the centre. */
export function rotate(pixels: Uint8Array, width: number, degrees: number): Uint8Array<ArrayBuffer> {
  const angle = degrees * Math.PI / 180, cos = Math.cos(angle), sin = Math.sin(angle);
  const x = width / 2, y = pixels.length / 3 / width / 2;
  return transform(pixels, width, [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y]);
}

/** Left and right exchanged. */
export function mirror(pixels: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const row = width * 3;
  return pixels.map((_, i) => {
    const inRow = i % row, channel = i % 3;
    return pixels[i - inRow + (row - 3 - (inRow - channel)) + channel];
  });
}
