/**
 * The Python environment in .venv/parity, of PyTorch, transformers and timm.
 *
 * @module
 */
import { PROJECT_VENV } from "../../tensorflow/libraries/locate.ts";
import { setUpPackages } from "../setup/python_packages.ts";

const VENV = `${PROJECT_VENV}/parity`;
const PACKAGES = ["torch==2.13.0", "transformers==5.24.0", "safetensors==0.8.0", "numpy", "pillow"];
/** timm and transformers' image processors import torchvision 0.28, which is the one for torch 2.13. */
const WITHOUT_DEPENDENCIES = ["torchvision==0.28.0", "timm==1.0.31"];

/** The Python that has them, after setUpParity(). */
export const PARITY_PYTHON = `${VENV}/bin/python`;

/** Installs them where that has not been done, with a progress bar; offline afterwards. */
export async function setUpParity(task: string): Promise<void> {
  await setUpPackages(
    VENV,
    PACKAGES,
    WITHOUT_DEPENDENCIES,
    task,
    `Setting up PyTorch, transformers and timm in ${VENV}, once: 250 MB, or 3 GB where pip brings PyTorch with CUDA.`,
  );
}
