/**
 * Python packages for the tasks that need some (JupyterLab; PyTorch, to compare with), in environments of their own below .venv.
 *
 * @module
 */
import { type ProgressBar, progressBar } from "../figures/progress.ts";
import { pipInstall, type Progress, pythonEnvironment } from "../tensorflow/python.ts";
import { writeFile } from "../write_file.ts";

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
  let bar: ProgressBar | undefined, shown = "";
  const onProgress = ({ label, unit, done, total }: Progress) => {
    if (label !== shown) {
      bar?.stop();
      bar = progressBar({ label, unit, total });
      shown = label;
    }
    bar!.update(done);
  };
  try {
    await pythonEnvironment(venv, onProgress);
    await pipInstall(venv, packages, { task, onProgress });
    if (withoutDependencies.length) {
      await pipInstall(venv, withoutDependencies, { options: ["--no-deps"], task, onProgress });
    }
  } finally {
    bar?.stop();
  }
  await writeFile(marker, wanted);
}
