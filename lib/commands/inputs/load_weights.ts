/**
 * The encoder that --weights names.
 *
 * @module
 */
import { loadEncoder, type LoadOptions, type PretrainedEncoder } from "../../jepa/pretrained.ts";
import { type ProgressBar, progressBar } from "../../figures/progress.ts";
import { someOf } from "../../weights/find_encoder.ts";

/** What of a file was taken for the encoder, in a sentence, where that is not all of it as it stands. */
export function readingNote(path: string, { prefix, aside }: Pick<PretrainedEncoder, "prefix" | "aside">): string {
  const parts = [
    prefix === undefined ? "" : `the encoder is what has "${prefix}" before its names`,
    aside === undefined ? "" : `left aside: ${someOf(aside)}`,
  ].filter((part) => part !== "");
  return parts.length ? `${path}: ${parts.join("; ")}.` : "";
}

/** Loads it as loadEncoder() does, and says on standard error what of the file it is not. */
export async function loadWeights(path: string, options: LoadOptions = {}): Promise<PretrainedEncoder> {
  let bar: ProgressBar | undefined;
  const onDownload: LoadOptions["onDownload"] = ({ label, done, total }) => {
    bar ??= progressBar({ label, total, unit: "bytes" });
    bar.update(done);
  };
  const loaded = await loadEncoder(path, { onDownload, ...options }).finally(() => bar?.stop()),
    note = readingNote(path, loaded);
  if (note) console.warn(note);
  return loaded;
}
