/**
 * Batches of images that are cut one by one, several at the same time: from files, or from what is kept of them.
 *
 * @module
 */
import type { Batch, Dataset } from "./dataset.ts";
import { forEachInFlight } from "./in_flight.ts";
import { checkRange, checkSize } from "./pixels/crop.ts";
import { emptyPixels, type ImageReading } from "./pixels/cut_image.ts";
import { framingOf } from "./pixels/preprocessing.ts";
import { type Place, type Readers, readSquares, sharedReaders } from "./readers/readers.ts";
import { cutsOf, sizesOf, type Wanted } from "./readers/wanted.ts";

/** Where images are, so that threads can read them. */
export interface Places {
  /** Of the file at an index. */
  placeOf(index: number): Place;
  colours: ImageReading;
}

/**
 * The part of a Dataset that makes batches, from images of any sizes.
 *
 * @param places default the images are read by this thread alone, by `cuts`
 */
export function cutBatches(
  { name, length, labels, cuts, channels = 3 }:
    & Pick<Dataset, "name" | "length" | "labels" | "channels">
    & Required<Pick<Dataset, "cuts">>,
  places?: Places,
): Pick<Dataset, "crops" | "centred"> & Required<Pick<Dataset, "views">> {
  /** A batch of each square that is wanted of the images; each image is read once. */
  async function squares(indices: Uint32Array, wanted: Wanted): Promise<Batch[]> {
    const stray = indices.find((index) => index >= length);
    if (stray !== undefined) throw new RangeError(`${name} has ${length} images; there is no image ${stray}.`);
    const lengths = sizesOf(wanted).map((size) => size * size * channels);
    const own = Int32Array.from(indices, (i) => labels[i]);
    const pixels = lengths.map((square) => emptyPixels(indices.length * square, channels));
    const read = async (readers: Readers, { placeOf, colours }: Places) => {
      const images = Array.from(indices, (index) => ({ index, place: placeOf(index) }));
      return await readSquares(readers, images, wanted, colours, pixels);
    };
    const readers = places && sharedReaders(indices.length);
    const left = readers ? await read(readers, places) : [...indices.keys()];
    await forEachInFlight(left.length, async (k) => {
      const i = left[k], index = indices[i];
      const image = await cuts(index, (width, height) => cutsOf(wanted, index, width, height));
      image.cuts.forEach((cut, view) => pixels[view].set(cut, i * lengths[view]));
      own[i] = image.label;
    });
    return pixels.map((each) => ({ pixels: each, labels: own }));
  }

  const views: Required<Dataset>["views"] = async (indices, crops) => {
    for (const { size, crop } of crops) {
      checkSize(size); // here, or it would be taken for a fault of the image, as the range would
      checkRange(crop);
    }
    return await squares(indices, { views: crops });
  };
  return {
    views,
    async crops(indices, size, crop, key) {
      return (await views(indices, [{ size, crop, key }]))[0];
    },
    async centred(indices, asked) {
      return (await squares(indices, { framing: framingOf(asked) }))[0];
    },
  };
}
