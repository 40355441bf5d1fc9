/**
 * The paper's two drawings: figure 2, three families of architectures, and figure 3, the method (Assran et al., CVPR 2023).
 *
 * @module
 */
import { canvas, COLOURS, EMPTY, type Figure, INK, label, QUIET } from "./figure.ts";

/** A box with a name in it; `trained` is drawn full, a moving average dashed, a value or an image grey. */
interface Box {
  text: string;
  /** Its middle, in pixels. */
  at: readonly [x: number, y: number];
  kind: "input" | "trained" | "averaged" | "value";
}

/** From one place to another, in pixels. */
interface Arrow {
  from: readonly [x: number, y: number];
  to: readonly [x: number, y: number];
  /** No gradient passes: in another colour. */
  stopped?: boolean;
}

/** Sides of a box, in pixels. */
const WIDTH = 132, HEIGHT = 44;

const STYLES = {
  input: { fillcolor: EMPTY, line: { color: EMPTY, width: 1 } },
  trained: { fillcolor: "#FFFFFF", line: { color: COLOURS[0], width: 2 } },
  averaged: { fillcolor: "#FFFFFF", line: { color: COLOURS[0], width: 2, dash: "dash" } },
  value: { fillcolor: "#FFFFFF", line: { color: QUIET, width: 1 } },
} as const;

function boxShape({ at: [x, y], kind }: Box): Record<string, unknown> {
  const [x0, y0, x1, y1] = [x - WIDTH / 2, y - HEIGHT / 2, x + WIDTH / 2, y + HEIGHT / 2];
  return { type: "rect", xref: "x", yref: "y", x0, y0, x1, y1, ...STYLES[kind] };
}

const middle = { xanchor: "center", yanchor: "middle" } as const;
const onCanvas = ([x, y]: readonly [number, number]) => ({ xref: "x", yref: "y", x, y });

/** Length of an arrow's head and half of its width, in pixels. */
const HEAD = [10, 5] as const;

/** A line and a triangle at its end, as shapes: jsdom cannot draw Plotly's own arrows. */
function arrowShapes({ from: [x, y], to: [tipX, tipY], stopped = false }: Arrow): Record<string, unknown>[] {
  const length = Math.hypot(tipX - x, tipY - y), [alongX, alongY] = [(tipX - x) / length, (tipY - y) / length];
  const [backX, backY] = [tipX - HEAD[0] * alongX, tipY - HEAD[0] * alongY];
  const corner = (side: number) => `${backX - side * HEAD[1] * alongY} ${backY + side * HEAD[1] * alongX}`;
  const color = stopped ? COLOURS[1] : QUIET, on = { type: "path", xref: "x", yref: "y" };
  return [
    { ...on, path: `M ${x} ${y} L ${backX} ${backY}`, line: { color, width: 1.5 } },
    { ...on, path: `M ${tipX} ${tipY} L ${corner(1)} L ${corner(-1)} Z`, fillcolor: color, line: { color, width: 1 } },
  ];
}

function diagram(
  size: readonly [width: number, height: number],
  boxes: readonly Box[],
  arrows: readonly Arrow[],
  texts: readonly { text: string; at: readonly [number, number]; bold?: boolean }[],
): Figure {
  return canvas(...size, {
    images: [],
    shapes: [...boxes.map(boxShape), ...arrows.flatMap(arrowShapes)],
    annotations: [
      ...boxes.map(({ text, at }) => label(text, INK, 13, { ...onCanvas(at), ...middle })),
      ...texts.map(({ text, at, bold }) =>
        label(bold ? `<b>${text}</b>` : text, bold ? INK : QUIET, bold ? 14 : 12, { ...onCanvas(at), ...middle })
      ),
    ],
  });
}

const HALF = HEIGHT / 2;

/** From the top of the box below to the bottom of the one above it. */
const up = ([x, y]: readonly [number, number], [, above]: readonly [number, number]): Arrow => ({
  from: [x, y - HALF],
  to: [x, above + HALF],
});

/**
 * Figure 2: a joint-embedding architecture compares two embeddings, a generative one draws the signal, a joint-embedding
 * predictive one predicts an embedding from another.
 */
export function architecturesFigure(): Figure {
  const boxes: Box[] = [], arrows: Arrow[] = [];
  const texts: { text: string; at: readonly [number, number]; bold?: boolean }[] = [];
  const top = 90, second = 180, third = 260, bottom = 340;
  ["Joint-embedding", "Generative", "Joint-embedding predictive"].forEach((name, i) => {
    const left = 90 + 320 * i, right = left + 150, between = (left + right) / 2;
    texts.push({ text: name, at: [between, 24], bold: true });
    const input = (x: number, text: string) => boxes.push({ text, at: [x, bottom], kind: "input" });
    input(left, "x: a part"), input(right, "y: another");
    if (i === 1) {
      boxes.push({ text: "encoder", at: [left, third], kind: "trained" });
      boxes.push({ text: "decoder, z", at: [left, second], kind: "trained" });
      boxes.push({ text: "loss on pixels", at: [between, top], kind: "value" });
      arrows.push(up([left, bottom], [left, third]), up([left, third], [left, second]));
      arrows.push({ from: [left, second - HALF], to: [between - 30, top + HALF] });
      arrows.push({ from: [right, bottom - HALF], to: [between + 30, top + HALF] });
      return;
    }
    boxes.push({ text: "x-encoder", at: [left, third], kind: "trained" });
    boxes.push({ text: "y-encoder", at: [right, third], kind: i === 0 ? "trained" : "averaged" });
    boxes.push({ text: i === 0 ? "similar?" : "loss on embeddings", at: [between, top], kind: "value" });
    arrows.push(up([left, bottom], [left, third]), up([right, bottom], [right, third]));
    if (i === 2) {
      boxes.push({ text: "predictor, z", at: [left, second], kind: "trained" });
      arrows.push(up([left, third], [left, second]), { from: [left, second - HALF], to: [between - 30, top + HALF] });
    } else {
      arrows.push({ from: [left, third - HALF], to: [between - 30, top + HALF] });
    }
    arrows.push({ from: [right, third - HALF], to: [between + 30, top + HALF], stopped: i === 2 });
  });
  texts.push({
    text: "z says what is to be predicted. Dashed: a moving average; orange: no gradient passes.",
    at: [480, 386],
  });
  return diagram([960, 404], boxes, arrows, texts);
}

/** Figure 3: from one context block the predictor says, block by block, what the target encoder says of the whole image. */
export function methodFigure(): Figure {
  const upper = 80, lower = 250;
  const boxes: Box[] = [
    { text: "image, all patches", at: [90, upper], kind: "input" },
    { text: "target encoder", at: [280, upper], kind: "averaged" },
    { text: "targets of M blocks", at: [700, upper], kind: "value" },
    { text: "context patches", at: [90, lower], kind: "input" },
    { text: "context encoder", at: [280, lower], kind: "trained" },
    { text: "predictor", at: [490, lower], kind: "trained" },
    { text: "M predictions", at: [700, lower], kind: "value" },
    { text: "loss", at: [880, (upper + lower) / 2], kind: "value" },
  ];
  const across = (from: number, to: number, y: number, stopped = false): Arrow => ({
    from: [from + WIDTH / 2, y],
    to: [to - WIDTH / 2, y],
    stopped,
  });
  const arrows: Arrow[] = [
    ...[across(90, 280, upper), across(280, 700, upper, true), across(90, 280, lower), across(280, 490, lower)],
    ...[across(490, 700, lower), { from: [280, lower - HALF], to: [280, upper + HALF], stopped: true } as const],
    { from: [700 + WIDTH / 2, upper], to: [870, (upper + lower) / 2 - HALF], stopped: true },
    { from: [700 + WIDTH / 2, lower], to: [870, (upper + lower) / 2 + HALF] },
    { from: [490, lower + 74], to: [490, lower + HALF] },
  ];
  return diagram([960, 350], boxes, arrows, [
    { text: "moving average of the weights", at: [386, (upper + lower) / 2] },
    { text: "mask tokens with the positions of a block, M times", at: [490, lower + 84] },
    { text: "layer norm, then the blocks are taken out", at: [490, upper - 14] },
    { text: "No gradient passes where arrows are orange.", at: [800, 24] },
  ]);
}
