/**
 * `deno task setup`: brings TensorFlow's libraries to this machine. The other commands call setUpTensorFlow() too, so
 * nobody has to run this first. Data sets come with the commands that need them.
 *
 * @module
 */
import { locateTensorFlow } from "../tensorflow/libraries/locate.ts";
import { userCache } from "../user_cache.ts";
import { type Command, parseCommand, tell } from "./terminal/command.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";

const HELP = helpText(
  "deno task setup",
  `Downloads TensorFlow's libraries, once for all checkouts, into your cache folder (${userCache()}/venv; into .venv where
  an earlier version has put them there): its CPU build (274 MB, 853 MB on disk), or where there is an NVIDIA driver its
  CUDA build with NVIDIA's libraries (3.4 GB, 5.6 GB on disk). Needs Python 3.10 or newer with venv and pip.`,
  "Environment:",
  {
    "IJEPA_TF=cpu|cuda": "the build to use, instead of the one for this machine",
    "TF_DIR=FOLDER": "a folder with both libraries; nothing is downloaded",
    "IJEPA_TF32=1": "lets a GPU round what float32 products take to TF32 (10 bits of mantissa), for all commands",
    "TF_FORCE_GPU_ALLOW_GROWTH=true": `lets a GPU's memory grow in training too, which by itself takes it whole at the
      start`,
  },
);

/** Its options. */
export const COMMAND: Command = { help: HELP, options: {} };

export async function main(args: string[]): Promise<void> {
  if (!await parseCommand(COMMAND, args)) return;
  await setUpTensorFlow();
  const { dir, cuda } = locateTensorFlow();
  await tell({ tensorflow: dir, build: cuda ? "CUDA" : "CPU" });
  console.log(`TensorFlow's ${cuda ? "CUDA" : "CPU"} build is in ${dir}.`);
}

if (import.meta.main) await runCommand(main);
