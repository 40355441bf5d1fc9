/**
 * An encoder's features of images as they come, batch by batch, so that any number of them goes through constant memory.
 *
 * @module
 */
import type { Pixels } from "../../datasets/pixels/cut_image.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type EncodingOptions, featureEncoder } from "./feature_encoder.ts";

/** Some images and their features. */
export interface FeatureBatch<Images> {
  /** The images as they were given. */
  images: Images;
  /** [B, width], or [B, patches, width] where they are not pooled, row-major. */
  values: Float32Array<ArrayBuffer>;
}

/**
 * Encodes batches of images in their order, the next one being decoded meanwhile.
 *
 * @param encoder the target encoder's parameters, which stay the caller's
 * @param source batches of at most `batch` images, [B, image, image, c], from where the preprocessing's
 *   framing has been done; what else a batch holds comes out with its features
 * @throws RangeError for a batch below 1, a batch of other images, or a preprocessing whose square is not the encoder's;
 *   and whatever the source throws
 */
export async function* featureBatches<Images extends { pixels: Pixels<ArrayBufferLike> }>(
  encoder: Parameters,
  size: EncoderSize,
  source: AsyncIterable<Images>,
  options: EncodingOptions = {},
): AsyncGenerator<FeatureBatch<Images>, void, void> {
  const features = featureEncoder(encoder, size, options);
  const iterator = source[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    while (true) {
      const { value: images, done } = await next;
      if (done) return;
      const encoding = features.encode(images.pixels);
      next = iterator.next();
      const [encoded] = await Promise.allSettled([encoding, next]);
      if (encoded.status === "rejected") throw encoded.reason;
      yield { images, values: encoded.value };
    }
  } finally {
    await next.catch(() => {});
    await iterator.return?.();
    features.dispose();
  }
}

/**
 * Holds that features are finite numbers.
 *
 * @param values [B, ...], of `perImage` numbers each
 * @param nameOf names the image in a row
 * @throws Error naming the first image of which they are not
 */
export function checkFinite(values: Float32Array, perImage: number, nameOf: (row: number) => string): void {
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken < 0) return;
  throw new Error(
    `${
      nameOf(Math.floor(broken / perImage))
    } has features that are not finite numbers: look for NaN or overflow in the ` +
      "weights.",
  );
}
