/**
 * A page about one run, or several beside one another: curves, evaluations, configuration, environment, pictures. It needs no
 * other file and no network.
 *
 * @module
 */
import type { Figure } from "../figure.ts";
import { plotlySource } from "../svg.ts";
import { type LiveEncoder, liveFeatures } from "./live_features.ts";

/** Values of a run by their names. */
export type Values = ReadonlyMap<string, string | number | boolean | null>;

/** A run on the page. */
export interface PageRun {
  name: string;
  /** Tables' cells in the run's column, by table and row. */
  tables: Readonly<Record<string, Values>>;
  /** Files' contents by name: PNG. */
  pictures: ReadonlyMap<string, Uint8Array>;
}

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const STYLE = `
  body { font: 15px/1.5 Inter, "Helvetica Neue", Arial, sans-serif; color: #1F2933; max-width: 1000px; margin: 32px auto;
    padding: 0 16px; }
  h1 { font-size: 24px; } h2 { font-size: 18px; margin-top: 40px; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
  th, td { text-align: left; padding: 3px 16px 3px 0; border-bottom: 1px solid #E4E7EB; vertical-align: top; }
  tr.differs { background: #FFF6E5; } figure { margin: 16px 0; } img { max-width: 100%; }
  figcaption, .quiet { color: #5F6B7A; }`;

/** A table with a column for each run; rows in which they differ are marked. */
function tableOf(title: string, runs: readonly PageRun[]): string {
  const names = [...new Set(runs.flatMap(({ tables }) => [...tables[title]?.keys() ?? []]))];
  if (names.length === 0) return "";
  const shown = (value: unknown) =>
    value === undefined || value === null
      ? "–"
      : typeof value === "number"
      ? `${Number(value.toPrecision(6))}`
      : `${value}`;
  const rows = names.map((name) => {
    const cells = runs.map(({ tables }) => shown(tables[title]?.get(name)));
    const differs = new Set(cells).size > 1 ? ' class="differs"' : "";
    return `<tr${differs}><th>${escaped(name)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
  });
  const head = runs.map(({ name }) => `<th>${escaped(name)}</th>`).join("");
  return `<h2>${escaped(title)}</h2>\n<table><tr><th></th>${head}</tr>\n${rows.join("\n")}\n</table>\n`;
}

/**
 * The page.
 *
 * @param figures curves, by their titles
 * @param refresh seconds after which a browser reads the page anew, for one that is rewritten. Default never
 * @param live an encoder that the page runs on pictures. Default none
 */
export async function runsPage(
  runs: readonly PageRun[],
  figures: Readonly<Record<string, Figure>>,
  { refresh, live }: { refresh?: number; live?: LiveEncoder } = {},
): Promise<string> {
  const title = runs.map(({ name }) => name).join(", ");
  const json = JSON.stringify(Object.values(figures)).replaceAll("<", "\\u003c"); // no text of them may end the script
  const curves = Object.keys(figures).map((name, i) => `<h2>${escaped(name)}</h2>\n<div id="figure${i}"></div>\n`);
  const tables = [...new Set(runs.flatMap(({ tables }) => Object.keys(tables)))].map((name) => tableOf(name, runs));
  const pictures = runs.flatMap(({ name, pictures }) =>
    [...pictures].map(([file, png]) =>
      `<figure><img alt="${escaped(file)}" src="data:image/png;base64,${png.toBase64()}">` +
      `<figcaption>${escaped(`${name}: ${file}`)}</figcaption></figure>\n`
    )
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${refresh === undefined ? "" : `<meta http-equiv="refresh" content="${refresh}">\n`}<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${curves.join("")}${live ? await liveFeatures(live) : ""}${tables.join("")}${
    pictures.length > 0 ? `<h2>Pictures</h2>\n${pictures.join("")}` : ""
  }
<script>${await plotlySource()}</script>
<script>
${json}.forEach(({ data, layout }, i) => Plotly.newPlot("figure" + i, data, layout, { displaylogo: false }));
</script>
</body>
</html>
`;
}
