/**
 * An encoder's features of images as they come, batch by batch, so that any number of them goes through constant memory.
 *
 * @module
 */
import { defaultPreprocessing, type Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { encode, encodeLayers, patchify } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile, type CompileOptions } from "../../tensorflow/compile.ts";

/** What is taken of the encoder, and how. */
export interface EncodingOptions extends Pick<CompileOptions, "jit" | "precision"> {
  /**
   * "last": what the last block and the norm put out. "last4": what the last four blocks do, each through the norm,
   * side by side: four times as wide (the paper's transfer protocol takes the better of the two). Default "last".
   */
  layer?: "last" | "last4";
  /** "mean" over the patches, a vector an image (paper, appendix A.1), or "none": one for each patch. Default "mean". */
  pool?: "mean" | "none";
  /** What is made of an image's pixels. Default defaultPreprocessing() of the encoder's image. */
  preprocessing?: Preprocessing;
  /** Images encoded at once, a last batch with fewer filled up with black. Default 256. */
  batch?: number;
}

/** Some images and their features. */
export interface FeatureBatch<Images> {
  /** The images as they were given. */
  images: Images;
  /** [B, width], or [B, patches, width] where they are not pooled, row-major. */
  values: Float32Array<ArrayBuffer>;
}

/**
 * Shape of an image's features: [width], or [patches, width] where they are not pooled.
 *
 * @throws RangeError for the last four layers of an encoder that has fewer
 */
export function featureShape(
  { image, patch, width, depth }: EncoderSize,
  { layer = "last", pool = "mean" }: Pick<EncodingOptions, "layer" | "pool">,
): number[] {
  if (layer === "last4" && depth < 4) {
    throw new RangeError(`The encoder has ${depth} blocks: its last four layers cannot be taken, only the last.`);
  }
  const length = layer === "last4" ? 4 * width : width;
  return pool === "mean" ? [length] : [(image / patch) ** 2, length];
}

/**
 * Encodes batches of images in their order, the next one being decoded meanwhile.
 *
 * @param encoder the target encoder's parameters, which stay the caller's
 * @param source batches of at most `batch` images, [B, image, image, 3] in 8-bit sRGB, from where the preprocessing's
 *   framing has been done; what else a batch holds comes out with its features
 * @throws RangeError for a batch below 1, a batch of other images, or a preprocessing whose square is not the encoder's;
 *   and whatever the source throws
 */
export async function* featureBatches<Images extends { pixels: Uint8Array }>(
  encoder: Parameters,
  size: EncoderSize,
  source: AsyncIterable<Images>,
  options: EncodingOptions = {},
): AsyncGenerator<FeatureBatch<Images>, void, void> {
  const { layer = "last", pool = "mean", batch = 256, precision, jit } = options;
  const { image, patch } = size, bytes = image * image * 3;
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new RangeError(`A batch must hold at least one image; got ${batch}.`);
  }
  const perImage = featureShape(size, options).reduce((product, n) => product * n, 1);
  const preprocessing = options.preprocessing ?? defaultPreprocessing(image);
  if (preprocessing.crop !== image) {
    throw new RangeError(
      `The preprocessing cuts squares of ${preprocessing.crop} pixels, but the encoder takes images of ${image}.`,
    );
  }
  const features = compile((p: Parameters, pixels: Tensor) => {
    const patches = patchify(pixels, patch, preprocessing);
    const tokens = layer === "last" ? encode(p, size, patches) : tf.concat(encodeLayers(p, size, patches, 4), 2); // [B, N, width]
    return pool === "mean" ? tf.mean(tokens, 1) : tokens;
  }, { precision, jit, name: "features" });

  async function encodeBatch(pixels: Uint8Array): Promise<Float32Array<ArrayBuffer>> {
    const count = pixels.length / bytes;
    if (!Number.isInteger(count) || count > batch) {
      throw new RangeError(`A batch of ${pixels.length} bytes is not one of at most ${batch} images of ${bytes}.`);
    }
    // Every batch is of one size, so that one compilation serves.
    const filled = new Uint8Array(batch * bytes);
    filled.set(pixels);
    const images = uint8Tensor(filled, [batch, image, image, 3]);
    try {
      const tensor = await features(encoder, images);
      try {
        return (await tensor.data() as Float32Array<ArrayBuffer>).subarray(0, count * perImage);
      } finally {
        tensor.dispose();
      }
    } finally {
      images.dispose();
    }
  }

  const iterator = source[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    while (true) {
      const { value: images, done } = await next;
      if (done) return;
      const encoding = encodeBatch(images.pixels);
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
