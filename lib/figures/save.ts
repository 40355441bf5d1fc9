/**
 * Figures as files: a page that works offline, an SVG, and a PNG, none of which needs a browser to be made.
 *
 * @module
 */
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figure.ts";
import { checkStills, type MovingFigure, played } from "./moving.ts";
import { animatedPng } from "./pictures/png.ts";
import { figureToSvg, plotlySource } from "./svg.ts";
import { makeFolder, writeFile } from "../write_file.ts";

/** Whether it moves. */
export const isMoving = (figure: Figure | MovingFigure): figure is MovingFigure => "stills" in figure;

const WRITERS: Record<string, (figure: Figure | MovingFigure) => Promise<string | Uint8Array>> = {
  ".html": figureToHtml,
  ".svg": (figure) => figureToSvg(isMoving(figure) ? figure.stills[0] : figure),
  ".png": (figure) => isMoving(figure) ? figureToAnimation(figure) : figureToPng(figure),
};

/**
 * Writes a figure to `path`: the kind its extension says (.html, .svg or .png), or all three when it has none. Folders
 * are made as needed. Of one that moves the page and the PNG do, and the SVG is its first still.
 *
 * @returns the files written.
 * @throws {RangeError} on another extension; {Error} that names the file which cannot be written.
 */
export async function saveFigure(figure: Figure | MovingFigure, path: string): Promise<string[]> {
  const extension = extname(path).toLowerCase();
  if (extension !== "" && !(extension in WRITERS)) {
    throw new RangeError(
      `${path}: figures are saved as .html, .svg or .png, or as all three when there is no extension.`,
    );
  }
  await makeFolder(dirname(path));
  const files: string[] = [];
  for (const kind of extension ? [extension] : Object.keys(WRITERS)) {
    const content = await WRITERS[kind](figure);
    const file = extension ? path : path + kind;
    await writeFile(file, content);
    files.push(file);
  }
  return files;
}

/** A page that holds the figure and plotly.js (4.8 MB), to zoom and hover in, without a network. */
export async function figureToHtml(figure: Figure | MovingFigure): Promise<string> {
  const json = JSON.stringify(isMoving(figure) ? played(figure) : figure).replaceAll("<", "\\u003c"); // no text of the figure may end the script
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Figure</title>
<style>body { margin: 24px; display: flex; justify-content: center; background: #fff; }</style>
</head>
<body>
<div id="figure"></div>
<script>${await plotlySource()}</script>
<script>
const figure = ${json};
Plotly.newPlot("figure", { ...figure, config: { displaylogo: false } });
</script>
</body>
</html>
`;
}

/**
 * The figure as a PNG, which looks the same on every Linux machine.
 *
 * @param scale its pixels for each of layout.width x layout.height; the default suits print and sharp screens
 */
export async function figureToPng(figure: Figure, scale: number = 2): Promise<Uint8Array> {
  const [{ default: sharp }, svg] = await Promise.all([import("npm:sharp@0.35.5"), figureToSvg(figure)]);
  await (fontsLoaded ??= loadFonts());
  return await sharp(new TextEncoder().encode(svg), { density: 72 * scale }).png().toBuffer();
}

/**
 * A figure that moves as an animated PNG.
 *
 * @param scale its pixels for each of layout.width x layout.height
 * @throws RangeError where the stills do not fit together
 */
export async function figureToAnimation(moving: MovingFigure, scale: number = 1): Promise<Uint8Array<ArrayBuffer>> {
  checkStills(moving);
  const { default: sharp } = await import("npm:sharp@0.35.5"), pictures: Uint8Array[] = [];
  let width = 0, height = 0;
  for (const still of moving.stills) {
    const image = sharp(await figureToPng(still, scale)).removeAlpha().raw();
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    pictures.push(data);
    ({ width, height } = info);
  }
  return animatedPng(pictures, height, width, moving.milliseconds);
}

let fontsLoaded: Promise<void> | undefined;

/**
 * Makes Inter known to the SVG renderer within sharp, which otherwise draws boxes for letters where a machine has no
 * fonts, as most containers. Setting a text from a font file is the one way sharp offers to add a font to the process.
 */
async function loadFonts(): Promise<void> {
  const { default: sharp } = await import("npm:sharp@0.35.5");
  // Fetches the package if need be. Once it is there, its files have paths, wherever Deno or the importer keeps packages.
  await import("npm:@expo-google-fonts/inter@0.4.2/package.json", { with: { type: "json" } });
  const fonts = [
    import.meta.resolve("npm:@expo-google-fonts/inter@0.4.2/400Regular/Inter_400Regular.ttf"),
    import.meta.resolve("npm:@expo-google-fonts/inter@0.4.2/700Bold/Inter_700Bold.ttf"),
  ];
  for (const font of fonts) {
    const fontfile = fileURLToPath(font);
    await sharp({ text: { text: "Inter", font: "Inter", fontfile } }).png().toBuffer();
  }
}
