/**
 * Features of all patches of many images, which are too large to be held in float32: 50,000 images of 64 patches and width
 * 192 are 2.5 GB.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { defaultPreprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { checkFinite, featureBatches } from "./feature_batches.ts";
import { featureShape } from "./feature_encoder.ts";
import type { FeatureOptions, TokenFeatures } from "./features.ts";
import { everyRow, inChunks } from "../passes.ts";

/** Features of all patches of a set of images, read as they are needed. */
export interface TokenSource {
  /** Patches of an image. */
  tokens: number;
  /** Length of a patch's vector. */
  width: number;
  /** [N], an image's each. */
  labels: Int32Array;
  /** Those of the images at these places, in their order: [B, tokens, width], row-major. */
  read(indices: Uint32Array): Promise<Float32Array<ArrayBuffer>>;
}

/** A source that copies out of an array. */
function sourceOf(
  { values, tokens, width, labels }: Omit<TokenFeatures, "values"> & { values: Float32Array | Float16Array },
): TokenSource {
  const perImage = tokens * width;
  return {
    ...{ tokens, width, labels },
    read(indices) {
      const own = new Float32Array(indices.length * perImage);
      indices.forEach((index, i) => own.set(values.subarray(index * perImage, (index + 1) * perImage), i * perImage));
      return Promise.resolve(own);
    },
  };
}

/**
 * Features that are in memory, as a source.
 *
 * @throws RangeError where the values are not so many tokens for each label
 */
export function tokenSource(features: TokenFeatures): TokenSource {
  const { values, tokens, width, labels } = features;
  if (values.length !== labels.length * tokens * width) {
    throw new RangeError(
      `${values.length} values are not ${tokens} tokens of ${width} for each of ${labels.length} images.`,
    );
  }
  return sourceOf(features);
}

/**
 * extractFeatures() without pooling, kept in float16: half the memory, and values that are right to 11 bits, 2e-4 of
 * their size on average.
 *
 * @throws as extractFeatures() does; Error where a feature is beyond float16's 65,504
 */
export async function extractTokens(
  targetEncoder: Parameters,
  size: EncoderSize,
  dataset: Dataset,
  options: Omit<FeatureOptions, "pool"> = {},
): Promise<TokenSource> {
  const { name, length } = dataset,
    { preprocessing = defaultPreprocessing(size.image, size.channels), onProgress } = options;
  const [tokens, width] = featureShape(size, { ...options, pool: "none" });
  const perImage = tokens * width, batch = Math.min(options.batch ?? 256, Math.max(1, length));
  const values = new Float16Array(length * perImage), labels = new Int32Array(length);

  async function* images() {
    for (const indices of inChunks(everyRow(length), batch)) {
      yield { ...await dataset.centred(indices, preprocessing), first: indices[0] };
    }
  }
  const stream = featureBatches(targetEncoder, size, images(), { ...options, pool: "none", batch, preprocessing });
  for await (const { images: { first, labels: own }, values: encoded } of stream) {
    const nameOf = (row: number) => `Image ${first + row} of ${name}`;
    checkFinite(encoded, perImage, nameOf);
    const large = encoded.findIndex((value) => Math.abs(value) > 65504);
    if (large >= 0) {
      throw new Error(
        `${nameOf(Math.floor(large / perImage))} has a feature of ${encoded[large]}, which float16 has not.`,
      );
    }
    values.set(encoded, first * perImage);
    labels.set(own, first);
    onProgress?.(first + own.length);
  }
  return sourceOf({ values, tokens, width, labels });
}
