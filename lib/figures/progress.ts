/**
 * Progress of long work: a bar on a terminal, and elsewhere nothing.
 *
 * @module
 */
import cliProgress from "npm:cli-progress@3.12.0";
import process from "node:process";

/** Named measures beside the bar, in the order they are shown: loss, images/s, learning rate, ... */
export type Fields = Record<string, number | string>;

/** A bar that is being shown. */
export interface ProgressBar {
  /** Says how much is done in all, in the total's unit. A field stays until it is given anew. */
  update(done: number, fields?: Fields): void;
  /** Says what else is being done, such as writing a file, or by "" that it is done. */
  note(text: string): void;
  /** Prints a line above the bar, or where there is none, by itself. */
  log(line: string): void;
  /** Draws the last state and frees the terminal; must be called, also when the work fails (`finally`). */
  stop(): void;
}

/** Where a bar is drawn, if it is a terminal's stream. */
export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Redraws of the bar are at least so many milliseconds apart. */
const REDRAW = 100;

/**
 * Starts a progress bar. `unit` names what is counted, in the plural ("images", "steps"); "bytes" are shown as MB. A
 * total of 0 says that it is not known (a download without a stated length). The rate, and the time left, are measured
 * from the first update on, so that neither compiling nor the steps before a resumed run count.
 *
 * Output that is no terminal gets nothing but the lines to be logged.
 */
export function progressBar(
  options: { label: string; total: number; unit: string },
  output: ProgressOutput = process.stderr,
): ProgressBar {
  if (!output.isTTY) {
    return { update() {}, note() {}, log: (line) => void output.write(line + "\n"), stop() {} };
  }
  const { total } = options;
  let done = 0, fields: Fields = {}, note = "";
  let first: { done: number; time: number } | undefined;
  const now = () => performance.now();
  const seconds = () => first ? (now() - first.time) / 1000 : 0;
  const record = (newDone: number, newFields: Fields = {}) => {
    done = newDone;
    fields = { ...fields, ...newFields };
    first ??= { done, time: now() };
  };
  const text = (barWidth: number) =>
    progressText(
      { ...options, done, fields, note, rate: first && seconds() > 0 ? (done - first.done) / seconds() : 0 },
      barWidth,
    );

  const bars = new cliProgress.MultiBar({
    stream: output,
    format: () => {
      const width = (output.columns ?? 80) - 1;
      const room = width - text(0).length - 2;
      return wholeFields(text(room < 5 ? 0 : Math.min(20, room)), width); // what is measured goes before the bar
    },
    forceRedraw: true,
    linewrap: true, // the line is cut above; turning the terminal's own wrapping off would outlive a killed run
    gracefulExit: false, // would swallow the Ctrl-C that should end the run
    throttleTime: REDRAW,
  });
  const bar = bars.create(total, 0);
  let drawn = now();
  const drawInTime = () => {
    if (now() - drawn < REDRAW) return;
    drawn = now();
    bars.update(); // by hand, as its timer does not run while a step blocks
  };
  return {
    update(newDone, newFields) {
      record(newDone, newFields);
      bar.update(done);
      drawInTime();
    },
    note(text) {
      note = text;
      drawInTime();
    },
    log(line) {
      bars.log(line + "\n");
      bars.update();
    },
    stop() {
      bars.update();
      bars.stop();
    },
  };
}

/** As many of a line's parts, which two spaces separate, as a terminal's width has room for. */
export function wholeFields(line: string, width: number): string {
  if (line.length <= width) return line;
  return line.slice(0, Math.max(line.lastIndexOf("  ", width), 0)) || line.slice(0, width);
}

/** What a progress line says. */
interface Progress {
  label: string;
  unit: string;
  done: number;
  total: number;
  /** Units a second; 0 while not known. */
  rate: number;
  fields: Fields;
  /** What else is being done. */
  note?: string;
}

/** One line: label, bar, share, counts, rate, time left, the note, then the fields, so that a narrow terminal cuts the least of it. */
export function progressText(
  { label, unit, done, total, rate, fields, note = "" }: Progress,
  barWidth: number,
): string {
  const scale = unit === "bytes" ? 1e-6 : 1;
  const name = unit === "bytes" ? "MB" : unit;
  const count = (n: number) =>
    unit === "bytes"
      ? (n * scale).toFixed(n * scale < 10 ? 1 : 0)
      : n.toLocaleString("en", { maximumFractionDigits: 0 });
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * barWidth);
  const parts = [
    label,
    barWidth > 0 ? "█".repeat(filled) + "░".repeat(barWidth - filled) : "",
    total > 0 ? `${Math.floor(share * 100)} %` : "",
    `${count(done)}${total > 0 ? "/" + count(total) : ""} ${name}`,
    rate > 0 ? `${formatNumber(rate * scale)} ${name}/s` : "",
    rate > 0 && done < total ? `${formatDuration((total - done) / rate)} left` : "",
    note,
    ...Object.entries(fields).map(([key, value]) =>
      `${key} ${typeof value === "number" ? formatNumber(value) : value}`
    ),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Three significant digits (0.0123, 1,230, 1.5e-5), more only for numbers near 1 from below such as an EMA of 0.9964. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (size >= 100) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  if (size > 0.9 && size < 1) return value.toFixed(4);
  if (size > 0 && size < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e");
  return size === 0 ? "0" : value.toPrecision(3);
}

/** 8 s, 3:05, 2:03:05 (hours), 1 d 4 h. */
export function formatDuration(seconds: number): string {
  const s = Math.round(seconds), pad = (n: number) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${pad(s % 60)}`;
  if (s < 86400) return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}
