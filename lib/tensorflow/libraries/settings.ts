/**
 * What TensorFlow and XLA read from the environment when they are loaded: the kit's settings beside the user's own, which
 * come first.
 *
 * @module
 */
import type { TensorFlowLocation } from "./locate.ts";

/** TensorFlow's flag for the folder of kept compilations. */
const KEPT_IN = "tf_xla_persistent_cache_directory";

/**
 * Flags in the way that XLA_FLAGS and TF_XLA_FLAGS hold them: those that are given, as they are, then ours, without the
 * ones that are among the given.
 *
 * @param given flags between white space; undefined for none
 * @param ours values by flag, without the dashes
 */
export function withFlags(given: string | undefined, ours: Record<string, string>): string {
  const known = new Set(Array.from((given ?? "").matchAll(/(?<=^|\s)--?(\w+)/g), ([, flag]) => flag));
  const added = Object.entries(ours).filter(([flag]) => !known.has(flag)).map(([flag, value]) => `--${flag}=${value}`);
  return [given?.trim(), ...added].filter(Boolean).join(" ");
}

/** What a variable holds, or what the file holds that it names: XLA takes for a file what does not begin with a dash. */
function flagsOf(variable: string, value: string | undefined): string | undefined {
  if (!value?.trim() || value.trim().startsWith("-")) return value;
  try {
    return Deno.readTextFileSync(value.trim());
  } catch (error) {
    throw new Error(
      `${variable} is "${value}", which is neither flags (--name=value) nor a file of them: ${
        (error as Error).message
      }.`,
    );
  }
}

/**
 * Whether float32 products may be computed in TensorFloat-32 (10 bits of mantissa), as GPUs since A100 can: IJEPA_TF32.
 *
 * @throws Error where it is neither 0 nor 1
 */
export function wantsTensorFloat32(value: string | undefined): boolean {
  if (!value || value === "0") return false;
  if (value === "1") return true;
  throw new Error(
    `IJEPA_TF32 must be 1 (float32 products of GPUs in TF32) or 0, the default, but is ${JSON.stringify(value)}.`,
  );
}

/**
 * The variables to set before TensorFlow is loaded.
 *
 * @param env the user's
 * @param keptFolder where what is compiled under XLA_FLAGS is kept from process to process; undefined for nowhere. It is not
 *   asked where the user names a folder
 */
export function tensorflowSettings(
  env: Record<string, string>,
  { cuda, dir }: Pick<TensorFlowLocation, "cuda" | "dir">,
  keptFolder: (xlaFlags: string) => string | undefined,
): Record<string, string> {
  const xlaFlags = withFlags(flagsOf("XLA_FLAGS", env.XLA_FLAGS), {
    // XLA's compiler for CPUs cuts each sum over a row into sums of 32 by a pass that keeps it from being part of the
    // kernel around it: layer norm's gradient takes three times as long.
    xla_disable_hlo_passes: "tree_reduction_rewriter",
    ...cuda && { xla_gpu_cuda_data_dir: `${dir}/../nvidia/cuda_nvcc` },
  });
  const bridgeFlags = flagsOf("TF_XLA_FLAGS", env.TF_XLA_FLAGS);
  const kept = bridgeFlags?.includes(`--${KEPT_IN}`) ? undefined : keptFolder(xlaFlags);
  return {
    // Without oneDNN its CPU allocator returns every large tensor to the system, and page faults then cost more than the
    // arithmetic of elementwise kernels (5 times, measured).
    TF_ENABLE_ONEDNN_OPTS: env.TF_ENABLE_ONEDNN_OPTS ?? "1",
    // Problems reach us as statuses: of its log, only what ends the process (level 3) is worth a user's terminal.
    TF_CPP_MIN_LOG_LEVEL: env.TF_CPP_MIN_LOG_LEVEL ?? "3",
    // How a GPU's products are computed is found by trying: kept, it is the same choice next time, and takes no time.
    XLA_FLAGS: withFlags(xlaFlags, kept && cuda ? { xla_gpu_per_fusion_autotune_cache_dir: `${kept}/tuning` } : {}),
    TF_XLA_FLAGS: withFlags(bridgeFlags, kept ? { [KEPT_IN]: kept } : {}),
  };
}
