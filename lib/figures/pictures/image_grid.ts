/**
 * Images in rows and columns: what is decoded of images, beside them (the paper's figures 6 to 8).
 *
 * @module
 */
import type { Grid } from "../../jepa/masks.ts";
import { canvas, COLOURS, type Figure, imageAt, INK, label } from "../figure.ts";
import { outlinePath, patchesImage } from "./masks_figure.ts";

/** One image of a grid. */
export interface GridImage {
  /** uint8 [size, size, 3]. */
  pixels: Uint8Array;
  /** In pixels. */
  size: number;
  /** A part of it, by patches in raster order. */
  part?: {
    /** Patches down and across; they divide the size. */
    grid: Grid;
    /** Patches that are seen, the others being blank; all where it is left out. */
    shown?: ArrayLike<number>;
    /** Patches that are outlined. */
    outlined?: ArrayLike<number>;
  };
}

/**
 * Rows of images below the names of their columns.
 *
 * @param columns a name for each column
 * @param rows as many images each as there are columns
 * @throws {RangeError} when a row has another length, an image has not size * size pixels, or there is no row
 */
export function imageGrid(columns: readonly string[], rows: readonly (readonly GridImage[])[]): Figure {
  if (rows.length === 0) throw new RangeError("imageGrid() needs at least one row.");
  const side = 96, gap = 8, header = 36, edge = 16;
  const width = 2 * edge + columns.length * side + (columns.length - 1) * gap;
  const height = header + rows.length * (side + gap) + edge - gap;
  const images: unknown[] = [], shapes: unknown[] = [];
  const annotations = columns.map((name, column) => {
    const place = { x: edge + column * (side + gap) + side / 2, y: header / 2 + 2 };
    return label(`<b>${name}</b>`, INK, 13, { ...place, xanchor: "center", yanchor: "middle" });
  });
  rows.forEach((row, r) => {
    if (row.length !== columns.length) {
      throw new RangeError(`Row ${r} of the grid has ${row.length} images for ${columns.length} columns.`);
    }
    row.forEach(({ pixels, size, part = { grid: [1, 1] } }, column) => {
      if (pixels.length !== size * size * 3) {
        throw new RangeError(
          `Image ${column} of row ${r} has ${pixels.length} bytes; ${size} x ${size} RGB pixels need ${
            size * size * 3
          }.`,
        );
      }
      const x = edge + column * (side + gap), y = header + r * (side + gap);
      const source = patchesImage({ pixels, size, grid: part.grid }, part.shown, 2 * side);
      images.push(imageAt(source, x, y, side));
      if (part.outlined) {
        const path = outlinePath(part.outlined, part.grid, x, y, side);
        shapes.push({ type: "path", path, line: { color: COLOURS[1], width: 2 } });
      }
    });
  });
  return canvas(width, height, { images, shapes, annotations });
}
