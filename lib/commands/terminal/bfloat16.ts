/**
 * Whether this machine multiplies bfloat16 itself: where it does not, bfloat16 is emulated, many times slower than float32.
 *
 * @module
 */
import type { Precision } from "../../tensorflow/autocast.ts";
import { hasGpu } from "../../tensorflow/eager.ts";

/** Whether a GPU or this CPU has instructions for products of bfloat16; TensorFlow has to be loaded. */
export function hasBfloat16(): boolean {
  return hasGpu() || multipliesBfloat16(cpuFlags());
}

/** Whether a CPU with these flags, as Linux names them on x86-64 and on ARM, has such instructions. */
export function multipliesBfloat16(flags: string): boolean {
  return /\b(avx512_bf16|amx_bf16|bf16)\b/.test(flags);
}

/** What lscpu says: Deno reads /proc/cpuinfo only for programs that are permitted everything. */
function cpuFlags(): string {
  try {
    return new TextDecoder().decode(new Deno.Command("lscpu", { stderr: "null" }).outputSync().stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // Not Linux.
    throw error;
  }
}

/** What is to be said before a training in this precision, where anything is; the machine is asked for bfloat16 alone. */
export function precisionAdvice(precision: Precision, isNative: () => boolean = hasBfloat16): string | undefined {
  if (precision === "float32" || isNative()) return undefined;
  return "This CPU has no known instructions for bfloat16, which is then emulated: a new run with --precision float32 is several times faster.";
}
