/**
 * Lines of measurements over something that was varied.
 *
 * @module
 */
import { baseAxis, baseLayout, COLOURS, type Figure, INK, label } from "../figure.ts";
import { logAxis } from "./loss_curve.ts";
import { keptApart } from "./series.ts";

/** One line. */
export interface ChartLine {
  /** Written at its right end, in its colour. */
  name: string;
  /** Where it was measured: numbers, or texts that stand at equal distances. */
  x: readonly (number | string)[];
  /** What was measured; null leaves a gap. */
  y: readonly (number | null)[];
  /** Standard deviations, drawn as bars. */
  deviations?: readonly (number | null)[];
  /** Dashed: what was published elsewhere, or chance. */
  reference?: boolean;
}

/** What the axes say. */
export interface ChartText {
  /** Written above the chart: what was measured, and its unit. */
  title: string;
  /** What was varied. */
  x: string;
  /** A logarithmic axis has ticks at the points that were measured; at round numbers where these are many. */
  logarithmic?: boolean;
  /** In pixels, of the figure. Default 640 x 360. */
  size?: readonly [width: number, height: number];
}

/** Ticks that stand beside one another without touching. */
const MOST_TICKS = 8;

/** A logarithmic axis for some places. */
const overPlaces = (places: number[]) =>
  places.length > MOST_TICKS ? logAxis(places) : { type: "log", tickvals: places, ticktext: places.map(String) };

/**
 * Lines with a mark at each measurement and their names at their ends.
 *
 * @throws {RangeError} when there is no line, one has not as many x as y, or none has a number
 */
export function lineChart(
  lines: readonly ChartLine[],
  { title, x, logarithmic, size = [640, 360] }: ChartText,
): Figure {
  if (lines.length === 0) throw new RangeError("lineChart() needs at least one line.");
  for (const line of lines) {
    if (line.x.length === line.y.length && line.x.length > 0) continue;
    throw new RangeError(`The line "${line.name}" has ${line.x.length} places for ${line.y.length} measurements.`);
  }
  const [width, height] = size;
  const colour = (i: number) => COLOURS[i % COLOURS.length];
  const places = [...new Set(lines.flatMap((line) => line.x))];
  const values = lines.flatMap(({ y, deviations = [] }) =>
    y.flatMap((value, i) => value === null ? [] : [value - (deviations[i] ?? 0), value + (deviations[i] ?? 0)])
  );
  if (values.length === 0) {
    throw new RangeError(`No line has a number: ${lines.map(({ name }) => `"${name}"`).join(", ")} hold nulls alone.`);
  }
  const low = Math.min(...values), high = Math.max(...values), margin = 0.06 * (high - low || Math.abs(high) || 1);
  const range = [low - margin, high + margin], longest = Math.max(...lines.map(({ name }) => name.length));
  // Of a line of nulls the name alone is drawn, at the bottom.
  const ends = lines.map((line) => line.y.findLast((y) => y !== null) ?? low);
  const right = 24 + longest * 7, tall = height - 92;
  const heights = keptApart(ends.map((end) => (end - range[0]) / (range[1] - range[0])), 16 / tall);
  const numeric = places.every((place) => typeof place === "number");
  return {
    data: lines.map((line, i) => ({
      type: "scatter",
      mode: "lines+markers",
      name: line.name,
      x: [...line.x],
      y: [...line.y],
      ...(line.deviations ? { error_y: { type: "data", array: [...line.deviations], thickness: 1.2, width: 3 } } : {}),
      line: { color: colour(i), width: 2, dash: line.reference ? "dot" : "solid" },
      marker: { color: colour(i), size: 6 },
    })),
    layout: {
      ...baseLayout(width, height),
      margin: { l: 56, r: right, t: 40, b: 52 },
      hovermode: "closest",
      xaxis: {
        ...baseAxis(),
        title: { text: x, font: { size: 12 } },
        ...(numeric && logarithmic ? overPlaces(places as number[]) : {}),
        ...(numeric ? {} : { type: "category" }),
      },
      yaxis: { ...baseAxis(), range },
      annotations: [
        label(`<b>${title}</b>`, INK, 13, {
          xref: "paper",
          yref: "paper",
          x: 0,
          y: 1.04,
          xanchor: "left",
          yanchor: "bottom",
        }),
        ...lines.map(({ name }, i) => {
          const place = { xref: "paper", yref: "paper", x: 1, y: heights[i], xshift: 10 };
          return label(name, colour(i), 12, { ...place, xanchor: "left", yanchor: "middle" });
        }),
      ],
    },
  };
}
