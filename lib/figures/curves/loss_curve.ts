/**
 * How a run went: loss, measures of collapse, accuracies and learning rate over its steps.
 *
 * @module
 */
import { baseAxis, baseLayout, COLOURS, type Figure, INK, label } from "../figure.ts";
import { keptApart, smoothed, thin } from "./series.ts";

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
  /** Cosine of predictions and targets. */
  cosine?: number | null;
  /** The same less what all images share. */
  centredCosine?: number | null;
  /** What a monitor measured; drawn are rankMe and lidar, and knn and linear in percent. */
  measures?: Record<string, number | null>;
}

/** One measure over the steps where it was taken. */
interface Line {
  /** Where a panel has more than one, or might have. */
  name?: string;
  steps: number[];
  values: number[];
  colour: string;
  /** A second, smooth line over the values, which are then drawn light. */
  smooth?: number[];
}

/** One row of panels that share the steps below them. */
interface Panel {
  title: string;
  /** Share of the height. */
  share: number;
  lines: Line[];
  axis: Record<string, unknown>;
}

/** A line's place in an entry, and how it is drawn. */
interface Measure {
  name?: string;
  colour: string;
  of: (entry: LossEntry) => number | null | undefined;
}

/** The panels below the loss. */
const MEASURES: { title: string; measures: Measure[] }[] = [
  {
    title: "Standard deviation of the target representations (collapse: 0)",
    measures: [{ colour: COLOURS[2], of: (entry) => entry.featureStd }],
  },
  {
    title: "Cosine of prediction and target",
    measures: [
      { name: "as they are", colour: COLOURS[3], of: (entry) => entry.cosine },
      { name: "less what all images share (collapse: 0)", colour: COLOURS[4], of: (entry) => entry.centredCosine },
    ],
  },
  {
    title: "Effective rank (collapse: 1)",
    measures: [
      { name: "RankMe", colour: COLOURS[3], of: (entry) => entry.measures?.rankMe },
      { name: "LiDAR", colour: COLOURS[4], of: (entry) => entry.measures?.lidar },
    ],
  },
  {
    title: "Accuracy on training images held out from the probe, %",
    measures: [
      { name: "kNN", colour: COLOURS[3], of: (entry) => entry.measures?.knn },
      { name: "linear", colour: COLOURS[4], of: (entry) => entry.measures?.linear },
    ],
  },
  {
    title: "Learning rate",
    measures: [{ colour: COLOURS[1], of: (entry) => entry.learningRate }],
  },
];

/** Values that are few enough to be seen one by one. */
const FEW = 40;

/** Height of the margins above and below, in pixels: baseLayout()'s. */
const MARGINS = 92;

/** More stretches than there are pixels across, so that thinning cannot be seen. */
const BUCKETS = 1000;

/**
 * How a run went: loss (log scale; each step light, the average over 2 % of the run dark) and, where the log has
 * them, measures of collapse, a monitor's accuracies and the learning rate, in panels over the same steps. Runs of any
 * length are thinned to a few thousand points that keep every extreme. Steps whose loss cannot be drawn (not finite, or
 * not above zero) are counted in the figure.
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
    lines: [{
      steps: entries.map((entry) => entry.step),
      values: losses,
      smooth: window > 1 ? smooth : undefined,
      colour: COLOURS[0],
    }],
    axis: { ...baseAxis(), ...logAxis(losses) },
  }];
  for (const { title, measures } of MEASURES) {
    const taken = measures.map(({ name, colour, of }): Line => {
      const places = log.filter((entry) => Number.isFinite(of(entry) ?? NaN));
      return { name, colour, steps: places.map((entry) => entry.step), values: places.map((entry) => of(entry)!) };
    }).filter(({ steps }) => steps.length > 0);
    if (taken.length === 0) continue;
    panels.push({ title, share: 0.42, lines: taken, axis: { ...baseAxis(), ...linearAxis(taken) } });
  }
  const figure = stack(panels);
  if (lost.length > 0) {
    const text = `not finite or not above 0 at ${lost.length} steps, the first ${lost[0].step}`;
    const place = { xref: "paper", yref: "paper", x: 1, y: 1, xanchor: "right", yanchor: "bottom", yshift: 4 } as const;
    (figure.layout.annotations as unknown[]).push(label(text, COLOURS[1], 12, place));
  }
  return figure;
}

/** From 0, or from below, to a little above the highest value. */
function linearAxis(lines: Line[]): Record<string, unknown> {
  const values = lines.flatMap(({ values }) => values);
  const low = values.reduce((a, b) => Math.min(a, b), 0), high = values.reduce((a, b) => Math.max(a, b), 0);
  const pad = 0.06 * (high - low || 1);
  const small = high - low > 0 && Math.max(high, -low) < 0.01 ? { exponentformat: "e", minexponent: 2 } : {};
  return { range: [low < 0 ? low - pad : 0, high + pad], nticks: 5, ...small };
}

/**
 * A log axis for some numbers above 0, at least one: ticks at 1, 2 and 5 of each decade within three decades, at more
 * numbers where all lie within less than one, else at the decades.
 */
export function logAxis(values: number[]): Record<string, unknown> {
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

/** Height of a line's last value beside its end, in pixels. */
const VALUE_HEIGHT = 16;

/** The title, and the lines' names in their colours. */
function titleOf({ title, lines }: Panel): string {
  const named = lines.filter(({ name }) => name !== undefined);
  const names = named.map(({ name, colour }) => `<span style="color:${colour}">${name}</span>`).join(", ");
  return `<b>${names ? `${title}: ${names}` : title}</b>`;
}

/** Panels above one another over one x axis, each with its title above it and its last value beside its line's end. */
function stack(panels: Panel[]): Figure {
  const total = panels.reduce((sum, panel) => sum + panel.share, 0);
  const layout = baseLayout(800, 120 + Math.round(300 * total));
  const gap = 44 / (layout.height - MARGINS); // room for a title
  const data: Figure["data"] = [];
  const annotations: unknown[] = [];
  let top = 1;
  panels.forEach((panel, i) => {
    const height = (1 - gap * (panels.length - 1)) * panel.share / total;
    const axis = i === 0 ? "" : String(i + 1);
    const bottom = Math.max(0, top - height);
    layout[`yaxis${axis}`] = { ...panel.axis, domain: [bottom, top] };
    const draw = (line: Line, values: number[], width: number, opacity: number, name: string) => {
      const kept = thin(values, BUCKETS);
      data.push({
        type: "scatter",
        mode: values.length === 1 ? "markers" : values.length <= FEW ? "lines+markers" : "lines",
        name,
        x: kept.map((k) => line.steps[k]),
        y: kept.map((k) => values[k]),
        yaxis: `y${axis}`,
        line: { color: line.colour, width },
        marker: { color: line.colour, size: 5 },
        opacity,
      });
    };
    for (const line of panel.lines) {
      const { values, smooth } = line;
      draw(
        line,
        values,
        smooth ? 1 : 2,
        smooth ? 0.35 : 1,
        smooth ? "each step" : line.name ?? panel.title,
      );
      if (smooth) draw(line, smooth, 2, 1, "average");
    }
    annotations.push(
      label(titleOf(panel), INK, 13, {
        xref: "paper",
        yref: "paper",
        x: 0,
        xanchor: "left",
        y: top,
        yanchor: "bottom",
        yshift: 4,
      }),
    );
    const lasts = panel.lines.map(({ smooth, values }) => (smooth ?? values).at(-1)!);
    const ends = lasts.map((last) => panel.axis.type === "log" ? Math.log10(last) : last);
    const [low, high] = panel.axis.range as [number, number];
    const places = ends.map((end) => (end - low) / (high - low) * height * (layout.height - MARGINS));
    const shifts = keptApart(places, VALUE_HEIGHT).map((moved, k) => moved - places[k]);
    panel.lines.forEach(({ colour }, k) =>
      annotations.push(
        label(`<b>${plain(Number(lasts[k].toPrecision(3)))}</b>`, colour, 13, {
          xref: "paper",
          yref: `y${axis}`,
          x: 1,
          xanchor: "left",
          xshift: 6,
          y: ends[k],
          yanchor: "middle",
          yshift: shifts[k],
        }),
      )
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
