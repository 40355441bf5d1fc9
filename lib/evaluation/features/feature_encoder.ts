/**
 * An encoder as a function of a batch of pixels: one compilation serves all batches.
 *
 * @module
 */
import { emptyPixels, type Pixels } from "../../datasets/pixels/cut_image.ts";
import { defaultPreprocessing, type Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { encode, encodeLayers, patchify, pixelTensor } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
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

/** A compiled encoder. */
export interface FeatureEncoder {
  /**
   * Features of at most `batch` images, [B, image, image, c]: float32 [B, ...featureShape()], row-major.
   *
   * @throws RangeError where the numbers are not those of such images
   */
  encode(pixels: Pixels<ArrayBufferLike>): Promise<Float32Array<ArrayBuffer>>;
  /** Frees the compilation. */
  dispose(): void;
}

/**
 * Compiles an encoder at its first batch.
 *
 * @param encoder the target encoder's parameters, which stay the caller's
 * @throws RangeError for a batch below 1, or a preprocessing whose square is not the encoder's
 */
export function featureEncoder(encoder: Parameters, size: EncoderSize, options: EncodingOptions = {}): FeatureEncoder {
  const { layer = "last", pool = "mean", batch = 256, precision, jit } = options;
  const { image, patch, channels = 3 } = size, length = image * image * channels;
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new RangeError(`A batch must hold at least one image; got ${batch}.`);
  }
  const perImage = featureShape(size, options).reduce((product, n) => product * n, 1);
  const preprocessing = options.preprocessing ?? defaultPreprocessing(image, channels);
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

  return {
    async encode(pixels) {
      const count = pixels.length / length;
      if (!Number.isInteger(count) || count > batch) {
        throw new RangeError(`A batch of ${pixels.length} numbers is not one of at most ${batch} images of ${length}.`);
      }
      // Every batch is of one size, so that one compilation serves.
      const filled = emptyPixels(batch * length, channels);
      filled.set(pixels);
      const images = pixelTensor(filled, batch, image);
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
    },
    dispose: features.dispose,
  };
}
