/**
 * Why TensorFlow sees no GPU where there should be one: it says so in its log alone, and days would be trained on a CPU.
 *
 * @module
 */
import { forcedVariant, preferredVariant, type TensorFlowLocation } from "./locate.ts";

/** What TensorFlow's CUDA build loads, in its order: the driver's library, then those of NVIDIA's packages beside it. */
const LIBRARIES = [
  ["", "libcuda.so.1"],
  ...[["cuda_runtime", "libcudart.so.12"], ["cublas", "libcublas.so.12"], ["cublas", "libcublasLt.so.12"]],
  ...[["cufft", "libcufft.so.11"], ["cusolver", "libcusolver.so.11"], ["cusparse", "libcusparse.so.12"]],
  ...[["cudnn", "libcudnn.so.9"], ["nccl", "libnccl.so.2"]],
];

/** What was found where TensorFlow sees no GPU. */
export interface NoGpu {
  /** Whether this TensorFlow was built with CUDA. */
  cuda: boolean;
  /** CUDA_VISIBLE_DEVICES. */
  visible?: string;
  /** The first library that does not load, with the loader's words. */
  missing?: { library: string; reason: string };
  /** What the driver's cuInit() returned; 0 is well. */
  driver?: number;
}

/** The likely cause in a sentence, and what to do about it. */
export function likelyCause({ cuda, visible, missing, driver }: NoGpu): string {
  if (!cuda) return "It was built without CUDA: unset TF_DIR and IJEPA_TF, and run `deno task setup`.";
  if (missing) {
    const isDriver = missing.library === "libcuda.so.1";
    const mend = isDriver
      ? "install NVIDIA's driver, or start the container with its GPUs (--gpus all)"
      : "delete its tensorflow-cuda folder and run `deno task setup`";
    return `${isDriver ? "The driver's library" : "The library"} ${missing.library} does not load ` +
      `(${missing.reason.replace(/\.$/, "")}): ${mend}.`;
  }
  if (visible !== undefined && !/^\d|^(GPU|MIG)-/.test(visible)) {
    return `CUDA_VISIBLE_DEVICES="${visible}" hides them all: unset it.`;
  }
  if (driver) {
    return `NVIDIA's driver does not start (cuInit() returned ${driver}${driver === 100 ? ", no device" : ""}): ` +
      "see what nvidia-smi says.";
  }
  return "Set TF_CPP_MIN_LOG_LEVEL=0 to see what TensorFlow says of it.";
}

/** Opens the driver and NVIDIA's libraries to see which does not load. */
export function findCause({ cuda, dir }: Pick<TensorFlowLocation, "cuda" | "dir">): NoGpu {
  const found: NoGpu = { cuda, visible: Deno.env.get("CUDA_VISIBLE_DEVICES") };
  if (!cuda) return found;
  for (const [folder, library] of LIBRARIES) {
    try {
      Deno.dlopen(folder ? `${dir}/../nvidia/${folder}/lib/${library}` : library, {}).close();
    } catch (error) {
      return {
        ...found,
        missing: { library, reason: (error as Error).message.replace(/^Could not open library: /, "") },
      };
    }
  }
  const cuInit = Deno.dlopen("libcuda.so.1", { cuInit: { parameters: ["u32"], result: "i32" } });
  return { ...found, driver: cuInit.symbols.cuInit(0) };
}

/**
 * Says aloud that there is no GPU for TensorFlow, once a process: where IJEPA_TF asks for the CUDA build as an error, where
 * there is an NVIDIA driver as a warning. Where neither is so there is nothing to be said.
 *
 * @throws Error where IJEPA_TF is "cuda"
 */
export function reportNoGpu(location: Pick<TensorFlowLocation, "cuda" | "dir">): void {
  const asked = forcedVariant();
  if (asked === "cpu" || (!asked && preferredVariant() === "cpu")) return;
  const cause = likelyCause(findCause(location));
  if (asked) throw new Error(`IJEPA_TF=cuda asks for a GPU, but TensorFlow sees none. ${cause}`);
  console.warn(`There is an NVIDIA driver, but TensorFlow sees no GPU and computes on the CPU. ${cause}`);
}
