/**
 * Python packages for the tasks that need some (JupyterLab; PyTorch, to compare with), in environments of their own below .venv.
 *
 * @module
 */
import { pipInstall, pythonEnvironment } from "../../tensorflow/libraries/python.ts";
import { writeFile } from "../../write_file.ts";
import { barsInTurn } from "../terminal/bars.ts";

/**
 * Installs packages into the environment `venv` where that has not been done, with a progress bar; offline afterwards.
 *
 * @param packages with what they require
 * @param withoutDependencies packages without it
 * @param task the command to run again where it fails
 * @param announcement printed before the first download
 */
export async function setUpPackages(
  venv: string,
  packages: readonly string[],
  withoutDependencies: readonly string[],
  task: string,
  announcement: string,
): Promise<void> {
  const marker = `${venv}/installed.txt`, wanted = [...packages, ...withoutDependencies].join("\n") + "\n";
  if (await Deno.readTextFile(marker).catch(() => "") === wanted) return;
  console.error(announcement);
  const { onProgress, stop } = barsInTurn();
  try {
    await pythonEnvironment(venv, onProgress);
    await pipInstall(venv, packages, { task, onProgress });
    if (withoutDependencies.length) {
      await pipInstall(venv, withoutDependencies, { options: ["--no-deps"], task, onProgress });
    }
  } finally {
    stop();
  }
  await writeFile(marker, wanted);
}
