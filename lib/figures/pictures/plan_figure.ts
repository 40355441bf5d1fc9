/**
 * Rooms with a walk through them, and what a world model imagined on the way.
 *
 * @module
 */
import { GREATEST, HALF_DOOR, HALF_WALL, type Layout, LEAST, type Place } from "../../world/rooms.ts";
import { baseLayout, COLOURS, type Figure, INK, QUIET } from "../figure.ts";

/** A walk. */
export interface PlannedWalk {
  /** Its rooms. */
  layout: Layout;
  /** Where it is to go. */
  goal: Place;
  /** Where the dot was. */
  places: readonly Place[];
  /** Where a model imagined it from one place on, that place first: several plans. */
  imagined: readonly (readonly Place[])[];
  /** Beneath it. */
  caption: string;
}

/** Side of a room's picture, and what is around it, in pixels. */
const SIDE = 220, GAP = 24, TOP = 30;

/** Walks side by side: walls black, the walk a line from its start (a ring) to its end, the goal a star, plans as dots. */
export function planFigure(walks: readonly PlannedWalk[]): Figure {
  const width = walks.length * SIDE + (walks.length + 1) * GAP, height = TOP + SIDE + 2 * GAP;
  const data: Record<string, unknown>[] = [], shapes: unknown[] = [], annotations: unknown[] = [];
  const axes: Record<string, unknown> = {};
  walks.forEach(({ layout: { wall, door }, goal, places, imagined, caption }, i) => {
    const suffix = i === 0 ? "" : `${i + 1}`, xref = `x${suffix}`, yref = `y${suffix}`, left = GAP + i * (SIDE + GAP);
    const axis = {
      range: [LEAST, GREATEST],
      showgrid: false,
      zeroline: false,
      showticklabels: false,
      fixedrange: true,
    };
    axes[`xaxis${suffix}`] = { ...axis, domain: [left / width, (left + SIDE) / width], anchor: yref };
    axes[`yaxis${suffix}`] = {
      ...axis,
      range: [GREATEST, LEAST],
      domain: [1 - (TOP + SIDE) / height, 1 - TOP / height],
      anchor: xref,
    };
    const box = (y0: number, y1: number) => ({
      ...{ type: "rect", xref, yref, x0: wall - HALF_WALL, x1: wall + HALF_WALL, y0, y1 },
      ...{ fillcolor: INK, line: { width: 0 } },
    });
    shapes.push(box(LEAST, door - HALF_DOOR), box(door + HALF_DOOR, GREATEST), {
      ...{ type: "rect", xref, yref, x0: LEAST, x1: GREATEST, y0: LEAST, y1: GREATEST },
      line: { color: INK, width: 3 },
    });
    const trace = (some: readonly Place[], rest: Record<string, unknown>) =>
      data.push({
        type: "scatter",
        x: some.map(([x]) => x),
        y: some.map(([, y]) => y),
        xaxis: xref,
        yaxis: yref,
        ...rest,
      });
    trace(places, { mode: "lines", line: { color: COLOURS[0], width: 3 }, name: "walk" });
    for (const plan of imagined) {
      trace(plan, {
        mode: "lines+markers",
        line: { color: COLOURS[1], width: 1 },
        marker: { size: 4 },
        name: "imagined",
      });
    }
    const marker = { size: 12, color: COLOURS[0], symbol: "circle-open", line: { width: 3 } };
    trace([places[0]], { mode: "markers", marker, name: "start" });
    trace([goal], { mode: "markers", marker: { size: 14, color: COLOURS[2], symbol: "star" }, name: "goal" });
    annotations.push({
      ...{ text: caption, showarrow: false, font: { size: 12, color: QUIET }, xref: "paper", yref: "paper" },
      ...{ x: (left + SIDE / 2) / width, y: 1 - (TOP + SIDE + 4) / height, xanchor: "center", yanchor: "top" },
    });
  });
  const layout = { ...baseLayout(width, height), margin: { l: 0, r: 0, t: 0, b: 0 }, hovermode: "closest" };
  return { data, layout: { ...layout, ...axes, shapes, annotations } };
}
