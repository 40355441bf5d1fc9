/**
 * What a figure is, plain data that Plotly draws, and the one style that all figures share.
 *
 * @module
 */

/** A Plotly figure, as `Plotly.newPlot(element, data, layout)` takes it: plain JSON values alone, no typed arrays. */
export interface Figure {
  /** Plotly traces. */
  data: Record<string, unknown>[];
  /** Plotly's layout; the size, in CSS pixels, is always stated. */
  layout: { width: number; height: number; [key: string]: unknown };
}

/** Okabe and Ito's colours (told apart with any colour vision) that hold 3:1 against white; the purple is darkened for it. */
export const COLOURS = ["#0072B2", "#D55E00", "#008A63", "#A8508A", "#8A6D00", "#3B3B98"] as const;

/** Greys for text, quieter text, grid lines and empty areas. */
export const INK = "#1F2933", QUIET = "#5F6B7A", GRID = "#E4E7EB", EMPTY = "#EDEFF2";

/** Inter is what PNGs are drawn with; pages and SVGs fall back on what the reader's machine has. */
export const FONT_FAMILY = "Inter, Helvetica Neue, Arial, sans-serif";

/** The layout every figure starts from. */
export function baseLayout(width: number, height: number): Figure["layout"] {
  return {
    width,
    height,
    font: { family: FONT_FAMILY, size: 13, color: INK },
    paper_bgcolor: "#FFFFFF",
    plot_bgcolor: "#FFFFFF",
    colorway: [...COLOURS],
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { font: { family: FONT_FAMILY, size: 12 } },
    margin: { l: 72, r: 96, t: 40, b: 52 },
  };
}

/** What lies on a canvas, as Plotly's layout has it; nothing of a kind that is left out. */
export interface CanvasParts {
  /** From imageAt(), say. */
  images: unknown[];
  shapes?: unknown[];
  annotations: unknown[];
}

/** A figure that is placed pixel by pixel: x from 0 to `width`, y from 0 at the top to `height`, no axes, no traces. */
export function canvas(width: number, height: number, parts: CanvasParts): Figure {
  const axis = { visible: false, fixedrange: true };
  return {
    data: [],
    layout: {
      ...baseLayout(width, height),
      margin: { l: 0, r: 0, t: 0, b: 0 },
      xaxis: { ...axis, range: [0, width] },
      yaxis: { ...axis, range: [height, 0] },
      ...parts,
    },
  };
}

/** An image of a canvas, stretched from its upper left corner over so many pixels; a square where one side is given. */
export function imageAt(
  source: string,
  x: number,
  y: number,
  sizex: number,
  sizey: number = sizex,
): Record<string, unknown> {
  return { source, xref: "x", yref: "y", x, y, sizex, sizey, sizing: "stretch", layer: "below" };
}

/** The axis every chart starts from: no box, light grid, outside ticks on the baseline. */
export function baseAxis(): Record<string, unknown> {
  return {
    gridcolor: GRID,
    zeroline: false,
    linecolor: QUIET,
    tickcolor: QUIET,
    tickfont: { size: 12, color: QUIET },
  };
}

/**
 * A text without an arrow, one of `layout.annotations`, at Plotly's annotation coordinates. Its alignment is its anchor,
 * so that no error in its width moves it.
 */
export function label(
  text: string,
  color: string,
  size: number,
  place:
    & { x: number; y: number; xanchor: "left" | "center" | "right"; yanchor: "top" | "middle" | "bottom" }
    & Record<
      string,
      unknown
    >,
): Record<string, unknown> {
  return { text, showarrow: false, font: { size, color }, ...place, align: place.xanchor };
}
