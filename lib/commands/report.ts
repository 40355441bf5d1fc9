/**
 * `deno task report`: a page about a run, or several beside one another; a run's log as CSV.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import type { Figure } from "../figures/figure.ts";
import { lossCurve } from "../figures/curves/loss_curve.ts";
import { type ComparedRun, runsFigure } from "../figures/curves/runs_figure.ts";
import type { LiveEncoder } from "../figures/page/live_features.ts";
import { type PageRun, runsPage } from "../figures/page/runs_page.ts";
import { saveOnnx } from "../jepa/save_encoder.ts";
import { tf } from "../tensorflow/backend.ts";
import { flattened, logCsv, type ReadRun, readRun } from "../training/runs/read_run.ts";
import { replaceFile } from "../write_file.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { loadWeights } from "./inputs/load_weights.ts";
import { onStop } from "./processes/stop_signal.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";
import { checkOutputFile } from "./terminal/flags.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";

/** Seconds between two looks at runs that go on. */
const WATCH = 10;

/** Numbers of an encoder that a browser still reads out of a page: ViT-L's. */
const LIVE = 4e8;

const HELP = helpText(
  "deno task report DIR [DIR ...]",
  `Writes one page about a run, or about several side by side: curves, evaluations, configuration, environment and
  pictures. It is one HTML file that needs no other and no network.`,
  {
    "--out FILE": "the page (default report.html in the first DIR)",
    "--csv": "writes each run's log as DIR/log.csv instead: a row a step, a column for each number",
    "--live":
      `puts the encoder of the first DIR into the page, and what runs it (16 MB): it shows the patch features of a
      picture, or of the camera's, as colours, in any browser, without a server`,
    "--watch":
      `writes the page anew every ${WATCH} s while runs go on, and a browser that shows it reads it again; Ctrl-C
      ends it`,
  },
);

/** Scores of an evaluation by what they are of; numbers of a decoder's measures by their paths. */
function scores({ evaluation }: ReadRun): Map<string, string | number | boolean | null> {
  const results = evaluation?.results;
  if (!Array.isArray(results)) return flattened(evaluation ?? {});
  return new Map(results.map(({ protocol, measure, subject, seed, score }) => [
    `${protocol}${measure === "accuracy" ? "" : `, ${measure}`}: ${subject}${seed ? ` (seed ${seed})` : ""}`,
    score,
  ]));
}

/** Names that tell folders apart: their last parts, or where these are the same their paths. */
function namesOf(dirs: readonly string[]): string[] {
  const names = dirs.map((dir) => basename(resolve(dir)));
  return new Set(names).size === names.length ? names : [...dirs];
}

async function pageRun(run: ReadRun, name: string): Promise<PageRun> {
  const { dir, config, data, environment, log } = run, last = log.at(-1);
  const pictures = new Map<string, Uint8Array>();
  const files = (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).filter((file) => file.endsWith(".png"));
  for (const file of files.sort()) if (file !== "loss.png") pictures.set(file, await Deno.readFile(join(dir, file)));
  const seconds = log.reduce((sum, { seconds }) => sum + (typeof seconds === "number" ? seconds : 0), 0);
  const { checkpoints: _, ...numbers }: Record<string, unknown> = last ?? {};
  return {
    name,
    pictures,
    tables: {
      "Evaluation": scores(run),
      "Last step": new Map([...flattened(numbers), ["seconds in all", seconds]]),
      "Configuration": flattened(config),
      "Data": flattened(data ?? {}),
      "Environment": flattened(environment ?? {}),
    },
  };
}

function figuresOf(runs: readonly ReadRun[], names: readonly string[]): Record<string, Figure> {
  const drawable = ({ log }: ReadRun) => log.some(({ loss }) => loss !== null && loss > 0);
  const figures: Record<string, Figure> = {};
  const begun = runs.filter(drawable);
  if (begun.length > 1) {
    const compared = begun.map((run) => ({
      name: names[runs.indexOf(run)],
      log: run.log as unknown as ComparedRun["log"],
    }));
    figures["Side by side"] = runsFigure(compared);
  }
  for (const run of begun) figures[`Curves of ${names[runs.indexOf(run)]}`] = lossCurve(run.log);
  return figures;
}

/** A run's encoder as ONNX's graph, for the page to run. */
async function liveEncoder(dir: string): Promise<LiveEncoder> {
  await setUpTensorFlow();
  const encoder = await loadWeights(dir, {}), { size } = encoder;
  if ((size.channels ?? 3) !== 3) {
    throw new Error(
      `--live shows pictures of three channels, and the encoder of ${dir} takes ${size.channels}: leave it out.`,
    );
  }
  const { preprocessing = defaultPreprocessing(size.image) } = encoder;
  const folder = await Deno.makeTempDir();
  try {
    const numbers = Object.values(encoder.parameters).reduce((sum, { size }) => sum + size, 0);
    if (numbers > LIVE) {
      throw new Error(`${dir}'s encoder has ${numbers} numbers, too many for a page: leave out --live.`);
    }
    const model = await Deno.readFile(await saveOnnx(folder, encoder, { dtype: "F16" }));
    const { mean, deviation } = preprocessing;
    return { model, image: size.image, patch: size.patch, mean, deviation };
  } finally {
    tf.dispose([encoder.parameters, encoder.predictor?.parameters ?? {}]);
    await Deno.remove(folder, { recursive: true });
  }
}

async function writePage(
  dirs: readonly string[],
  out: string,
  options: { refresh?: number; live?: LiveEncoder } = {},
): Promise<void> {
  const runs = await Promise.all(dirs.map(readRun)), names = namesOf(dirs);
  const pages = await Promise.all(runs.map((run, i) => pageRun(run, names[i])));
  await replaceFile(out, await runsPage(pages, figuresOf(runs, names), options));
}

/** Until it is told to stop, writes the page anew where a log has grown. */
async function watch(dirs: readonly string[], out: string): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<"stopped">();
  const unlisten = onStop(() => stop("stopped"));
  let seen = "";
  try {
    while (true) {
      const sizes = await Promise.all(
        dirs.map((dir) => Deno.stat(`${dir}/log.jsonl`).then(({ size }) => size, () => 0)),
      );
      if (`${sizes}` !== seen) await writePage(dirs, out, { refresh: WATCH });
      seen = `${sizes}`;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const pause = new Promise((done) => timer = setTimeout(done, 1000 * WATCH));
      const ended = await Promise.race([stopped, pause]);
      clearTimeout(timer);
      if (ended === "stopped") return;
    }
  } finally {
    unlisten();
  }
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "out": { type: "string", values: "file" },
    "csv": { type: "boolean", default: false },
    "live": { type: "boolean", default: false },
    "watch": { type: "boolean", default: false },
  },
  positionals: "folder",
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags, positionals: dirs } = parsed;
  if (dirs.length === 0) throw new Error("Say which run: deno task report DIR, or several.");
  if (flags.csv) {
    if (flags.out !== undefined || flags.watch || flags.live) {
      throw new Error("--csv writes log.csv into each DIR: leave out the rest.");
    }
    const csv: string[] = [];
    for (const dir of dirs) {
      await replaceFile(`${dir}/log.csv`, logCsv((await readRun(dir)).log));
      csv.push(`${dir}/log.csv`);
      await tell({ csv });
      console.log(`${dir}/log.csv`);
    }
    return;
  }
  if (flags.live && flags.watch) throw new Error("--live shows a finished run's encoder: leave out --watch.");
  const out = flags.out ?? join(dirs[0], "report.html");
  for (const dir of dirs) await readRun(dir);
  await checkOutputFile("out", out);
  if (flags.watch) {
    console.log(`${out} is written anew every ${WATCH} s: Ctrl-C ends that.`);
    await watch(dirs, out);
  }
  await writePage(dirs, out, flags.live ? { live: await liveEncoder(dirs[0]) } : {});
  await tell({ page: out, runs: dirs });
  console.log(out);
}

if (import.meta.main) await runCommand(main);
