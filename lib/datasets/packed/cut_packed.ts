/**
 * Cuts from a packed image, in the place of those from its file.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { Box, Cut } from "../pixels/crop.ts";
import { cutPart } from "../pixels/part.ts";

/** What packed pixels are. */
export interface PackedSize {
  /** Of the original, in pixels. */
  width: number;
  /** Of the original, in pixels. */
  height: number;
  /** As it is kept, in pixels. */
  packedWidth: number;
  /** As it is kept, in pixels. */
  packedHeight: number;
  /** CRC-32 of the pixels. */
  checksum: number;
}

/** Where packed pixels are, in bytes. */
export interface PackedPlace {
  path: string;
  offset: number;
  length: number;
  packed: PackedSize;
}

/**
 * The cuts of the original, from its packed pixels.
 *
 * @param pixels [packedHeight, packedWidth, 3]
 * @returns undefined where the pixels are not those that were written
 */
export function cutPacked(
  pixels: Uint8Array,
  { width, height, packedWidth, packedHeight, checksum }: PackedSize,
  wanted: (width: number, height: number) => readonly Cut[],
): Uint8Array<ArrayBuffer>[] | undefined {
  if (pixels.length !== 3 * packedWidth * packedHeight || (crc32(pixels) | 0) !== checksum) return undefined;
  const part = { data: pixels, x: 0, y: 0, width: packedWidth, height: packedHeight };
  const across = packedWidth / width, down = packedHeight / height;
  return cutPart(part, wanted(width, height).map((cut) => ({ ...cut, box: scaledBox(cut.box, across, down) })));
}

/** A box in a shrunk image: its edges at the nearest pixels, one pixel at least. */
function scaledBox({ x, y, width, height }: Box, across: number, down: number): Box {
  const between = (from: number, length: number, scale: number) => {
    const end = Math.max(1, Math.round((from + length) * scale)), start = Math.min(end - 1, Math.round(from * scale));
    return [start, end - start];
  };
  const [left, wide] = between(x, width, across), [top, high] = between(y, height, down);
  return { x: left, y: top, width: wide, height: high };
}
