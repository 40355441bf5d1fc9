/**
 * What a command says of its precision: what decided it, or that the other one is faster on this machine.
 *
 * @module
 */
import type { Precision, PrecisionChoice } from "../../tensorflow/autocast.ts";
import { decidePrecision, type ProductRates, productRates } from "../../tensorflow/product_rates.ts";

/** What `--precision` takes. */
export const PRECISIONS = ["auto", "float32", "bfloat16"] as const satisfies readonly PrecisionChoice[];

/** The line of `--help`, from its second column on. */
export const PRECISION_HELP = "what matrix products compute in: float32 | bfloat16 | auto, the faster of both here";

/** The sentence, where there is something to be said: of what was left open, and of a bfloat16 that is slower here. */
export function precisionNote(asked: PrecisionChoice, decided: Precision, rates: ProductRates): string | undefined {
  const other = decided === "float32" ? "bfloat16" : "float32",
    gflops = (at: Precision) => (rates[at] / 1e9).toFixed(0);
  const both = `${gflops(decided)} GFLOP/s on this machine, ${other} ${gflops(other)}`;
  if (asked === "auto") return `Matrix products in ${decided}: ${both}.`;
  if (decided === "float32" || rates.bfloat16 >= rates.float32) return undefined;
  return `Matrix products in bfloat16 are slow here (${both}): begun with --precision float32, this would be faster.`;
}

/** Says it, once the machine has been measured; float32 that was asked for needs no measurement. */
export async function sayPrecision(asked: PrecisionChoice, decided: Precision, width: number): Promise<void> {
  if (asked === "float32") return;
  const note = precisionNote(asked, decided, await productRates(width));
  if (note) (asked === "auto" ? console.log : console.warn)(note);
}

/** Decides, for a command that keeps nothing of it, and says so. */
export async function chosenPrecision(asked: PrecisionChoice, width: number): Promise<Precision> {
  const precision = await decidePrecision(asked, width);
  await sayPrecision(asked, precision, width);
  return precision;
}
