/**
 * Images of other channels than a photo's three, such as those of satellites and scanners: numbers as they are in the
 * file, without colour management.
 *
 * @module
 */
import { fromArrayBuffer } from "npm:geotiff@3.0.5";
import sharp from "npm:sharp@0.35.5";
import type { Box, Cut } from "../crop.ts";
import { boxAround } from "../part.ts";
import { npyImage } from "./npy_image.ts";
import { type Bands, resampleBands } from "./resample_bands.ts";

/** The formats that are read as bands, by the endings of their file names. */
export const BAND_ENDINGS: readonly string[] = ["tif", "tiff", "npy", "png", "jpg", "jpeg", "webp"];

/** An image whose pixels are not read yet. */
interface Opened {
  width: number;
  height: number;
  channels: number;
  /** Those in a box. */
  read(box: Box): Promise<Bands["data"]>;
}

const startsWith = (file: Uint8Array, ...starts: string[]) =>
  starts.includes(String.fromCharCode(...file.subarray(0, starts[0].length)));

async function openTiff(file: Uint8Array): Promise<Opened> {
  const own = file.byteLength === file.buffer.byteLength ? file : file.slice();
  const image = await (await fromArrayBuffer(own.buffer as ArrayBuffer)).getImage();
  return {
    ...{ width: image.getWidth(), height: image.getHeight(), channels: image.getSamplesPerPixel() },
    async read({ x, y, width, height }) {
      return Float32Array.from(await image.readRasters({ window: [x, y, x + width, y + height], interleave: true }));
    },
  };
}

/** A part of an image that is in memory. */
function opened({ data, width, height, channels }: Bands & { height: number }): Opened {
  const read = (box: Box) => {
    const part = new Float32Array(box.width * box.height * channels), row = box.width * channels;
    for (let y = 0; y < box.height; y++) {
      const from = ((box.y + y) * width + box.x) * channels;
      part.set(data.subarray(from, from + row), y * row);
    }
    return Promise.resolve(part);
  };
  return { width, height, channels, read };
}

/** What sharp reads, of at most four channels. */
async function openPicture(file: Uint8Array): Promise<Opened> {
  const { depth, space, channels: own } = await sharp(file).metadata(), deep = depth === "ushort";
  const kept = deep ? own! < 3 ? "grey16" : "rgb16" : space;
  const { data: bytes, info } = await sharp(file, { failOn: "error" })
    .pipelineColourspace(kept).toColourspace(kept).raw({ depth: deep ? "ushort" : "uchar" })
    .toBuffer({ resolveWithObject: true });
  const values = deep ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2) : bytes;
  return opened({ data: Float32Array.from(values), width: info.width, height: info.height, channels: info.channels });
}

async function open(file: Uint8Array): Promise<Opened> {
  if (startsWith(file, "\x93NUMPY")) return opened(npyImage(file));
  return await (startsWith(file, "II*\0", "MM\0*", "II+\0", "MM\0+") ? openTiff(file) : openPicture(file));
}

/**
 * What is cut from an image of bands: of each cut float32 [window.height, window.width, channels], the numbers of its file,
 * resized as resampleBands() does. TIFFs of any number of bands, of whole numbers or floats, striped or tiled, the bands
 * side by side or one after another; .npy as npyImage() reads them; and what sharp reads in as many channels.
 *
 * @param cutsOf what to make of it, one cut at least, given its width and height
 * @throws Error with the reason, as a clause, where it cannot be read, has other channels, or a number that is not finite
 */
export async function cutBands(
  file: Uint8Array,
  cutsOf: (width: number, height: number) => readonly Cut[],
  channels: number,
): Promise<Float32Array<ArrayBuffer>[]> {
  const image = await open(file);
  if (image.channels !== channels) {
    throw new Error(`it has ${image.channels} channel(s), and images of ${channels} are wanted`);
  }
  const cuts = cutsOf(image.width, image.height), box = boxAround(cuts), data = await image.read(box);
  const stray = data.findIndex((value) => !Number.isFinite(value));
  if (stray >= 0) {
    const pixel = Math.floor(stray / channels),
      x = box.x + pixel % box.width,
      y = box.y + Math.floor(pixel / box.width);
    throw new Error(
      `its pixel at column ${x}, row ${y}, channel ${stray % channels} is ${data[stray]}: fill such gaps`,
    );
  }
  const part: Bands = { data, width: box.width, channels };
  return cuts.map((cut) =>
    resampleBands(part, { ...cut, box: { ...cut.box, x: cut.box.x - box.x, y: cut.box.y - box.y } })
  );
}
