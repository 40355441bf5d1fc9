/**
 * What an evaluation compares: an encoder, and what it has to beat, the same network with random weights and raw pixels.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import type { Preprocessing } from "../datasets/pixels/preprocessing.ts";
import { encoderShapes, type EncoderSize } from "../jepa/architectures.ts";
import { initialise } from "../nn/initialisation.ts";
import type { Parameters } from "../nn/parameters.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { tf } from "../tensorflow/backend.ts";
import { pixelTokens } from "./probes/dense_probe.ts";
import { cachedFeatures } from "./features/feature_cache.ts";
import { extractFeatures, type Features, pixelFeatures, type TokenFeatures } from "./features/features.ts";
import { extractTokens, type TokenSource, tokenSource } from "./features/token_source.ts";

/** Something that makes features of images. */
export interface Subject {
  /** For tables. */
  name: string;
  /** Average-pooled features of the last layer or of the last four; undefined where it has no such layers. */
  features(dataset: Dataset, layer: "last" | "last4"): Promise<Features | undefined>;
  /** A vector for each patch. */
  tokens(dataset: Dataset): Promise<TokenFeatures>;
  /** The same in half the memory, for what reads them batch by batch. */
  tokenSource(dataset: Dataset): Promise<TokenSource>;
  /** The encoder itself, for what trains it further; undefined for pixels. */
  encoder?: { size: EncoderSize; parameters: Parameters; preprocessing?: Preprocessing };
}

/** How features are made. */
export interface SubjectOptions {
  /** What matrix products compute in. Default "float32". */
  precision?: Precision;
  /** The folder of kept features; without one, nothing is kept. */
  cache?: string;
  /** Told how many images are done of those that are being encoded. */
  onProgress?: (images: number) => void;
}

/** Features of all four layers that are few enough, in numbers, to be held for what is asked next. */
const HELD = 2 ** 28;

/** The last of four layers, side by side. */
function lastOf({ values, width, labels }: Features): Features {
  const own = width / 4, taken = new Float32Array(labels.length * own);
  for (let i = 0; i < labels.length; i++) taken.set(values.subarray((i + 1) * width - own, (i + 1) * width), i * own);
  return { values: taken, width: own, labels };
}

/** An encoder as a subject. */
export function encoderSubject(
  name: string,
  encoder: NonNullable<Subject["encoder"]>,
  { precision, cache, onProgress }: SubjectOptions = {},
): Subject {
  const { size, parameters, preprocessing } = encoder, options = { precision, preprocessing, onProgress };
  const extract = (dataset: Dataset, layer: "last" | "last4") =>
    cache === undefined
      ? extractFeatures(parameters, size, dataset, { ...options, layer })
      : cachedFeatures(parameters, size, dataset, { ...options, layer, dir: cache });
  const held = new WeakMap<Dataset, Promise<Features>>();
  function lastFour(dataset: Dataset): Promise<Features> {
    if (4 * size.width * dataset.length > HELD) return extract(dataset, "last4");
    const features = held.get(dataset) ?? extract(dataset, "last4");
    held.set(dataset, features);
    return features;
  }
  return {
    name,
    encoder,
    async features(dataset, layer) {
      if (size.depth < 4) return layer === "last" ? await extract(dataset, "last") : undefined;
      if (layer === "last4") return await lastFour(dataset);
      // One pass over the images serves both.
      return 4 * size.width * dataset.length > HELD ? await extract(dataset, "last") : lastOf(await lastFour(dataset));
    },
    tokens: (dataset) => extractFeatures(parameters, size, dataset, { ...options, pool: "none" }),
    tokenSource: (dataset) => extractTokens(parameters, size, dataset, options),
  };
}

/** The same network with random weights, whose parameters the caller disposes of. */
export function randomSubject(
  encoder: NonNullable<Subject["encoder"]>,
  seed: number,
  options: SubjectOptions = {},
): Subject {
  // The better of the two initialisations as a baseline: it keeps the patches' content visible beside the positions.
  const parameters = initialise(encoderShapes(encoder.size), seed, "xavier");
  return encoderSubject("random weights", { ...encoder, parameters }, options);
}

/** Whole images have no more pixels than this to a side as a baseline: 3,072 numbers, as CIFAR's. */
const PIXELS = 32;

/** Raw pixels: whole images at the encoder's size, or at 32 pixels where that is larger, and patches as the encoder's. */
export function pixelSubject({ image, patch }: EncoderSize): Subject {
  const side = Math.min(image, PIXELS);
  const tokens = (dataset: Dataset) => pixelTokens(dataset, image, patch);
  return {
    name: side < image ? `raw pixels at ${side}` : "raw pixels",
    features: async (dataset, layer) => layer === "last" ? await pixelFeatures(dataset, side) : undefined,
    tokens,
    tokenSource: async (dataset) => tokenSource(await tokens(dataset)),
  };
}

/** Frees a subject's parameters. */
export function disposeSubject({ encoder }: Subject): void {
  if (encoder) tf.dispose(encoder.parameters);
}
