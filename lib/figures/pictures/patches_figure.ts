/**
 * How an image becomes tokens: its grid of patches, and the patches apart.
 *
 * @module
 */
import type { Grid } from "../../jepa/masks.ts";
import { canvas, type Figure, imageAt, INK, label, QUIET } from "../figure.ts";
import { patchesImage } from "./masks_figure.ts";
import { pngDataUri } from "./png.ts";

/** An image, and how it is cut. */
export interface PatchedImage {
  /** uint8 [size, size, 3]. */
  pixels: Uint8Array;
  /** A multiple of the grid's height and width. */
  size: number;
  /** Patches down and across the image. */
  grid: Grid;
}

/** Side of the image, and of all patches with the gaps between them, in pixels of the figure. */
const SIDE = 208, APART = 272;

/** White between the patches, as a share of a patch. */
const GAP = 0.25;

/** The patches with white between them; each is enlarged by whole pixels. */
function apart({ pixels, size, grid: [rows, columns] }: PatchedImage): string {
  const scale = Math.ceil(224 / size), high = size / rows * scale, wide = size / columns * scale;
  const gapDown = Math.round(high * GAP), gapAcross = Math.round(wide * GAP);
  const height = rows * (high + gapDown) - gapDown, width = columns * (wide + gapAcross) - gapAcross;
  const out = new Uint8Array(height * width * 3).fill(255);
  for (let y = 0; y < size * scale; y++) {
    for (let x = 0; x < size * scale; x++) {
      const from = (Math.floor(y / scale) * size + Math.floor(x / scale)) * 3;
      const row = y + Math.floor(y / high) * gapDown, column = x + Math.floor(x / wide) * gapAcross;
      out.set(pixels.subarray(from, from + 3), (row * width + column) * 3);
    }
  }
  return pngDataUri(out, height, width);
}

/**
 * An image with the grid drawn on it and, beside it, its patches apart, which are the transformer's N tokens. The number
 * at each row's left is that of its first patch: patches are counted in raster order, from 0.
 *
 * @throws {RangeError} when pixels and grid do not fit together.
 */
export function patchesFigure(image: PatchedImage): Figure {
  const { pixels, size, grid: [rows, columns] } = image;
  if (pixels.length !== size * size * 3) {
    throw new RangeError(
      `The image has ${pixels.length} bytes; ${size} x ${size} RGB pixels need ${size * size * 3}.`,
    );
  }
  if (size % rows !== 0 || size % columns !== 0) {
    throw new RangeError(`An image of ${size} x ${size} pixels does not divide into ${rows} x ${columns} patches.`);
  }
  const edge = 16, header = 36, gap = 72, top = header + (APART - SIDE) / 2, right = edge + SIDE + gap;
  const width = right + APART + edge, height = header + APART + edge;
  const lines = [
    ...Array.from({ length: rows + 1 }, (_, i) => [edge, top + i * SIDE / rows, edge + SIDE, top + i * SIDE / rows]),
    ...Array.from({ length: columns + 1 }, (_, i) => edge + i * SIDE / columns).map((x) => [x, top, x, top + SIDE]),
  ];
  const write = (text: string, x: number, y: number) =>
    label(`<b>${text}</b>`, INK, 13, { x, y, xanchor: "center", yanchor: "middle" });
  return canvas(width, height, {
    images: [imageAt(patchesImage(image), edge, top, SIDE), imageAt(apart(image), right, header, APART)],
    shapes: lines.map(([x0, y0, x1, y1]) => (
      { type: "line", x0, y0, x1, y1, line: { color: "rgba(255, 255, 255, 0.8)", width: 1 } }
    )),
    annotations: [
      write(`Image and grid of ${rows} × ${columns}`, edge + SIDE / 2, header / 2 + 2),
      write(`N = ${rows * columns} patches`, right + APART / 2, header / 2 + 2),
      ...Array.from({ length: rows }, (_, row) => {
        const y = header + (row + (1 - GAP / (1 + GAP)) / 2) * APART / (rows - GAP / (1 + GAP));
        return label(String(row * columns), QUIET, 11, { x: right - 8, y, xanchor: "right", yanchor: "middle" });
      }),
    ],
  });
}
