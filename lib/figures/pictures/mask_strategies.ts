/**
 * Masking strategies beside one another on the same images: what the paper's Table 6 compares.
 *
 * @module
 */
import { canvas, type Figure, imageAt, INK, label, QUIET } from "../figure.ts";
import { checkExample, type MaskExample, outlinePath, patchesImage, targetColour } from "./masks_figure.ts";

/** What stands above a column. */
export interface StrategyColumn {
  /** Written above its column. */
  name: string;
  /** A second, quieter line. */
  note?: string;
}

/**
 * A row for each image and a column for each strategy: the patches of the context are seen, all others are blank, and each
 * target block is outlined in its colour.
 *
 * @param rows as many examples each as there are columns
 * @throws {RangeError} when a row has another length, pixels, grid and patches do not fit together, or there is no row
 */
export function maskStrategiesFigure(
  columns: readonly StrategyColumn[],
  rows: readonly (readonly MaskExample[])[],
): Figure {
  if (rows.length === 0) throw new RangeError("maskStrategiesFigure() needs at least one row.");
  const side = 144, gap = 16, edge = 16, header = columns.some(({ note }) => note) ? 54 : 36;
  const width = 2 * edge + columns.length * (side + gap) - gap;
  const height = header + rows.length * (side + gap) - gap + edge;
  const images: unknown[] = [], shapes: unknown[] = [], annotations: unknown[] = [];
  columns.forEach(({ name, note }, column) => {
    const place = { x: edge + column * (side + gap) + side / 2, xanchor: "center", yanchor: "middle" } as const;
    annotations.push(label(`<b>${name}</b>`, INK, 13, { ...place, y: 20 }));
    if (note) annotations.push(label(note, QUIET, 12, { ...place, y: 40 }));
  });
  rows.forEach((row, r) => {
    if (row.length !== columns.length) {
      throw new RangeError(`Row ${r} of the figure has ${row.length} images for ${columns.length} strategies.`);
    }
    row.forEach((example, column) => {
      checkExample(example, column);
      const x = edge + column * (side + gap), y = header + r * (side + gap);
      images.push(imageAt(patchesImage(example, example.context), x, y, side));
      example.targets.forEach((target, m) => {
        const path = outlinePath(target, example.grid, x, y, side);
        shapes.push({ type: "path", path, line: { color: targetColour(m), width: 2 } });
      });
    });
  });
  return canvas(width, height, { images, shapes, annotations });
}
