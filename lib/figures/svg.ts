/**
 * Plotly without a browser: figures drawn to SVG in jsdom, which knows everything about a page but how wide a text is.
 *
 * @module
 */
import type { Figure } from "./figure.ts";

/** The part of jsdom's elements that is used here (the DOM's own types would leak into every file of the kit). */
interface Element {
  tagName: string;
  parentElement: Element | null;
  childNodes: Iterable<{ nodeType: number; textContent: string | null }>;
  style?: { getPropertyValue(property: string): string };
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Element>;
  remove(): void;
}

/** The part of Plotly that is used here; `element` is one of the page's. */
interface Plotly {
  newPlot(element: Element, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  purge(element: Element): void;
  Snapshot: { toSVG(element: Element, format: "svg", scale: number): string };
}

/** plotly.js itself, minified, 4.8 MB: read when a figure is first saved. */
export async function plotlySource(): Promise<string> {
  return (await import("npm:plotly.js-dist-min@4.1.2/plotly.min.js", { with: { type: "text" } })).default;
}

/** Advance widths of Inter Regular from the space to "~", in thousandths of the font size (its hmtx table). */
const WIDTHS = `
  281 288 466 633 642 982 644 300 365 365 501 662 288 460 288 360 631 407 610 618 646 593 620 566 619 620 288 302 662
  662 662 511 966 690 654 730 722 601 590 746 743 269 571 672 565 903 753 765 639 765 644 642 646 744 690 985 682 679
  629 365 360 365 471 456 323 562 612 571 612 583 370 613 591 242 242 549 242 876 591 600 612 612 376 528 327 591 562
  818 546 562 552 426 333 426 662`.trim().split(/\s+/).map(Number);
/** Inter Bold against Inter Regular, on average. */
const BOLD = 1.05;
/** Inter's ascent, and the distance between Plotly's lines, in font sizes. */
const ASCENT = 0.97, LINE = 1.3;

/** The width of a text set in Inter, in pixels: within some percent, which is what placing labels takes. */
export function textWidth(text: string, size: number, bold: boolean): number {
  let width = 0;
  for (const character of text) width += WIDTHS[character.codePointAt(0)! - 32] ?? 650;
  return width / 1000 * size * (bold ? BOLD : 1);
}

/** A style that an SVG element has itself or inherits. */
function inherited(element: Element, property: string): string {
  for (let e: Element | null = element; e; e = e.parentElement) {
    const value = e.style?.getPropertyValue(property) || e.getAttribute(property);
    if (value) return value;
  }
  return "";
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The box of a text element, or of all texts within an element: what Plotly asks of a browser. */
function textBox(element: Element): Box {
  if (!/^(text|tspan)$/.test(element.tagName)) {
    const boxes = [...element.querySelectorAll("text")].map((text) => {
      const [dx, dy] = translation(text), box = textBox(text);
      return { ...box, x: box.x + dx, y: box.y + dy };
    });
    if (boxes.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
    const x = Math.min(...boxes.map((box) => box.x)), y = Math.min(...boxes.map((box) => box.y));
    const right = Math.max(...boxes.map((box) => box.x + box.width));
    return { x, y, width: right - x, height: Math.max(...boxes.map((box) => box.y + box.height)) - y };
  }
  const lines = [...element.querySelectorAll("tspan.line")];
  const width = Math.max(...(lines.length ? lines : [element]).map(lineWidth));
  const size = fontSize(element), x = Number(element.getAttribute("x")), y = Number(element.getAttribute("y"));
  const anchor = inherited(element, "text-anchor");
  return {
    x: anchor === "end" ? x - width : anchor === "middle" ? x - width / 2 : x,
    y: y - ASCENT * size,
    width,
    height: Math.max(1, lines.length) * LINE * size,
  };
}

/** How far an element's own transform moves it; Plotly moves its labels by translations, and turns few. */
function translation(element: Element): [number, number] {
  const [, x, y] = /translate\(([-\d.e]+)[, ]*([-\d.e]*)\)/.exec(element.getAttribute("transform") ?? "") ?? [];
  return [Number(x ?? 0), Number(y ?? 0)];
}

function fontSize(element: Element): number {
  return parseFloat(inherited(element, "font-size")) || 12;
}

/** What the DOM calls an element's nodeType. */
const ELEMENT_NODE = 1;

/** The width of one line, each of whose pieces may have its own size and weight. */
function lineWidth(line: Element): number {
  let width = 0;
  for (const node of line.childNodes) {
    if (node.nodeType === ELEMENT_NODE) width += lineWidth(node as unknown as Element);
    else {width += textWidth(
        node.textContent ?? "",
        fontSize(line),
        /bold|[6-9]00/.test(inherited(line, "font-weight")),
      );}
  }
  return width;
}

/** A page in which Plotly runs; made once a process, in about a second. */
let page: ReturnType<typeof openPage> | undefined;

async function openPage(): Promise<{ newElement: () => Element; plotly: Plotly }> {
  const [{ JSDOM }, source] = await Promise.all([import("npm:jsdom@26.1.0"), plotlySource()]);
  const { window } = new JSDOM("<!doctype html><body></body>", { runScripts: "outside-only" });
  const box = function (this: Element) {
    const { x, y, width, height } = textBox(this);
    return { x, y, width, height, left: x, top: y, right: x + width, bottom: y + height };
  };
  Object.assign(window.SVGElement.prototype, {
    getBBox: box,
    getBoundingClientRect: box,
    getComputedTextLength(this: Element) {
      return textBox(this).width;
    },
  });
  const canvas = window.HTMLCanvasElement.prototype;
  canvas.getContext = () => null; // as it loads, Plotly asks what there is
  Object.assign(window.URL, { createObjectURL: () => "" });
  Object.assign(window, { TextDecoder, TextEncoder });
  window.eval(source);
  canvas.getContext = () => {
    throw new Error(
      "Without a browser, traces that paint on a canvas (heatmap, WebGL) cannot be drawn: use layout images.",
    );
  };
  const newElement = () => window.document.body.appendChild(window.document.createElement("div"));
  return { newElement, plotly: window.Plotly };
}

/** The figure as an SVG document of layout.width x layout.height pixels, with its texts as texts. */
export async function figureToSvg(figure: Figure): Promise<string> {
  const { newElement, plotly } = await (page ??= openPage());
  const element = newElement();
  try {
    const { data, layout } = structuredClone(figure); // Plotly writes into what it is given
    await plotly.newPlot(element, data, layout, { staticPlot: true });
    return plotly.Snapshot.toSVG(element, "svg", 1);
  } finally {
    plotly.purge(element);
    element.remove();
  }
}
