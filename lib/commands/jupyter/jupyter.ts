/**
 * Jupyter with the Deno kernel, in an environment of its own below .venv, private to the project.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PROJECT_VENV } from "../../tensorflow/libraries/locate.ts";
import { setUpPackages } from "../setup/python_packages.ts";
import { makeFolder, writeFile } from "../../write_file.ts";

/** The environment. */
export const JUPYTER_VENV = `${PROJECT_VENV}/lab`;

/** plotly brings JupyterLab's renderer of Plotly figures, with plotly.js in it. */
const PACKAGES = ["jupyterlab==4.6.6", "nbclient==0.11.0", "plotly==7.1.0"];

/** The folder of the notebooks. */
export const NOTEBOOKS: string = fileURLToPath(new URL("../../../notebooks", import.meta.url));

/** What Jupyter finds its settings, kernels and extensions by; the home folder's stay out. */
export const jupyterEnvironment = (): Record<string, string> => ({
  JUPYTER_PREFER_ENV_PATH: "1",
  JUPYTER_NO_CONFIG: "1",
  JUPYTER_DATA_DIR: `${JUPYTER_VENV}/data`,
  JUPYTER_RUNTIME_DIR: `${JUPYTER_VENV}/runtime`,
  IPYTHONDIR: `${JUPYTER_VENV}/ipython`,
});

/** Installs JupyterLab where that has not been done, and this Deno as its kernel. */
export async function setUpJupyter(task: string): Promise<void> {
  await setUpPackages(
    JUPYTER_VENV,
    PACKAGES,
    [],
    task,
    `Setting up JupyterLab in ${JUPYTER_VENV}, once: 60 MB, 330 MB on disk.`,
  );
  const folder = `${JUPYTER_VENV}/share/jupyter/kernels/deno`;
  await makeFolder(folder);
  // Written each time, for Deno may have moved; it need not be on the PATH, as with npx.
  const kernel = {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
    env: { NO_COLOR: "1" },
  };
  await writeFile(`${folder}/kernel.json`, JSON.stringify(kernel, null, 2) + "\n");
  const settings = `${JUPYTER_VENV}/share/jupyter/lab/settings`;
  await makeFolder(settings);
  // Neither does it ask whether to fetch news from elsewhere.
  const overrides = { "@jupyterlab/apputils-extension:notification": { checkForUpdates: false, fetchNews: "false" } };
  await writeFile(`${settings}/overrides.json`, JSON.stringify(overrides, null, 2) + "\n");
}
