/**
 * Grids of numbers as colours, side by side on one scale: how often patches are drawn, distances, confusions.
 *
 * @module
 */
import { viridis } from "./colour_map.ts";
import { canvas, type Figure, imageAt, INK, label, QUIET } from "../figure.ts";
import { pngDataUri } from "./png.ts";

/** One grid of numbers. */
export interface HeatMap {
  /** Written above it. */
  title: string;
  /** [rows, columns], in raster order. */
  values: ArrayLike<number>;
  /** Rows and columns. */
  grid: readonly [rows: number, columns: number];
}

/** How they are drawn. */
export interface HeatMapOptions {
  /** The numbers at the ends of the colours; the least and the largest of all maps where it is left out. */
  range?: readonly [least: number, most: number];
  /** How numbers of the scale are written. Default three significant digits. */
  format?: (value: number) => string;
  /** Names of the rows of the first map, and of all maps' columns; every map has as many rows and columns then. */
  names?: readonly string[];
  /** Width of each map in pixels. Default 192. */
  side?: number;
}

/** Colours of the grid, enlarged by whole cells so that no edge blurs. */
function paint({ values, grid: [rows, columns] }: HeatMap, [least, most]: readonly [number, number]): string {
  const scale = Math.max(1, Math.floor(256 / Math.max(rows, columns))), width = columns * scale, height = rows * scale;
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const value = values[Math.floor(y / scale) * columns + Math.floor(x / scale)];
      pixels.set(viridis((value - least) / (most - least || 1)), at);
    }
  }
  return pngDataUri(pixels, height, width);
}

/**
 * Maps side by side below their titles, and their common scale.
 *
 * @throws {RangeError} when there is no map, one has not rows * columns finite numbers, or names are not as many as its
 *   rows and as its columns
 */
export function heatMaps(maps: readonly HeatMap[], options: HeatMapOptions = {}): Figure {
  if (maps.length === 0) throw new RangeError("heatMaps() needs at least one map.");
  for (const { title, values, grid: [rows, columns] } of maps) {
    if (values.length !== rows * columns || !Array.from(values).every(Number.isFinite)) {
      throw new RangeError(`The map "${title}" needs ${rows} x ${columns} finite numbers; got ${values.length}.`);
    }
  }
  const { side = 192, names = [], format = (value: number) => String(Number(value.toPrecision(3))) } = options;
  const unnamed = maps.find(({ grid }) => names.length > 0 && grid.some((cells) => cells !== names.length));
  if (unnamed) {
    const { title, grid } = unnamed;
    throw new RangeError(`${names.length} names do not fit the map "${title}" of ${grid[0]} x ${grid[1]}.`);
  }
  // Large maps have more numbers than a call can have arguments.
  const all = maps.flatMap(({ values }) => Array.from(values));
  const range = options.range ??
    [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] as const;
  const gap = 20, header = 36, edge = 16, bar = 14, longest = Math.max(0, ...names.map((name) => name.length));
  const left = edge + longest * 7, bottom = names.length ? longest * 7 + 8 : 0;
  const tallest = Math.max(...maps.map(({ grid: [rows, columns] }) => side * rows / columns));
  const scaleX = left + maps.length * (side + gap),
    width = scaleX + bar + 64,
    height = header + tallest + bottom + edge;
  const images: unknown[] = [], annotations: unknown[] = [];
  const add = (source: string, x: number, y: number, sizex: number, sizey: number) =>
    images.push(imageAt(source, x, y, sizex, sizey));
  maps.forEach((map, m) => {
    const x = left + m * (side + gap), [rows, columns] = map.grid;
    add(paint(map, range), x, header, side, side * rows / columns);
    const middle = { x: x + side / 2, y: header / 2 + 2, xanchor: "center", yanchor: "middle" } as const;
    annotations.push(label(`<b>${map.title}</b>`, INK, 13, middle));
    names.forEach((name, i) => {
      const cell = side / columns, at = (i + 0.5) * cell;
      const below = { x: x + at, y: header + side * rows / columns + 6, xanchor: "right", yanchor: "top" } as const;
      annotations.push({ ...label(name, QUIET, 11, { ...below, xanchor: "center" }), textangle: -90 });
      if (m > 0) return;
      annotations.push(label(name, QUIET, 11, { x: x - 6, y: header + at, xanchor: "right", yanchor: "middle" }));
    });
  });
  const steps = Array.from({ length: 64 }, (_, i) => 1 - i / 63);
  add(paint({ title: "", values: steps, grid: [64, 1] }, [0, 1]), scaleX, header, bar, tallest);
  for (const [value, y] of [[range[1], header + 6], [range[0], header + tallest - 6]]) {
    annotations.push(label(format(value), QUIET, 11, { x: scaleX + bar + 6, y, xanchor: "left", yanchor: "middle" }));
  }
  return canvas(width, height, { images, annotations });
}
