/**
 * Batches of images that are cut one by one, several at the same time: from files, or from what is kept of them.
 *
 * @module
 */
import { randomStream } from "../random.ts";
import type { Batch, CropView, Dataset } from "./dataset.ts";
import { forEachInFlight } from "./in_flight.ts";
import { checkRange, checkSize, type Cut, randomResizedCrop, squareOf } from "./pixels/crop.ts";
import { centredCut, framingOf } from "./pixels/preprocessing.ts";

/** The part of a Dataset that makes batches, from images of any sizes. */
export function cutBatches(
  { name, length, cuts }: Pick<Dataset, "name" | "length"> & Required<Pick<Dataset, "cuts">>,
): Pick<Dataset, "crops" | "centred"> & Required<Pick<Dataset, "views">> {
  /** A batch of each of some squares of the images, given their sizes; each image is read once. */
  async function squares(
    indices: Uint32Array,
    sizes: readonly number[],
    wanted: (index: number, width: number, height: number) => readonly Cut[],
  ): Promise<Batch[]> {
    const labels = new Int32Array(indices.length), bytes = sizes.map((size) => size * size * 3);
    const pixels = bytes.map((square) => new Uint8Array(indices.length * square));
    await forEachInFlight(indices.length, async (i) => {
      const index = indices[i];
      if (index >= length) throw new RangeError(`${name} has ${length} images; there is no image ${index}.`);
      const image = await cuts(index, (width, height) => wanted(index, width, height));
      image.cuts.forEach((cut, view) => pixels[view].set(cut, i * bytes[view]));
      labels[i] = image.label;
    });
    return pixels.map((each) => ({ pixels: each, labels }));
  }

  async function views(indices: Uint32Array, crops: readonly CropView[]): Promise<Batch[]> {
    for (const { size, crop } of crops) {
      checkSize(size); // here, or it would be taken for a fault of the image, as the range would
      checkRange(crop);
    }
    return await squares(
      indices,
      crops.map(({ size }) => size),
      (i, w, h) =>
        crops.map(({ size, crop, key: { seed, epoch } }) =>
          squareOf(randomResizedCrop(w, h, crop, randomStream(seed, epoch, i)), size)
        ),
    );
  }

  return {
    views,
    async crops(indices, size, crop, key) {
      return (await views(indices, [{ size, crop, key }]))[0];
    },
    async centred(indices, asked) {
      const framing = framingOf(asked);
      return (await squares(indices, [framing.crop], (_, w, h) => [centredCut(w, h, framing)]))[0];
    },
  };
}
