/**
 * What a frozen encoder of clips says of single pictures, as V-JEPA 2-AC has it (Assran et al. 2025, arXiv 2506.09985): each is
 * a tubelet that stands still, encoded by itself, its tokens layer-normed.
 *
 * @module
 */
import { type EncoderSize, tokenGrid } from "../../jepa/architectures.ts";
import { encode, tubelets } from "../../jepa/encoder.ts";
import { normalise } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf, uint8Tensor } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";

/** An encoder of clips that stays as it is. */
export interface FrameEncoder {
  /** Its sizes. */
  size: EncoderSize;
  /** The caller's. */
  parameters: Parameters;
}

/** Tokens of a picture, N. */
export function frameTokenCount(size: EncoderSize): number {
  const [, rows, columns] = tokenGrid(size);
  return rows * columns;
}

/** The tokens of pictures uint8 [F, H, W, 3]: [F, N, D]. */
export function encodeFrames(p: Parameters, size: EncoderSize, pictures: Tensor): Tensor {
  const count = pictures.shape[0], tokens = frameTokenCount(size);
  const still = tf.tile(tf.expandDims(tf.cast(pictures, "float32"), 1), [1, size.tubelet ?? 1, 1, 1, 1]); // [F, t, H, W, 3]
  const first = Int32Array.from({ length: count * tokens }, (_, i) => i % tokens); // the places of a clip's first time
  return normalise(encode(p, size, tubelets(still, size), tf.tensor2d(first, [count, tokens], "int32")));
}

/** Pictures encoded at once. */
const CHUNK = 64;

/**
 * The tokens of pictures uint8 [F, H, W, 3], taken once: float32 [F, N, D].
 *
 * @param onProgress told how many pictures are done
 * @throws RangeError where the encoder is one of images, or the pictures are not of its size
 */
export async function frameTokens(
  { size, parameters }: FrameEncoder,
  pictures: Uint8Array,
  onProgress?: (pictures: number) => void,
): Promise<Float32Array<ArrayBuffer>> {
  const { image, width, tubelet } = size, bytes = image * image * 3, count = pictures.length / bytes;
  if (tubelet === undefined) throw new RangeError("This encoder encodes images; pictures of a clip need one of clips.");
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `The encoder sees pictures of ${image} pixels, and ${pictures.length} bytes are not whole ones.`,
    );
  }
  const each = frameTokenCount(size) * width, all = new Float32Array(count * each);
  const run = compile(function encode_frames(p: Parameters, pixels: Tensor) {
    return encodeFrames(p, size, pixels);
  });
  try {
    for (let start = 0; start < count; start += CHUNK) {
      const own = pictures.slice(start * bytes, (start + CHUNK) * bytes);
      const pixels = uint8Tensor(own, [own.length / bytes, image, image, 3]);
      const tokens = await run(parameters, pixels).finally(() => pixels.dispose());
      all.set(await tokens.data<"float32">().finally(() => tokens.dispose()), start * each);
      onProgress?.(Math.min(start + CHUNK, count));
    }
  } finally {
    run.dispose();
  }
  return all;
}
