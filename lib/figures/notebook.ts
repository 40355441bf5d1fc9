/**
 * What a notebook on the Deno kernel shows: figures, tables and text, live figures, and a progress bar.
 *
 * The kernel of Deno 2.9 now and then reports a cell as done before its outputs have been sent, and clients drop what comes
 * later: every function here waits for one turn of the timers after its output has left, which prevents that.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Figure } from "./figure.ts";
import { type Fields, progressText } from "./progress.ts";
import { type MovingFigure, played } from "./moving.ts";
import { figureToAnimation, figureToPng, isMoving } from "./save.ts";
import { figureToSvg } from "./svg.ts";

type Bundle = Deno.jupyter.MediaBundle;

/** Outputs that replace one another are at least so many milliseconds apart. */
const REDRAW = 250;

let displays = 0;
const newDisplayId = () => `ijepa-${++displays}-${crypto.randomUUID().slice(0, 8)}`;

/** What Deno offers within a notebook alone. */
function kernel(): typeof Deno.jupyter {
  try {
    return Deno.jupyter;
  } catch {
    throw new Error(
      "There is no notebook to show this in: run it on the Deno kernel (deno task lab), or use saveFigure().",
    );
  }
}

/** Sends an output and waits until it has left. */
async function send(bundle: Bundle, options: Deno.jupyter.DisplayOptions = {}): Promise<void> {
  const { display } = kernel();
  await display(bundle, { raw: true, ...options });
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * A figure for readers with Plotly (JupyterLab, VS Code) and, as a PNG, for those without (GitHub); of one that moves the PNG
 * is animated, for readers of notebooks know no other moving picture (nbconvert leaves out image/gif). JupyterLab shows the
 * PNG, pixel by pixel, until the mouse enters it: hence its scale.
 */
export async function figureBundle(figure: Figure | MovingFigure): Promise<Bundle> {
  const moving = isMoving(figure), png = moving ? await figureToAnimation(figure) : await figureToPng(figure, 1);
  return {
    "application/vnd.plotly.v1+json": moving ? { ...played(figure) } : { ...figure },
    "image/png": Buffer.from(png).toString("base64"),
    "text/plain": "Figure",
  };
}

/** Shows a figure, one that moves, or a text in Markdown (a table from markdownTable(), say) as an output of the cell. */
export async function show(what: Figure | MovingFigure | string): Promise<void> {
  await send(typeof what === "string" ? { "text/markdown": what, "text/plain": what } : await figureBundle(what));
}

/**
 * An output that is replaced by what comes next: what is offered too soon is dropped without being drawn, but never what
 * it is finished with. Each call fails with its own error alone.
 *
 * @param sender sends an output; one at a time
 */
export function liveOutput(sender: typeof send = send) {
  const display_id = newDisplayId();
  let next = -Infinity, sent = false, finished = false, waiting: Promise<void> = Promise.resolve();
  const put = (bundle: Bundle) => {
    if (finished) return waiting.catch(() => {}); // it was still being drawn when the last one came
    return waiting = waiting.catch(() => {}).then(async () => {
      await sender(bundle, { display_id, update: sent });
      sent = true;
    });
  };
  return {
    async offer(draw: () => Bundle | Promise<Bundle>) {
      const started = performance.now();
      if (started < next) return;
      next = Infinity; // until it is drawn
      try {
        await put(await draw());
      } finally {
        const took = performance.now() - started;
        next = performance.now() + Math.max(REDRAW, 9 * took); // a tenth of the time at most
      }
    },
    async finish(bundle: Bundle) {
      const last = put(bundle);
      finished = true;
      await last;
    },
  };
}

/** A figure that changes while a cell runs. */
export interface LiveFigure {
  /** Draws it anew, four times a second at most, and in a tenth of the time at most. */
  update(figure: Figure): Promise<void>;
  /** Draws its last state, which the notebook keeps as show() would. */
  finish(figure: Figure): Promise<void>;
}

/**
 * A figure that changes while the cell runs. It is an SVG meanwhile, for JupyterLab's Plotly never draws an output anew.
 */
export function liveFigure(): LiveFigure {
  const output = liveOutput();
  return {
    update: (figure) =>
      output.offer(async () => ({ "image/svg+xml": await figureToSvg(figure), "text/plain": "Figure" })),
    finish: async (figure) => await output.finish(await figureBundle(figure)),
  };
}

/** Width of a bar, in characters. */
const BAR = 24;

/** A progress bar whose stop() has to be awaited, so that the notebook keeps its last state. */
export interface LiveBar {
  /** Says how much is done in all, in the total's unit. A field stays until it is given anew. */
  update(done: number, fields?: Record<string, number | string>): void;
  /** Draws the last state; fails where that, or an update before, could not be drawn. */
  stop(): Promise<void>;
}

/** A bar of a notebook's cell; total and unit as progressBar() has them. */
export function liveBar({ label, total, unit }: { label: string; total: number; unit: string }): LiveBar {
  const output = liveOutput();
  let done = 0, fields: Fields = {}, first: { done: number; time: number } | undefined;
  let failure: { error: unknown } | undefined;
  const state = (): Bundle => {
    const seconds = first ? (performance.now() - first.time) / 1000 : 0;
    const rate = seconds > 0 ? (done - first!.done) / seconds : 0;
    return { "text/plain": progressText({ label, total, unit, done, rate, fields }, BAR) };
  };
  return {
    update(newDone, newFields = {}) {
      done = newDone;
      fields = { ...fields, ...newFields };
      first ??= { done, time: performance.now() };
      output.offer(state).catch((error) => failure ??= { error }); // nobody awaits it before stop()
    },
    async stop() {
      await output.finish(state());
      if (failure) throw failure.error;
    },
  };
}
