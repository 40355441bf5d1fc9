/**
 * `deno task notebooks`: runs the notebooks from clean, and fails where one does or loses an output.
 *
 * @module
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { formatDuration, progressBar } from "../figures/progress.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { numberOf } from "./terminal/flags.ts";
import { JUPYTER_VENV, jupyterEnvironment, NOTEBOOKS, setUpJupyter } from "./jupyter/jupyter.ts";
import { missingOutputs, type Notebook } from "./jupyter/notebook_file.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { onStop } from "./processes/stop_signal.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";
import { writeFile } from "../write_file.ts";

const HELP = helpText(
  "deno task notebooks [options] [NAME ...]",
  `Runs the notebooks top to bottom, each in a new kernel, and ends with an error where a cell fails or an output is lost.
  NAME is the beginning of a notebook's file name, such as 01; all run where there is none.`,
  {
    "--quick": "fewer steps and images, for tests: sets IJEPA_QUICK=1, which the notebooks read",
    "--write": "writes the outputs into the notebooks",
    "--timeout S": "seconds that a cell may take (default 1800)",
  },
);

/** A line that run_notebook.py tells. */
interface CellReport {
  cell: number;
  of: number;
  error?: string;
  source?: string;
}

/** The notebooks whose names begin with one of these, or all, in order. */
function findNotebooks(names: readonly string[]): string[] {
  const all = [...Deno.readDirSync(NOTEBOOKS)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort();
  const unknown = names.find((start) => !all.some((name) => name.startsWith(start)));
  if (unknown !== undefined) throw new Error(`No notebook begins with "${unknown}": there are ${all.join(", ")}.`);
  return names.length ? all.filter((name) => names.some((start) => name.startsWith(start))) : all;
}

/**
 * Runs a notebook in a new kernel, whose working folder is the notebook's.
 *
 * @param path of its file
 * @returns its file with the outputs
 * @throws Error with the cell that failed
 */
export async function runNotebook(
  path: string,
  { quick, cellSeconds, onCell }: { quick: boolean; cellSeconds: number; onCell?: (report: CellReport) => void },
): Promise<string> {
  const script = fileURLToPath(new URL("jupyter/run_notebook.py", import.meta.url)), name = basename(path);
  const { IJEPA_QUICK: _, ...own } = Deno.env.toObject(); // one that is set here decides nothing
  const child = new Deno.Command(`${JUPYTER_VENV}/bin/python`, {
    args: [script, path, String(cellSeconds)],
    clearEnv: true,
    env: { ...own, ...jupyterEnvironment(), ...(quick ? { IJEPA_QUICK: "1" } : {}) },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Python then ends its kernel, which would live on as a process of its own, and after it itself.
  let stopped = false;
  const unlisten = onStop(() => {
    stopped = true;
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended, as Ctrl-C reaches it too.
    }
  });
  let failed: CellReport | undefined, said = "";
  const readReports = async () => {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith('{"cell"')) {
          said += line + "\n";
          continue;
        }
        const report: CellReport = JSON.parse(line);
        if (report.error === undefined) onCell?.(report);
        else failed = report;
      }
    }
  };
  const [written, status] = await Promise.all([new Response(child.stdout).text(), child.status, readReports()])
    .finally(unlisten);
  if (stopped) throw new Error(`${name} was stopped: nothing of it was written.`);
  if (failed) {
    throw new Error(`${name}, code cell ${failed.cell} of ${failed.of}: ${failed.error}\n\n${failed.source}`);
  }
  if (!status.success) throw new Error(`${name} could not be run: ${said.trim().split("\n").at(-1)}`);
  const missing = missingOutputs(JSON.parse(written) as Notebook);
  if (missing.length) throw new Error(`${name} has lost outputs: ${missing.join("; ")}.`);
  return written;
}

/**
 * Formats a notebook's cells as the kit's code. The folder is left out of deno.json's, for Deno 2.9's `fmt --check` calls every
 * notebook unformatted.
 */
async function format(path: string): Promise<void> {
  const args = ["fmt", "--no-config", "--line-width=120", "--quiet", path];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(`${path} was written, but deno fmt cannot format it.`);
}

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    timeout: { type: "string", default: "1800" },
  },
  positionals: [],
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags, positionals } = parsed;
  const cellSeconds = numberOf("timeout", flags.timeout, { integer: true })!;
  const names = findNotebooks(positionals);
  if (flags.write && flags.quick) throw new Error("--write is for full runs: leave --quick out.");
  await setUpTensorFlow();
  await setUpJupyter("deno task notebooks");
  const begun = performance.now(), ran: { notebook: string; seconds: number }[] = [];
  for (const name of names) {
    const started = performance.now();
    const bar = progressBar({ label: name, total: 0, unit: "cells" });
    const written = await runNotebook(`${NOTEBOOKS}/${name}`, {
      quick: flags.quick,
      cellSeconds,
      onCell: ({ cell }) => bar.update(cell),
    }).finally(() => bar.stop());
    if (flags.write) {
      await writeFile(`${NOTEBOOKS}/${name}`, written);
      await format(`${NOTEBOOKS}/${name}`);
    }
    const seconds = (performance.now() - started) / 1000;
    ran.push({ notebook: `${NOTEBOOKS}/${name}`, seconds });
    await tell({ ran });
    console.log(`${name}: ${formatDuration(seconds)}`);
  }
  console.log(`${names.length} notebooks ran in ${formatDuration((performance.now() - begun) / 1000)}.`);
}

if (import.meta.main) await runCommand(main);
