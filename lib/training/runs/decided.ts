/**
 * A configuration that leaves the precision open, decided: by the machine where a run begins, and by its folder where it
 * goes on.
 *
 * @module
 */
import type { Precision, PrecisionChoice } from "../../tensorflow/autocast.ts";
import { decidePrecision } from "../../tensorflow/product_rates.ts";
import type { RunOptions } from "./run.ts";
import { readConfig } from "./run_folder.ts";

/** A configuration whose precision is no longer open. */
export type Decided<Config> = Config & { precision: Precision };

/**
 * The configuration with a precision. Of several workers the first decides, for all.
 *
 * @param width of the matrix products by which it is decided
 * @throws Error where it is left open and there is no run to go on with
 */
export async function decided<Config extends { precision: PrecisionChoice }>(
  config: Config,
  width: number,
  { dir, resume, workers }: Pick<RunOptions, "dir" | "resume" | "workers">,
): Promise<Decided<Config>> {
  const decide = async () => {
    const kept = resume && config.precision === "auto" ? await readConfig<{ precision: Precision }>(dir) : config;
    return await decidePrecision(kept.precision, width);
  };
  if (!workers || workers.size === 1) return { ...config, precision: await decide() };
  const [first] = await workers.gather("the precision", workers.rank === 0 ? await decide() : "");
  return { ...config, precision: first as Precision };
}
