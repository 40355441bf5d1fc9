/**
 * From image files to a file of features: one row an image, written as they come, so that any number of images goes
 * through constant memory.
 *
 * @module
 */
import { type ListedImage, namedBatches } from "../../datasets/folders/image_list.ts";
import { type ImageReading, readingOf } from "../../datasets/pixels/cut_image.ts";
import { defaultPreprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { openRows } from "../../weights/formats/row_writer.ts";
import { checkFinite, featureBatches } from "./feature_batches.ts";
import { type EncodingOptions, featureShape } from "./feature_encoder.ts";

/** How to encode images, and what to do besides. */
export interface EncodeImagesOptions extends EncodingOptions {
  /** How files become pixels. Default "managed" of three channels, and of others as many as the encoder has. */
  colours?: ImageReading;
  /** What else a safetensors file's metadata is to say. */
  metadata?: Record<string, string>;
  /** Told of an image that cannot be read, and why; it throws, or the image gets no row. Default throws. */
  onBadImage?: (image: ListedImage, reason: string) => void;
  /** Told after each batch how many images are done. */
  onProgress?: (images: number) => void;
  /** Stops after the batch under way; the unfinished file is gone when abort() returns, for programs that must end. */
  signal?: AbortSignal;
}

function stop({ path }: ListedImage, reason: string): never {
  throw new Error(`${path} cannot be read as an image (${reason}): repair or remove it.`);
}

/**
 * Writes the features of images, in their order: as safetensors, tensor "features" float32 [N, width] or [N, patches,
 * width], with layer, pool, preprocessing, colours and, as a JSON array, the rows' names in the metadata; or as .npy with the names
 * in FILE.npy.txt beside it, one a line. The file is there when it is whole; where anything fails nothing is left.
 *
 * @param encoder the target encoder's parameters, which stay the caller's
 * @param out a path that ends in ".safetensors" or ".npy"; a file that is there is replaced
 * @returns the file's shape
 * @throws as featureBatches() and openRows() do; Error where a feature is not finite or not one image can be read
 */
export async function encodeImages(
  encoder: Parameters,
  size: EncoderSize,
  images: readonly ListedImage[],
  out: string,
  options: EncodeImagesOptions = {},
): Promise<number[]> {
  const { layer = "last", pool = "mean", onProgress, signal } = options;
  const { colours = readingOf(size.channels) } = options;
  let fault = "";
  const onBadImage = (image: ListedImage, reason: string) => {
    fault ||= ` (${image.path}: ${reason})`;
    (options.onBadImage ?? stop)(image, reason);
  };
  const preprocessing = options.preprocessing ?? defaultPreprocessing(size.image, size.channels);
  const batch = Math.min(options.batch ?? 256, Math.max(images.length, 1));
  const shape = featureShape(size, options);
  const perImage = shape.reduce((product, n) => product * n, 1);
  const metadata = {
    ...options.metadata,
    layer,
    pool,
    preprocessing: JSON.stringify(preprocessing),
    colours: `${colours}`,
  };
  const rows = await openRows(out, { names: images.map(({ name }) => name), shape, metadata });
  const onAbort = () => rows.abandon();
  signal?.addEventListener("abort", onAbort);
  try {
    const source = namedBatches(images, { batch, framing: preprocessing, colours, onBadImage });
    const names: string[] = [];
    let done = 0;
    for await (
      const { images: some, values } of featureBatches(encoder, size, source, { ...options, batch, preprocessing })
    ) {
      signal?.throwIfAborted();
      checkFinite(values, perImage, (row) => some.names[row]);
      await rows.write(values);
      for (const name of some.names) names.push(name);
      onProgress?.(done += some.tried);
    }
    if (names.length === 0) throw new Error(`Not one of the ${images.length} images can be read${fault}.`);
    await rows.finish(names);
    return [names.length, ...shape];
  } catch (error) {
    rows.abandon();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
