/**
 * What is made of each image of a batch, in a form that another thread can be sent.
 *
 * @module
 */
import { randomStream } from "../../random.ts";
import type { CropView } from "../dataset.ts";
import { type Cut, randomResizedCrop, squareOf } from "../pixels/crop.ts";
import { centredCut, type Framing } from "../pixels/preprocessing.ts";

/** Random crops, or the centred square. */
export type Wanted = { views: readonly CropView[] } | { framing: Framing };

/** The sides of an image's squares, in pixels. */
export function sizesOf(wanted: Wanted): number[] {
  return "views" in wanted ? wanted.views.map(({ size }) => size) : [wanted.framing.crop];
}

/** The squares of the image at an index, of so many pixels. */
export function cutsOf(wanted: Wanted, index: number, width: number, height: number): Cut[] {
  if ("framing" in wanted) return [centredCut(width, height, wanted.framing)];
  return wanted.views.map(({ size, crop, key: { seed, epoch } }) =>
    squareOf(randomResizedCrop(width, height, crop, randomStream(seed, epoch, index)), size, crop.interpolation)
  );
}
