/**
 * Figures that move: stills, one after another, as Plotly plays them and as an animated PNG, which needs no program.
 *
 * @module
 */
import type { Figure } from "./figure.ts";

/** A figure that moves. */
export interface MovingFigure {
  /** Of one size, each with as many traces, images, shapes and annotations as the first. */
  stills: readonly Figure[];
  /** How long each is shown. */
  milliseconds: number;
  /** What the slider says at each still, e.g. "frame 3"; their numbers where it is left out. */
  names?: readonly string[];
}

/** Plotly's figure with the stills after the first as frames. */
export interface PlayedFigure extends Figure {
  /** As Plotly.addFrames() takes them. */
  frames: { name: string; data: unknown[]; layout: Record<string, unknown> }[];
}

/** What of a layout changes from still to still: what stands on a canvas. */
const MOVING = ["images", "shapes", "annotations"] as const;

/** Room for the button and the slider below the figure, in pixels. */
const CONTROLS = 56;

/**
 * Holds that stills make a figure.
 *
 * @throws RangeError that says which still does not fit
 */
export function checkStills({ stills, names }: MovingFigure): void {
  if (stills.length === 0) throw new RangeError("A figure that moves needs at least one still.");
  if (names && names.length !== stills.length) {
    throw new RangeError(`${names.length} names are not one for each of ${stills.length} stills.`);
  }
  const kinds = ({ data, layout }: Figure) => {
    const { width, height } = layout,
      counts = MOVING.map((part) => (layout[part] as unknown[] | undefined)?.length ?? 0);
    return `${width} x ${height} pixels with ${
      [data.length, ...counts].join(", ")
    } traces, images, shapes, annotations`;
  };
  const first = kinds(stills[0]), wrong = stills.findIndex((still) => kinds(still) !== first);
  if (wrong > 0) {
    throw new RangeError(`Still ${wrong} has ${kinds(stills[wrong])}; the first one has ${first}.`);
  }
}

/**
 * The figure as Plotly plays it, with a button and a slider below.
 *
 * @throws RangeError as checkStills() does
 */
export function played(moving: MovingFigure): PlayedFigure {
  checkStills(moving);
  const { stills: [first, ...others], milliseconds, names } = moving, { layout } = first;
  const nameOf = (i: number) => names?.[i] ?? `${i + 1}`;
  const moves = MOVING.filter((part) => {
    const own = JSON.stringify(layout[part]);
    return others.some((still) => JSON.stringify(still.layout[part]) !== own);
  });
  const frames = [first, ...others].map((still, i) => ({
    ...{ name: nameOf(i), data: still.data },
    layout: Object.fromEntries(moves.map((part) => [part, still.layout[part]])),
  }));
  const at = (duration: number) => ({
    mode: "immediate",
    frame: { duration, redraw: true },
    transition: { duration: 0 },
  });
  const margin = layout.margin as { b: number };
  return {
    data: first.data,
    layout: {
      ...layout,
      height: layout.height + CONTROLS,
      margin: { ...margin, b: margin.b + CONTROLS },
      updatemenus: [{
        ...{ type: "buttons", showactive: false, x: 0, y: 0, xanchor: "left", yanchor: "top", pad: { l: 8, t: 10 } },
        buttons: [{ label: "▶", method: "animate", args: [null, at(milliseconds)] }],
      }],
      sliders: [{
        ...{ x: 0, y: 0, len: 1, xanchor: "left", yanchor: "top", pad: { l: 56, r: 16, t: 4 }, ticklen: 0 },
        ...{ currentvalue: { xanchor: "right", font: { size: 12 } }, font: { size: 1, color: "#FFFFFF" } },
        steps: frames.map(({ name }) => ({ label: name, method: "animate", args: [[name], at(0)] })),
      }],
    },
    frames,
  };
}
