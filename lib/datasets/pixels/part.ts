/**
 * Decoded pixels of a part of an image, and the cuts made of them.
 *
 * @module
 */
import type { Box, Cut } from "./crop.ts";
import { resample } from "./resampling/resample.ts";

/** Where a part lies in its image, and its pixels. */
export interface Part extends Box {
  /** [height, width, 3], 8-bit sRGB. */
  data: Uint8Array;
}

/** The smallest box that holds the boxes of all cuts, of one at least. */
export function boxAround(cuts: readonly Cut[]): Box {
  const x = Math.min(...cuts.map(({ box }) => box.x)), y = Math.min(...cuts.map(({ box }) => box.y));
  return {
    x,
    y,
    width: Math.max(...cuts.map(({ box }) => box.x + box.width)) - x,
    height: Math.max(...cuts.map(({ box }) => box.y + box.height)) - y,
  };
}

/** Each cut of an image, [window.height, window.width, 3], from a part that holds their boxes. */
export function cutPart({ data, x, y, width }: Part, cuts: readonly Cut[]): Uint8Array<ArrayBuffer>[] {
  return cuts.map((cut) => {
    const out = new Uint8Array(cut.window.width * cut.window.height * 3);
    resample(data, width, { ...cut, box: { ...cut.box, x: cut.box.x - x, y: cut.box.y - y } }, out);
    return out;
  });
}
