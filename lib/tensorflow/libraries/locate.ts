/**
 * Where TensorFlow's two C libraries lie on this machine: a folder named by the caller or by TF_DIR, else the one that
 * `deno task setup` filled, the project's `.venv` where it holds them, or one in the user's cache.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { userCache } from "../../user_cache.ts";

/** Which build of TensorFlow: "cuda" also runs on the CPU, at four times the download. */
export type TensorFlowVariant = "cpu" | "cuda";

/** TensorFlow's libraries, found. */
export interface TensorFlowLocation {
  /** Path of libtensorflow_cc: the TF_* and TFE_* functions. */
  cc: string;
  /** Path of libtensorflow_framework: the TF_Status, TF_Tensor and TF_Buffer functions. */
  framework: string;
  /** Whether NVIDIA's libraries lie beside them (`../nvidia`), i.e. whether this is the CUDA build. */
  cuda: boolean;
  /** The folder that holds both, without a slash at its end. */
  dir: string;
}

/** The kit's folder, from where its tasks are started; undefined where it is imported from a server. */
const PROJECT = import.meta.url.startsWith("file:")
  ? fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "")
  : undefined;

/** The project's `.venv`, for what pip brings to one checkout, whatever the working folder. */
export const PROJECT_VENV: string = `${PROJECT ?? Deno.cwd()}/.venv`;

/** File names of the two libraries in TensorFlow's wheels (Linux; macOS puts the version before the suffix). */
export const LIBRARY_NAMES: { cc: string; framework: string } = Deno.build.os === "darwin"
  ? { cc: "libtensorflow_cc.2.dylib", framework: "libtensorflow_framework.2.dylib" }
  : { cc: "libtensorflow_cc.so.2", framework: "libtensorflow_framework.so.2" };

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    // Also where Deno's permissions keep the path from us.
    return false;
  }
}

/** Where TensorFlow's libraries are kept: once for a user, but in the project where they are there already. */
export function librariesFolder(): string {
  const isHere = PROJECT && ["cpu", "cuda"].some((variant) => exists(`${PROJECT_VENV}/tensorflow-${variant}`));
  return isHere ? PROJECT_VENV : `${userCache()}/venv`;
}

function hasNvidiaDriver(): boolean {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return false; // No other wheel was built with CUDA.
  // Asked of a shell, because Deno keeps /proc and /dev from all but --allow-all; under WSL the driver shows in its tool alone.
  const look = "test -e /proc/driver/nvidia/version || test -e /dev/nvidiactl || nvidia-smi -L";
  try {
    return new Deno.Command("sh", { args: ["-c", look], stdin: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** The build that IJEPA_TF asks for, or undefined where it is not set. */
export function forcedVariant(): TensorFlowVariant | undefined {
  const forced = Deno.env.get("IJEPA_TF");
  if (!forced) return undefined;
  if (forced === "cpu" || forced === "cuda") return forced;
  throw new Error(`IJEPA_TF must be "cpu" or "cuda", but is ${JSON.stringify(forced)}.`);
}

/** The build for this machine: what IJEPA_TF asks for, else "cuda" where there is an NVIDIA driver, else "cpu". */
export function preferredVariant(): TensorFlowVariant {
  return forcedVariant() ?? (hasNvidiaDriver() ? "cuda" : "cpu");
}

function candidates(tfDir: string | undefined, venv: string): string[] {
  if (tfDir) return [tfDir, `${tfDir}/tensorflow`];
  // With a GPU, never the CPU build unasked: it would only look slow. Without one, both builds do the same.
  const variants = forcedVariant() || preferredVariant() === "cuda" ? [preferredVariant()] : ["cpu", "cuda"];
  return variants.map((variant) => `${venv}/tensorflow-${variant}/tensorflow`);
}

/**
 * Finds TensorFlow's libraries: in `tfDir` if given, else in the folder of the TF_DIR environment variable, else where
 * installTensorFlow() puts them. A folder that is named must hold them, itself or in its `tensorflow/`: there is no falling through
 * to the next place.
 *
 * @throws {Error} where they are missing; the message lists every path tried and what to do.
 */
export function locateTensorFlow(options: { tfDir?: string; venv?: string } = {}): TensorFlowLocation {
  const named = options.tfDir || Deno.env.get("TF_DIR");
  const folders = candidates(named?.replace(/(?<=.)\/+$/, ""), options.venv ?? librariesFolder());
  for (const dir of folders) {
    const cc = `${dir}/${LIBRARY_NAMES.cc}`;
    const framework = `${dir}/${LIBRARY_NAMES.framework}`;
    if (exists(cc) && exists(framework)) return { cc, framework, cuda: exists(`${dir}/../nvidia`), dir };
  }
  const tried = folders.flatMap((dir) => [LIBRARY_NAMES.cc, LIBRARY_NAMES.framework].map((name) => `${dir}/${name}`));
  const setup = PROJECT
    ? `run \`deno task setup\` in ${PROJECT}`
    : `run \`deno run -A ${new URL("../../commands/setup.ts", import.meta.url)}\``;
  let mend = `To download them, ${setup}.`;
  if (options.tfDir) mend = `Name the folder that holds both, or none and ${setup}.`;
  else if (named) mend = `Correct TF_DIR, or unset it and ${setup}.`;
  throw new Error(
    `TensorFlow's libraries were not found. ${mend} Missing, one of:\n${
      tried.filter((path) => !exists(path)).map((path) => `  ${path}`).join("\n")
    }`,
  );
}
