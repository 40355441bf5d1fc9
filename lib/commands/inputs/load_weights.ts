/**
 * The encoder that --weights names.
 *
 * @module
 */
import { loadEncoder, type LoadOptions, type PretrainedEncoder } from "../../jepa/pretrained.ts";
import { tf } from "../../tensorflow/backend.ts";
import { someOf } from "../../weights/find_encoder.ts";
import { barsInTurn } from "../terminal/bars.ts";

/** What --help says of --weights, where an encoder is all that is taken. */
export const WEIGHTS_HELP =
  "a run's folder or encoder.safetensors, the authors' .pth.tar, a Hugging Face folder of an IJepaModel, or safetensors of " +
  "a timm ViT without class token; or such a folder's name on the Hugging Face hub: owner/name, or hf:owner/name@revision";

/** What of a file was taken for the encoder, in a sentence, where that is not all of it as it stands. */
export function readingNote(path: string, { prefix, aside }: Pick<PretrainedEncoder, "prefix" | "aside">): string {
  const parts = [
    prefix === undefined ? "" : `the encoder is what has "${prefix}" before its names`,
    aside === undefined ? "" : `left aside: ${someOf(aside)}`,
  ].filter((part) => part !== "");
  return parts.length ? `${path}: ${parts.join("; ")}.` : "";
}

/**
 * What is to be known of weights whose processor standardises by 0.5: so do those that the authors published on the Hugging
 * Face hub, which transformers' conversion script made of the context encoder.
 */
export function processorNote(path: string, { preprocessing }: Pick<PretrainedEncoder, "preprocessing">): string {
  if (!preprocessing || [...preprocessing.mean, ...preprocessing.deviation].some((value) => value !== 0.5)) return "";
  return `${path} comes with a processor of mean and deviation 0.5. If it is one of facebook/ijepa_*, it is the context ` +
    "encoder, where the paper evaluates the target encoder (in the authors' .pth.tar), and was pretrained with ImageNet's " +
    "mean and deviation: evaluate and encode take --preprocessing imagenet.";
}

/** Loads an encoder as loadEncoder() does, and says on standard error what of the file it is not, and what there is to know of it. */
export async function loadAnyWeights(path: string, options: LoadOptions = {}): Promise<PretrainedEncoder> {
  const bars = barsInTurn();
  const loaded = await loadEncoder(path, { onDownload: bars.onProgress, ...options }).finally(bars.stop);
  for (const note of [readingNote(path, loaded), processorNote(path, loaded)]) if (note) console.warn(note);
  return loaded;
}

/**
 * The same of an encoder of images.
 *
 * @throws Error, too, where it encodes clips
 */
export async function loadWeights(path: string, options: LoadOptions = {}): Promise<PretrainedEncoder> {
  const loaded = await loadAnyWeights(path, options), { frames } = loaded.size;
  if (frames === undefined) return loaded;
  tf.dispose([loaded.parameters, loaded.predictor?.parameters ?? {}]);
  throw new Error(
    `${path} encodes clips of ${frames} frames, and this command takes encoders of images: evaluate-video takes it.`,
  );
}
