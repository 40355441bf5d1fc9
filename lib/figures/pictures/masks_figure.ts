/**
 * What the mask samplers draw, on images: the paper's Figure 4.
 *
 * @module
 */
import type { Grid } from "../../jepa/masks.ts";
import { canvas, COLOURS, EMPTY, type Figure, imageAt, INK, label, QUIET } from "../figure.ts";
import { pngDataUri } from "./png.ts";

/** An image and the blocks drawn for it; patches are numbered in raster order (row * columns + column). */
export interface MaskExample {
  /** uint8 [size, size, 3]. */
  pixels: Uint8Array;
  /** A multiple of the grid's height and width. */
  size: number;
  /** Patches down and across the image. */
  grid: Grid;
  /** Patches that the context encoder sees. */
  context: ArrayLike<number>;
  /** Patches of each of the M target blocks. */
  targets: readonly ArrayLike<number>[];
}

/**
 * The paper's Figure 4: a row for each image, which shows the image with its target blocks outlined, the context block,
 * and each target block. Below each block stands its share of the image's patches.
 *
 * @throws {RangeError} when pixels, grid and patches do not fit together.
 */
export function masksFigure(examples: readonly MaskExample[]): Figure {
  if (examples.length === 0) throw new RangeError("masksFigure() needs at least one image.");
  examples.forEach(checkExample);
  const columns = 2 + Math.max(...examples.map((example) => example.targets.length));
  const side = 128, gap = 12, caption = 20, header = 36, edge = 16;
  const width = 2 * edge + columns * side + (columns - 1) * gap;
  const height = header + examples.length * (side + caption + gap) + edge - gap;
  const images: unknown[] = [], shapes: unknown[] = [], annotations: unknown[] = [];
  const write = (text: string, x: number, y: number, color: string, size: number) =>
    annotations.push(label(text, color, size, { x, y, xanchor: "center", yanchor: "middle" }));

  for (let column = 0; column < columns; column++) {
    const title = column === 0 ? "Image" : column === 1 ? "Context" : `Target ${column - 1}`;
    const colour = column < 2 ? INK : targetColour(column - 2);
    write(`<b>${title}</b>`, edge + column * (side + gap) + side / 2, header / 2 + 2, colour, 13);
  }
  examples.forEach((example, row) => {
    const [rows, across] = example.grid;
    const y = header + row * (side + caption + gap);
    const panel = (column: number, patches?: ArrayLike<number>) => {
      const x = edge + column * (side + gap);
      images.push(imageAt(patchesImage(example, patches), x, y, side));
      if (patches) {
        const share = new Set(Array.from(patches)).size / (rows * across);
        write(`${Math.round(100 * share)} %`, x + side / 2, y + side + caption / 2, QUIET, 11);
      }
      return x;
    };
    const outline = (patches: ArrayLike<number>, x: number, colour: string) =>
      shapes.push({
        type: "path",
        path: outlinePath(patches, example.grid, x, y, side),
        line: { color: colour, width: 2 },
      });

    const imageX = panel(0);
    panel(1, example.context);
    example.targets.forEach((target, m) => {
      outline(target, imageX, targetColour(m));
      outline(target, panel(2 + m, target), targetColour(m));
    });
  });
  return canvas(width, height, { images, shapes, annotations });
}

/** EMPTY as bytes. */
const EMPTY_RGB = [1, 3, 5].map((at) => parseInt(EMPTY.slice(at, at + 2), 16));

/** The colour of target block m. */
export function targetColour(m: number): string {
  return COLOURS[m % COLOURS.length];
}

/** Throws a RangeError that says what does not fit. */
export function checkExample({ pixels, size, grid: [rows, columns], context, targets }: MaskExample, i: number) {
  if (pixels.length !== size * size * 3) {
    throw new RangeError(
      `Image ${i} has ${pixels.length} bytes; ${size} x ${size} RGB pixels need ${size * size * 3}.`,
    );
  }
  if (size % rows !== 0 || size % columns !== 0) {
    throw new RangeError(`Image ${i} of ${size} x ${size} pixels does not divide into ${rows} x ${columns} patches.`);
  }
  for (const patches of [context, ...targets]) {
    const wrong = Array.from(patches).find((patch) => !(patch >= 0 && patch < rows * columns));
    if (wrong !== undefined) {
      throw new RangeError(`Patch ${wrong} of image ${i} is outside its ${rows} x ${columns} grid.`);
    }
  }
}

/**
 * The image with every other patch blank; small images are enlarged by whole pixels, so that no edge blurs.
 *
 * @param enlarged the least side in pixels: more than the figure shows it at. Default 224
 */
export function patchesImage(
  { pixels, size, grid: [rows, columns] }: Pick<MaskExample, "pixels" | "size" | "grid">,
  patches?: ArrayLike<number>,
  enlarged = 224,
): string {
  const kept = patches && new Set(Array.from(patches));
  const scale = Math.ceil(enlarged / size), side = size * scale;
  const bytes = new Uint8Array(side * side * 3);
  for (let y = 0, at = 0; y < side; y++) {
    const row = Math.floor(y / scale);
    for (let x = 0; x < side; x++, at += 3) {
      const column = Math.floor(x / scale);
      const patch = Math.floor(row * rows / size) * columns + Math.floor(column * columns / size);
      const from = (row * size + column) * 3;
      bytes.set(!kept || kept.has(patch) ? pixels.subarray(from, from + 3) : EMPTY_RGB, at);
    }
  }
  return pngDataUri(bytes, side, side);
}

/** The border of any set of patches as an SVG path, within a square of the given side at (x, y). */
export function outlinePath(
  patches: ArrayLike<number>,
  [rows, columns]: Grid,
  x: number,
  y: number,
  side: number,
): string {
  const inside = new Set(Array.from(patches));
  const has = (row: number, column: number) =>
    row >= 0 && row < rows && column >= 0 && column < columns && inside.has(row * columns + column);
  const point = (row: number, column: number) => `${x + column * side / columns},${y + row * side / rows}`;
  let path = "";
  for (const patch of inside) {
    const row = Math.floor(patch / columns), column = patch % columns;
    if (!has(row - 1, column)) path += `M${point(row, column)}L${point(row, column + 1)}`;
    if (!has(row + 1, column)) path += `M${point(row + 1, column)}L${point(row + 1, column + 1)}`;
    if (!has(row, column - 1)) path += `M${point(row, column)}L${point(row + 1, column)}`;
    if (!has(row, column + 1)) path += `M${point(row, column + 1)}L${point(row + 1, column + 1)}`;
  }
  return path;
}
