/**
 * What a data set is to the rest of the kit: images that come out as crops, in batches, by their index.
 *
 * @module
 */
import type { Fingerprint } from "./fingerprint.ts";
import type { Cut } from "./pixels/crop.ts";
import type { ImageReading, Pixels } from "./pixels/cut_image.ts";
import type { Framing } from "./pixels/preprocessing.ts";

/** Images of one size with their labels. */
export interface Batch {
  /** [B, size, size, 3], 8-bit sRGB, or of images of other channels float32 [B, size, size, channels]. */
  pixels: Pixels;
  /** [B], a class's index in `Dataset.classes`, or -1 where it is unknown. */
  labels: Int32Array<ArrayBuffer>;
}

/** From where a random resized crop draws its shape. The paper: scale 0.3 to 1, aspect 3/4 to 4/3. */
export interface CropRange {
  /** Least and greatest share of the image's area, in (0, 1]. */
  scale: [number, number];
  /** Least and greatest width / height, above 0; drawn uniformly in its logarithm. */
  aspect: [number, number];
  /** How a crop is resized. Default "bicubic"; torchvision's own default, and so the authors', is "bilinear". */
  interpolation?: "bicubic" | "bilinear";
}

/** Which crops `Dataset.views` makes of images: those that `Dataset.crops` does of the same size, range and key. */
export interface CropView {
  /** Width and height, in pixels. */
  size: number;
  /** Range of the random resized crops. */
  crop: CropRange;
  /** What crops follow from, with the image's index. */
  key: { seed: number; epoch: number };
}

/** What was cut from an image. */
export interface CutImage {
  /** The pixels of each cut, [window.height, window.width, channels]. */
  cuts: Pixels[];
  /** The image's label. */
  label: number;
  /** The image that it was, where one that could not be read was to be skipped. */
  index: number;
}

/** A set of images, each known by its index in 0 .. length - 1. */
export interface Dataset {
  /** For messages and tables. */
  readonly name: string;
  /** Number of images. */
  readonly length: number;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** [length], -1 where unknown. */
  readonly labels: Int32Array;
  /** Where each image is from, by index: a file's path, or an archive's and the file's in it; where images are files. */
  readonly paths?: readonly string[];
  /** How the files become pixels; where images are files. */
  readonly colours?: ImageReading;
  /** The images' channels. Default 3, colours. */
  readonly channels?: number;

  /**
   * Random resized crops (bicubic, antialiased) of the images at `indices`, and no other augmentation: no flip, no
   * colour, no blur. Image i's crop depends on (seed, epoch, i) alone, not on its batch. Its bytes are those of Pillow's
   * crop and resize, and so torchvision's, of the same pixels.
   */
  crops(indices: Uint32Array, size: number, crop: CropRange, key: { seed: number; epoch: number }): Promise<Batch>;

  /**
   * A batch of each view of the images at `indices`; where images are files, each is read and decoded once for all. A data
   * set without it is asked for its crops, view by view: cropViews() does either.
   */
  views?(indices: Uint32Array, views: readonly CropView[]): Promise<Batch[]>;

  /**
   * The images at `indices` without augmentation: resized, then centre-cropped. A number stands for
   * `defaultPreprocessing()` of it: the short side is resized to it, bicubic, and the centred square cut out. The bytes
   * are those to which Pillow, and so torchvision and transformers, resize the same pixels.
   */
  centred(indices: Uint32Array, framing: number | Framing): Promise<Batch>;
  /** What is cut from the image at an index, given its width and height; where images are files. */
  cuts?(index: number, wanted: (width: number, height: number) => readonly Cut[]): Promise<CutImage>;
  /** Paths of what could not be read and was skipped so far, others in its place; where a data set allows that. */
  readonly skipped?: readonly string[];
  /** Paths of what lies beside the images and is not in the set; where images are files. */
  readonly ignored?: readonly string[];
  /** What opens it again, the name or the folder that openDataset() takes; where that is known. */
  readonly source?: string;
  /** What tells its images from others; worked out when it is first asked for. A data set without is known by its length. */
  fingerprint?(): Promise<Fingerprint>;
}

/** What a run needs of the data it is bound to, besides the batches. */
export type TrainingData = Pick<Dataset, "name" | "length" | "source" | "fingerprint">;

/** What the loader needs of a data set. */
export type CropSource = Pick<Dataset, "name" | "length" | "channels" | "crops" | "views">;

/** A batch of each view of a data set's images. */
export async function cropViews(
  dataset: CropSource,
  indices: Uint32Array,
  views: readonly CropView[],
): Promise<Batch[]> {
  if (dataset.views) return await dataset.views(indices, views);
  const batches: Batch[] = [];
  for (const { size, crop, key } of views) batches.push(await dataset.crops(indices, size, crop, key));
  return batches;
}
