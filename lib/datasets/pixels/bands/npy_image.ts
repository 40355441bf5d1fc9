/**
 * Images as arrays of NumPy's, [H, W, C], or [H, W] of one channel.
 *
 * @module
 */
import { parseNpyHeader } from "../../../npy_header.ts";
import type { Bands } from "./resample_bands.ts";

type ReadNumber = (view: DataView, at: number, littleEndian: boolean) => number;

/** Types of numbers by their names without byte order: their bytes, and how one is read. */
const TYPES: Record<string, [bytes: number, read: ReadNumber]> = {
  u1: [1, (view, at) => view.getUint8(at)],
  i1: [1, (view, at) => view.getInt8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
};

/**
 * The array in an .npy file as an image, in C order or Fortran's, of whole numbers of 8 to 32 bits or floats of 32 or 64.
 *
 * @throws Error with the reason, as a clause
 */
export function npyImage(file: Uint8Array): Bands & { height: number } {
  const { descr, fortranOrder, shape, bytes } = parseNpyHeader(file);
  const [size, read] = TYPES[descr.slice(1)] ?? [];
  if (!size || !read) throw new Error(`its numbers are ${descr}, which is none of ${Object.keys(TYPES).join(", ")}`);
  if (shape.length !== 2 && shape.length !== 3) throw new Error(`its shape is [${shape}], not [H, W, C]`);
  const [height, width, channels = 1] = shape, count = height * width * channels;
  if (file.length !== bytes + count * size) {
    throw new Error(`shape [${shape}] takes ${count * size} bytes, but the file has ${file.length - bytes}`);
  }
  const view = new DataView(file.buffer, file.byteOffset + bytes), little = descr[0] !== ">";
  const [down, across, between] = fortranOrder ? [1, height, height * width] : [width * channels, channels, 1];
  const data = new Float32Array(count);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        data[i++] = read(view, (y * down + x * across + channel * between) * size, little);
      }
    }
  }
  return { data, width, height, channels };
}
