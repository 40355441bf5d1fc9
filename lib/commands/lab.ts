/**
 * `deno task lab`: JupyterLab on the notebooks, with the Deno kernel ready.
 *
 * @module
 */
import { isForMachines, parseCommand, tell } from "./terminal/command.ts";
import { JUPYTER_VENV, jupyterEnvironment, NOTEBOOKS, setUpJupyter } from "./jupyter/jupyter.ts";
import { numberOf } from "./terminal/flags.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task lab [options]",
  `Opens JupyterLab on the notebooks, with the Deno kernel ready. The first time it installs JupyterLab in .venv/lab; later
  it works offline. Ctrl-C, twice, ends it.`,
  {
    "--port N": "default 8888, or the next one that is free",
    "--no-browser": "prints the address instead of opening it",
  },
);

/** JupyterLab reaches for no network. */
const SETTINGS = [
  "--LabApp.extension_manager=readonly",
  "--LanguageServerManager.autodetect=False",
  "--ServerApp.terminals_enabled=False",
];

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "port": { type: "string" },
    "no-browser": { type: "boolean", default: false },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed;
  const port = numberOf("port", flags.port, { integer: true });
  await setUpTensorFlow();
  await setUpJupyter("deno task lab");
  // Not its own script, which names the folder that the project was in when it was installed.
  const lab = new Deno.Command(`${JUPYTER_VENV}/bin/python`, {
    args: [
      "-m",
      "jupyterlab",
      ...SETTINGS,
      ...(port === undefined ? [] : [`--ServerApp.port=${port}`]),
      ...(flags["no-browser"] ? ["--no-browser"] : []),
      // Jupyter refuses root, which is who one is in most containers; it listens on this machine alone, behind a token.
      ...(Deno.uid() === 0 ? ["--allow-root"] : []),
      NOTEBOOKS,
    ],
    env: jupyterEnvironment(),
    stdout: isForMachines() ? "null" : "inherit",
  }).spawn();
  // Ctrl-C reaches JupyterLab too, which asks whether it is meant; this process waits for the answer.
  const stop = () => {};
  const end = () => lab.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", end);
  const { success, code } = await lab.status;
  Deno.removeSignalListener("SIGINT", stop);
  Deno.removeSignalListener("SIGTERM", end);
  await tell({ notebooks: NOTEBOOKS, ended: code });
  if (!success) throw new Error(`JupyterLab ended with code ${code}; what it said is above.`);
}

if (import.meta.main) await runCommand(main);
