/**
 * What an evaluation compares: an encoder, and what it has to beat, the same network with random weights and raw pixels.
 *
 * @module
 */
import type { CropRange, Dataset } from "../datasets/dataset.ts";
import type { Interpolation } from "../datasets/pixels/crop.ts";
import { defaultPreprocessing, type Framing } from "../datasets/pixels/preprocessing.ts";
import { encoderShapes, type EncoderSize, predictorShapes } from "../jepa/architectures.ts";
import type { PretrainedEncoder } from "../jepa/pretrained.ts";
import { initialise } from "../nn/initialisation.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { tf } from "../tensorflow/backend.ts";
import { pixelTokens } from "./probes/dense_probe.ts";
import type { LinearSources } from "./linear/linear_evaluation.ts";
import { cachedFeatures } from "./features/feature_cache.ts";
import { featureEncoder } from "./features/feature_encoder.ts";
import { extractFeatures, type Features, pixelFeatures, type TokenFeatures } from "./features/features.ts";
import { encodedAtOnce, encodedSource, pixelSource, type View } from "./features/layer_source.ts";
import { extractTokens, type TokenSource, tokenSource } from "./features/token_source.ts";

/** Something that makes features of images. */
export interface Subject {
  /** For tables. */
  name: string;
  /** Average-pooled features of the last layer or of the last four; undefined where it has no such layers. */
  features(dataset: Dataset, layer: "last" | "last4"): Promise<Features | undefined>;
  /** What linear heads are trained on, chosen by and measured on; freed after use. */
  linearSources(images: { train: Dataset; test: Dataset }, view: LinearView): LinearSources & { dispose(): void };
  /** A vector for each patch. */
  tokens(dataset: Dataset): Promise<TokenFeatures>;
  /** The same in half the memory, for what reads them batch by batch. */
  tokenSource(dataset: Dataset): Promise<TokenSource>;
  /** The encoder itself, for what trains it further, or asks its predictor, where it has one; undefined for pixels. */
  encoder?: Pick<PretrainedEncoder, "size" | "parameters" | "preprocessing" | "predictor">;
}

/** How linear heads see images. */
export interface LinearView {
  /** Random resized crops in training. */
  crop?: CropRange;
  /** Whether half of the images are mirrored in training. */
  mirrored: boolean;
  /**
   * Images that are not cropped at random: "centred", resized to 256 for an encoder of 224 pixels, in proportion for
   * others, of which the middle is taken; or "whole", squeezed into the square.
   */
  framing: "centred" | "whole";
  /** Crops and mirror images follow from it. */
  seed: number;
  /** Images a step. */
  batch: number;
}

/** How features are made. */
export interface SubjectOptions {
  /** What matrix products compute in. Default "float32". */
  precision?: Precision;
  /** The folder of kept features; without one, nothing is kept. */
  cache?: string;
  /** Told how many images are done of those that are being encoded, and how many these are. */
  onProgress?: (images: number, total: number) => void;
}

/** Features that are few enough, in numbers, to be held for what is asked next. */
const HELD = 2 ** 28;

/** The last of four layers, side by side. */
function lastOf({ values, width, labels }: Features): Features {
  const own = width / 4, taken = new Float32Array(labels.length * own);
  for (let i = 0; i < labels.length; i++) taken.set(values.subarray((i + 1) * width - own, (i + 1) * width), i * own);
  return { values: taken, width: own, labels };
}

/** What training and test images become for heads that read squares of `side` pixels. */
function viewsOf(side: number, view: LinearView, interpolation: Interpolation): { train: View; plain: View } {
  const resize: Framing["resize"] = view.framing === "whole" ? [side, side] : Math.round(side * 256 / 224);
  const plain = { framing: { resize, crop: side, interpolation }, mirrored: false, seed: view.seed };
  return { plain, train: { ...plain, crop: view.crop, mirrored: view.mirrored } };
}

/** An encoder as a subject. */
export function encoderSubject(
  name: string,
  encoder: NonNullable<Subject["encoder"]>,
  { precision, cache, onProgress }: SubjectOptions = {},
): Subject {
  const { size, parameters, preprocessing } = encoder;
  const optionsFor = ({ length }: Dataset) => ({
    precision,
    preprocessing,
    onProgress: (images: number) => onProgress?.(images, length),
  });
  const extract = (dataset: Dataset, layer: "last" | "last4") =>
    cache === undefined
      ? extractFeatures(parameters, size, dataset, { ...optionsFor(dataset), layer })
      : cachedFeatures(parameters, size, dataset, { ...optionsFor(dataset), layer, dir: cache });
  // One pass over the images serves both layers, and what is asked next.
  const all = size.depth < 4 ? "last" : "last4", width = all === "last4" ? 4 * size.width : size.width;
  const isHeld = (dataset: Dataset) => width * dataset.length <= HELD;
  const held = new WeakMap<Dataset, Promise<Features>>();
  function hold(dataset: Dataset): Promise<Features> {
    const features = held.get(dataset) ?? extract(dataset, all);
    held.set(dataset, features);
    return features;
  }
  return {
    name,
    encoder,
    async features(dataset, layer) {
      if (layer === "last4" && all === "last") return undefined;
      if (!isHeld(dataset)) return await extract(dataset, layer);
      const features = await hold(dataset);
      return layer === all ? features : lastOf(features);
    },
    linearSources({ train, test }, asked) {
      const own = preprocessing ?? defaultPreprocessing(size.image, size.channels);
      const views = viewsOf(size.image, asked, own.interpolation), lastFour = all === "last4";
      const atOnce = encodedAtOnce(asked.batch), options = { precision, preprocessing: own, batch: atOnce };
      const compiled = featureEncoder(parameters, size, { ...options, layer: all });
      const source = (dataset: Dataset, view: View) =>
        encodedSource(dataset, view, compiled, { width, lastFour, atOnce });
      return {
        train: source(train, views.train),
        plain: source(train, views.plain),
        test: source(test, views.plain),
        dispose: compiled.dispose,
      };
    },
    tokens: (dataset) => extractFeatures(parameters, size, dataset, { ...optionsFor(dataset), pool: "none" }),
    tokenSource: (dataset) => extractTokens(parameters, size, dataset, optionsFor(dataset)),
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
  const predictor = encoder.predictor && {
    size: encoder.predictor.size,
    parameters: initialise(predictorShapes({ ...encoder.size, predictor: encoder.predictor.size }), seed),
  };
  return encoderSubject("random weights", { ...encoder, parameters, predictor }, options);
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
    linearSources({ train, test }, asked) {
      const views = viewsOf(side, asked, "bicubic");
      return {
        train: pixelSource(train, views.train),
        plain: pixelSource(train, views.plain),
        test: pixelSource(test, views.plain),
        dispose() {},
      };
    },
    tokens,
    tokenSource: async (dataset) => tokenSource(await tokens(dataset)),
  };
}

/** Frees a subject's parameters. */
export function disposeSubject({ encoder }: Subject): void {
  if (encoder) tf.dispose([encoder.parameters, encoder.predictor?.parameters ?? {}]);
}
