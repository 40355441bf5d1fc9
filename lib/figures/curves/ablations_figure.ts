/**
 * Ablations at two scales beside one another: what was published, and what was measured here.
 *
 * @module
 */
import { mean } from "../../statistics.ts";
import { baseAxis, baseLayout, COLOURS, type Figure, INK, label, QUIET } from "../figure.ts";

/** One thing that was varied. */
export interface Ablation {
  /** The table, and what was varied. */
  title: string;
  /** The published settings and their numbers, in percent. */
  published: { settings: readonly string[]; values: readonly number[] };
  /** The settings here, and a number for each seed, in percent. */
  measured: { settings: readonly string[]; values: readonly (readonly number[])[] };
  /** Whether the settings are kinds without an order, which no line joins. */
  kinds?: boolean;
}

/** What stands above the two columns, and what the right one is to be compared with. */
export interface AblationsText {
  /** Above the left column: data and measure of the published numbers. */
  published: string;
  /** Above the right column: the same of what was measured. */
  measured: string;
  /** A dotted line through each panel of the right column, in percent. */
  baseline?: { name: string; value: number };
}

/** Width of the figure, and heights of the columns' titles, of a row's title, of a panel and of its axis, in pixels. */
const WIDTH = 800, NAMES = 34, TITLE = 30, PANEL = 130, BELOW = 34;

/** Where the columns' panels begin and end, in pixels. */
const COLUMNS = [[44, 384], [444, 784]] as const;

/** The values' range with some room around them. */
function rangeOf(values: readonly number[]): [number, number] {
  const low = Math.min(...values), high = Math.max(...values), room = 0.12 * (high - low || 1);
  return [low - room, high + room];
}

/**
 * A row for each ablation: the published numbers on the left, with an axis of their own, and on the right a circle for each
 * seed and a line through their means, with one axis for all rows, so that an effect can be compared with the seeds' spread.
 *
 * @throws {RangeError} when there is no ablation, or one has not as many numbers as settings
 */
export function ablationsFigure(ablations: readonly Ablation[], text: AblationsText): Figure {
  if (ablations.length === 0) throw new RangeError("ablationsFigure() needs at least one ablation.");
  for (const { title, published, measured } of ablations) {
    for (const { settings, values } of [published, measured]) {
      if (settings.length === values.length && values.length > 0) continue;
      throw new RangeError(`"${title}" has ${values.length} numbers for ${settings.length} settings.`);
    }
    const empty = measured.values.findIndex((seeds) => seeds.length === 0);
    if (empty >= 0) throw new RangeError(`"${title}" has no number for ${measured.settings[empty]}.`);
  }
  const { baseline } = text, row = TITLE + PANEL + BELOW, height = NAMES + ablations.length * row;
  const shared = rangeOf(
    [...ablations.flatMap(({ measured }) => measured.values.flat()), baseline?.value ?? []].flat(),
  );
  const layout: Figure["layout"] = { ...baseLayout(WIDTH, height), margin: { l: 0, r: 0, t: 0, b: 0 } };
  layout.hovermode = "closest";
  const at = (x: number, y: number) => ({ xref: "paper", yref: "paper", x: x / WIDTH, y: 1 - y / height });
  const left = { xanchor: "left", yanchor: "middle" } as const;
  const annotations = [text.published, text.measured].map((name, column) =>
    label(`<b>${name}</b>`, COLOURS[column], 13, { ...at(COLUMNS[column][0] - 28, NAMES / 2), ...left })
  );
  const data: Figure["data"] = [], shapes: Record<string, unknown>[] = [];
  ablations.forEach(({ title, published, measured, kinds = false }, r) => {
    const top = NAMES + r * row + TITLE;
    annotations.push(label(title, INK, 13, { ...at(COLUMNS[0][0] - 28, top - TITLE / 2), ...left }));
    const means = measured.values.map(mean);
    [{ ...published, values: [...published.values] }, { ...measured, values: means }].forEach(
      ({ settings, values }, column) => {
        const number = 2 * r + column, axis = number === 0 ? "" : String(number + 1);
        const color = COLOURS[column], axes = { xaxis: `x${axis}`, yaxis: `y${axis}` };
        const x = settings.map((_, k) => k);
        layout[`xaxis${axis}`] = {
          ...{ ...baseAxis(), domain: COLUMNS[column].map((pixels) => pixels / WIDTH), anchor: `y${axis}` },
          ...{
            showgrid: false,
            range: [-0.5, settings.length - 0.5],
            tickvals: x,
            ticktext: [...settings],
            tickangle: 0,
          },
        };
        layout[`yaxis${axis}`] = {
          ...{ ...baseAxis(), domain: [top + PANEL, top].map((pixels) => 1 - pixels / height), anchor: `x${axis}` },
          ...{ nticks: 5, range: column === 0 ? rangeOf(values) : shared },
        };
        data.push({
          ...{ type: "scatter", mode: kinds ? "markers" : column === 0 ? "lines+markers" : "lines" },
          ...{ name: title, x, y: values, ...axes, line: { color, width: 2 } },
          marker: column === 0
            ? { color, size: 7 }
            : { symbol: "line-ew-open", size: 26, line: { color, width: 2 }, color },
        });
        if (column === 0) return;
        data.push({
          ...{ type: "scatter", mode: "markers", name: title, ...axes },
          x: measured.values.flatMap((seeds, k) => seeds.map(() => k)),
          y: measured.values.flat(),
          marker: { color: "#FFFFFF", size: 7, line: { color, width: 1.5 } },
        });
        if (!baseline) return;
        const across = { type: "line", xref: `x${axis} domain`, yref: `y${axis}`, x0: 0, x1: 1 };
        shapes.push({
          ...across,
          y0: baseline.value,
          y1: baseline.value,
          line: { color: QUIET, width: 1, dash: "dot" },
        });
        if (r > 0) return;
        annotations.push(label(baseline.name, QUIET, 11, {
          ...{ xref: `x${axis} domain`, yref: `y${axis}`, x: 1, y: baseline.value, yshift: -8 },
          ...{ xanchor: "right", yanchor: "middle" },
        }));
      },
    );
  });
  return { data, layout: { ...layout, annotations, shapes } };
}
