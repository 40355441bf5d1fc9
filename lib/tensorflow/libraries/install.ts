/**
 * Brings TensorFlow's C libraries to this machine: the wheels of the Python package index, of which two libraries (and
 * for CUDA those of NVIDIA, side by side, where the build's RUNPATH looks for them) are kept under `tensorflow-*`.
 *
 * @module
 */
import { librariesFolder, LIBRARY_NAMES, preferredVariant, type TensorFlowVariant } from "./locate.ts";
import { fetchWheel, type Progress, pythonEnvironment, type UnpackedWheel } from "./python.ts";
import { makeFolder, writeFile } from "../../write_file.ts";

const VERSION = "2.21.0";

/** sha256 of the CPython 3.12 wheels, by requirement and then by platform. */
const HASHES: Record<string, string[]> = {
  [`tensorflow-cpu==${VERSION}`]: [
    "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb", // Linux x86-64
  ],
  [`tensorflow==${VERSION}`]: [
    "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0", // Linux x86-64, with CUDA
    "b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552", // Linux aarch64
    "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712", // macOS arm64
  ],
};

/** What is kept of the wheels. XLA compiles for a GPU with ptxas and libdevice, found beside TensorFlow like the rest. */
const KEPT = [
  `tensorflow/${LIBRARY_NAMES.cc}`,
  `tensorflow/${LIBRARY_NAMES.framework}`,
  "nvidia/*/lib/*.so*",
  "nvidia/cuda_nvcc/bin/ptxas",
  "nvidia/cuda_nvcc/nvvm/libdevice/*",
];

/** What has been unpacked, by requirement: written to manifest.json after each wheel, so that a set-up can go on. */
type Manifest = Record<string, UnpackedWheel>;

function tensorflowRequirement(variant: TensorFlowVariant): string {
  const platform = `${Deno.build.os} ${Deno.build.arch}`;
  if (variant === "cuda" && platform !== "linux x86_64") {
    throw new Error(`TensorFlow ${VERSION} has no CUDA build for ${platform}: use the CPU build (IJEPA_TF=cpu).`);
  }
  if (!["linux x86_64", "linux aarch64", "darwin aarch64"].includes(platform)) {
    const hint = Deno.build.os === "windows" ? " Use the Windows Subsystem for Linux (WSL 2)." : "";
    throw new Error(`TensorFlow ${VERSION} has no C library for ${platform}.${hint}`);
  }
  return `${variant === "cpu" && platform === "linux x86_64" ? "tensorflow-cpu" : "tensorflow"}==${VERSION}`;
}

async function readManifest(folder: string): Promise<Manifest> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
  } catch {
    return {}; // None yet, or cut off while it was written.
  }
}

/** Whether a wheel's files are all there with the sizes that they had when they were unpacked. */
async function isIntact(folder: string, wheel: UnpackedWheel | undefined): Promise<boolean> {
  if (!wheel) return false;
  for (const [name, size] of Object.entries(wheel.files)) {
    const info = await Deno.stat(`${folder}/${name}`).catch(() => undefined);
    if (info?.size !== size) return false;
  }
  return true;
}

/** The requirements that `folder` should hold, as far as known: TensorFlow, then those that its wheel asks for. */
function requirements(manifest: Manifest, variant: TensorFlowVariant): string[] {
  const tensorflow = tensorflowRequirement(variant);
  return variant === "cpu" ? [tensorflow] : [tensorflow, ...manifest[tensorflow]?.requires ?? []];
}

async function isInstalled(folder: string, variant: TensorFlowVariant): Promise<boolean> {
  const manifest = await readManifest(folder);
  for (const requirement of requirements(manifest, variant)) {
    if (!await isIntact(folder, manifest[requirement])) return false;
  }
  return true;
}

/**
 * Sets TensorFlow's libraries up for locateTensorFlow(): downloads what is missing or damaged, and does nothing, without
 * network, where all is in place or where TF_DIR names libraries of the user's own. An interrupted set-up goes on with
 * the wheel at which it stopped; the folder gets its final name when it is complete.
 *
 * Sizes: "cpu" downloads 274 MB and keeps 853 MB; "cuda" downloads 3.4 GB and keeps 5.6 GB. Needs Python 3.10 or newer with
 * venv on the machine.
 *
 * @param options.variant the build; by default the one for this machine, see preferredVariant()
 * @param options.onProgress told how far each step has come
 * @param options.venv the folder to install in; by default one in the user's cache, or the project's `.venv`
 *   where that holds them already
 */
export async function installTensorFlow(
  { variant, onProgress, venv = librariesFolder() }: {
    variant?: TensorFlowVariant;
    onProgress?: (progress: Progress) => void;
    venv?: string;
  } = {},
): Promise<void> {
  if (!variant && Deno.env.get("TF_DIR")) return;
  const build = variant ?? preferredVariant();
  const folder = `${venv}/tensorflow-${build}`;
  if (await isInstalled(folder, build)) return;

  await makeFolder(venv);
  // Two programs may start at once; the lock goes with the process that holds it.
  using lock = await Deno.open(`${venv}/setup.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await isInstalled(folder, build)) return;

  const python = await pythonEnvironment(venv, onProgress);
  const part = `${folder}.part`;
  if ((await Deno.stat(folder).catch(() => undefined)) !== undefined) {
    await Deno.remove(part, { recursive: true }).catch(() => {});
    await Deno.rename(folder, part);
  }
  await makeFolder(part);
  const manifest = await readManifest(part);
  // The list grows when TensorFlow's own wheel, the first, has told what it requires.
  for (let i = 0; i < requirements(manifest, build).length; i++) {
    const requirement = requirements(manifest, build)[i];
    if (await isIntact(part, manifest[requirement])) continue;
    const hashes = HASHES[requirement];
    manifest[requirement] = await fetchWheel(python, requirement, { target: part, patterns: KEPT, hashes, onProgress });
    await writeFile(`${part}/manifest.json`, JSON.stringify(manifest, null, 2));
  }
  await Deno.rename(part, folder);
}
