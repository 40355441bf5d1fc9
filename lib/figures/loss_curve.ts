/**
 * How a run went: loss, collapse measure and learning rate over its steps.
 *
 * @module
 */
import { baseAxis, baseLayout, COLOURS, type Figure, INK, label } from "./figure.ts";
import { smoothed, thin } from "./series.ts";

/** What `lossCurve` reads of one line of a run's log; a measure that is not taken at every step is left out of the others. */
export interface LossEntry {
  /** Steps done, from 1 on. */
  step: number;
  /** null is how JSON writes a loss that was not finite. */
  loss: number | null;
  /** Learning rate of the step. */
  learningRate?: number | null;
  /** Standard deviation of the target representations over a batch: near 0 when they have collapsed. */
  featureStd?: number | null;
}

/** One row of panels that share the steps below them. */
interface Panel {
  title: string;
  /** Share of the height. */
  share: number;
  steps: number[];
  values: number[];
  colour: string;
  /** A second, smooth line over the values, which are then drawn light. */
  smooth?: number[];
  axis: Record<string, unknown>;
}

/** More stretches than there are pixels across, so that thinning cannot be seen. */
const BUCKETS = 1000;

/**
 * How a run went: loss (log scale; each step light, the average over 2 % of the run dark) and, where the log has
 * them, the collapse measure and the learning rate, in panels over the same steps. Runs of any length are thinned to a
 * few thousand points that keep every extreme. Steps whose loss cannot be drawn (not finite, or not above zero) are
 * counted in the figure.
 *
 * @throws {RangeError} when no step has a loss that can be drawn.
 */
export function lossCurve(log: readonly LossEntry[]): Figure {
  const drawable = (loss: number | null): loss is number => loss !== null && Number.isFinite(loss) && loss > 0;
  const entries = log.filter((entry) => drawable(entry.loss));
  const lost = log.filter((entry) => !drawable(entry.loss));
  if (entries.length === 0) {
    throw new RangeError(`The log's ${log.length} lines hold no loss above zero: there is no loss curve to draw.`);
  }
  const window = Math.max(1, Math.round(entries.length / 50));
  const losses = entries.map((entry) => entry.loss!);
  const smooth = smoothed(losses, window);

  const panels: Panel[] = [{
    title: window > 1 ? `Loss, and its average over ${window.toLocaleString("en")} steps` : "Loss",
    share: 1,
    steps: entries.map((entry) => entry.step),
    values: losses,
    smooth: window > 1 ? smooth : undefined,
    colour: COLOURS[0],
    axis: { ...baseAxis(), ...logAxis(losses) },
  }];
  const measures = [
    { key: "featureStd", title: "Standard deviation of the target representations (collapse: 0)", colour: COLOURS[2] },
    { key: "learningRate", title: "Learning rate", colour: COLOURS[1] },
  ] as const;
  for (const { key, title, colour } of measures) {
    const taken = log.filter((entry) => Number.isFinite(entry[key] ?? NaN));
    if (taken.length === 0) continue;
    panels.push({
      title,
      share: 0.42,
      steps: taken.map((entry) => entry.step),
      values: taken.map((entry) => entry[key]!),
      colour,
      axis: {
        ...baseAxis(),
        rangemode: "tozero",
        nticks: 5,
        ...(key === "learningRate" ? { exponentformat: "e", minexponent: 2 } : {}),
      },
    });
  }
  const figure = stack(panels);
  if (lost.length > 0) {
    const text = `not finite or not above 0 at ${lost.length} steps, the first ${lost[0].step}`;
    const place = { xref: "paper", yref: "paper", x: 1, y: 1, xanchor: "right", yanchor: "bottom", yshift: 4 } as const;
    (figure.layout.annotations as unknown[]).push(label(text, COLOURS[1], 12, place));
  }
  return figure;
}

/** Ticks at 1, 2 and 5 of each decade within one or two decades, else at the decades. */
function logAxis(values: number[]): Record<string, unknown> {
  const low = Math.log10(values.reduce((a, b) => Math.min(a, b))),
    high = Math.log10(values.reduce((a, b) => Math.max(a, b)));
  const pad = Math.max(0.02, (high - low) * 0.05);
  const leads = high - low < 0.7 ? [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9] : high - low < 3 ? [1, 2, 5] : [1];
  const tickvals: number[] = [];
  for (let decade = Math.floor(low - pad); decade <= Math.ceil(high + pad); decade++) {
    for (const lead of leads) tickvals.push(Number((lead * 10 ** decade).toPrecision(2)));
  }
  return { type: "log", range: [low - pad, high + pad], tickvals, ticktext: tickvals.map((value) => plain(value)) };
}

/** A number as a reader writes it: 0.05, 1,200, 3e-6. */
function plain(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential().replace("e+", "e");
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

/** Panels above one another over one x axis, each with its title above it and its last value beside its line's end. */
function stack(panels: Panel[]): Figure {
  const total = panels.reduce((sum, panel) => sum + panel.share, 0);
  const layout = baseLayout(800, 120 + Math.round(300 * total));
  const gap = 44 / (layout.height - 92); // room for a title; 92 is the margins' height
  const data: Figure["data"] = [];
  const annotations: unknown[] = [];
  let top = 1;
  panels.forEach((panel, i) => {
    const height = (1 - gap * (panels.length - 1)) * panel.share / total;
    const axis = i === 0 ? "" : String(i + 1);
    const bottom = Math.max(0, top - height);
    layout[`yaxis${axis}`] = { ...panel.axis, domain: [bottom, top] };
    const line = (values: number[], width: number, opacity: number, name: string) => {
      const kept = thin(values, BUCKETS);
      data.push({
        type: "scatter",
        mode: values.length === 1 ? "markers" : "lines",
        name,
        x: kept.map((k) => panel.steps[k]),
        y: kept.map((k) => values[k]),
        yaxis: `y${axis}`,
        line: { color: panel.colour, width },
        marker: { color: panel.colour },
        opacity,
      });
    };
    line(panel.values, panel.smooth ? 1 : 2, panel.smooth ? 0.35 : 1, panel.smooth ? "each step" : panel.title);
    if (panel.smooth) line(panel.smooth, 2, 1, "average");

    const last = (panel.smooth ?? panel.values).at(-1)!;
    annotations.push(
      label(`<b>${panel.title}</b>`, INK, 13, {
        xref: "paper",
        yref: "paper",
        x: 0,
        xanchor: "left",
        y: top,
        yanchor: "bottom",
        yshift: 4,
      }),
      label(`<b>${plain(Number(last.toPrecision(3)))}</b>`, panel.colour, 13, {
        xref: "paper",
        yref: `y${axis}`,
        x: 1,
        xanchor: "left",
        xshift: 6,
        y: panel.axis.type === "log" ? Math.log10(last) : last,
        yanchor: "middle",
      }),
    );
    top = bottom - gap;
  });
  layout.xaxis = {
    ...baseAxis(),
    anchor: panels.length > 1 ? `y${panels.length}` : "y",
    title: { text: "step", standoff: 10, font: { size: 13, color: INK } },
    tickformat: ",d",
    nticks: 8,
    showgrid: false,
    ticks: "outside",
    showline: true,
  };
  return { data, layout: { ...layout, annotations } };
}
