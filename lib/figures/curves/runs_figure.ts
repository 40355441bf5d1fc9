/**
 * Runs beside one another: what they predict, and whether they collapse.
 *
 * @module
 */
import { baseAxis, baseLayout, COLOURS, type Figure, INK, label } from "../figure.ts";
import { logAxis } from "./loss_curve.ts";
import { smoothed, thin } from "./series.ts";

/** What is read of one line of a run's log. */
export interface RunEntry {
  /** Steps done, from 1 on. */
  step: number;
  /** What was minimised. */
  loss?: number;
  /** The loss without the terms that are not prediction; all of it where a method does not tell them apart. */
  prediction?: number;
  /** Standard deviation of the target representations over a batch. */
  featureStd: number;
  /** Cosine of predictions and targets, less what all images share; where a method has targets. */
  centredCosine?: number;
  /** What a monitor measured; drawn is rankMe. */
  measures?: Record<string, number>;
}

/** A run and its name. */
export interface ComparedRun {
  /** Written above the panels, in the run's colour. */
  name: string;
  /** A line for each step. */
  log: readonly RunEntry[];
}

const PANELS: { title: string; of: (entry: RunEntry) => number | undefined; logarithmic?: boolean }[] = [
  { title: "Prediction loss", of: (entry) => entry.prediction ?? entry.loss, logarithmic: true },
  { title: "Standard deviation of targets (collapse: 0)", of: (entry) => entry.featureStd },
  { title: "Cosine less what all share (collapse: 0)", of: (entry) => entry.centredCosine },
  { title: "RankMe (collapse: 1)", of: (entry) => entry.measures?.rankMe },
];

/** Width of the figure, and heights of the names above, of a panel's title and of a panel's axis below, in pixels. */
const WIDTH = 800, NAMES = 36, TITLE = 28, BELOW = 52, PANEL = 190;

/** Stretches that a line is thinned to. */
const BUCKETS = 400;

/**
 * Runs in their colours, in panels of two a row: prediction loss (log scale), deviation of the targets, centred cosine
 * and, where a monitor measured it, RankMe. What at least half of a run's steps have is averaged over 3 % of the run.
 *
 * @throws {RangeError} when there is no run, or one has no step
 */
export function runsFigure(runs: readonly ComparedRun[]): Figure {
  if (runs.length === 0) throw new RangeError("runsFigure() needs at least one run.");
  const empty = runs.find(({ log }) => log.length === 0);
  if (empty) throw new RangeError(`The run "${empty.name}" has no step to draw.`);
  const colour = (run: number) => COLOURS[run % COLOURS.length];
  const names = runs.map(({ name }, run) => `<span style="color:${colour(run)}"><b>${name}</b></span>`).join(" · ");
  const last = Math.max(...runs.map(({ log }) => log.at(-1)!.step));
  const panels = PANELS.filter(({ of }) => runs.some(({ log }) => log.some((entry) => of(entry) !== undefined)));
  const rows = Math.ceil(panels.length / 2), height = NAMES + rows * (TITLE + PANEL + BELOW);
  const layout: Figure["layout"] = { ...baseLayout(WIDTH, height), margin: { l: 0, r: 0, t: 0, b: 0 } };
  const annotations = [
    label(names, INK, 13, { xref: "paper", yref: "paper", x: 56 / WIDTH, y: 1, yshift: -18, ...LEFT }),
  ];
  const data: Figure["data"] = [];
  panels.forEach(({ title, of, logarithmic }, panel) => {
    const axis = panel === 0 ? "" : String(panel + 1), column = panel % 2, row = Math.floor(panel / 2);
    const top = NAMES + row * (TITLE + PANEL + BELOW) + TITLE;
    const across = [56 + column * WIDTH / 2, (column + 1) * WIDTH / 2 - 16].map((x) => x / WIDTH);
    const up = [top + PANEL, top].map((y) => 1 - y / height);
    layout[`xaxis${axis}`] = {
      ...{ ...baseAxis(), domain: across, anchor: `y${axis}`, nticks: 6, showgrid: false, range: [0, last * 1.02] },
      title: { text: "step", standoff: 4, font: { size: 12, color: INK } },
    };
    const drawn: number[] = [];
    annotations.push(
      label(`<b>${title}</b>`, INK, 12, { xref: "paper", yref: "paper", x: across[0], y: up[1], yshift: 12, ...LEFT }),
    );
    runs.forEach(({ name, log }, run) => {
      const taken = log.filter((entry) => Number.isFinite(of(entry) ?? NaN));
      const every = taken.length >= log.length / 2;
      const values = smoothed(taken.map((entry) => of(entry)!), every ? Math.max(1, Math.round(taken.length / 33)) : 1);
      const kept = thin(values, BUCKETS);
      for (const k of kept) drawn.push(values[k]);
      data.push({
        ...{ type: "scatter", mode: every ? "lines" : "lines+markers", name },
        ...{ x: kept.map((k) => taken[k].step), y: kept.map((k) => values[k]) },
        ...{ xaxis: `x${axis}`, yaxis: `y${axis}`, line: { color: colour(run), width: 2 } },
        marker: { color: colour(run), size: 5 },
      });
    });
    const above = drawn.filter((value) => value > 0);
    layout[`yaxis${axis}`] = {
      ...{ ...baseAxis(), domain: up, anchor: `x${axis}`, nticks: 5 },
      ...(logarithmic && above.length > 0 ? logAxis(above) : {}),
    };
  });
  return { data, layout: { ...layout, annotations } };
}

const LEFT = { xanchor: "left", yanchor: "middle" } as const;
