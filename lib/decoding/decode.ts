/**
 * From images to what is decoded of them: their representations, the predictor's of target blocks, and the pixels that a
 * patch decoder finds in their tokens.
 *
 * @module
 */
import type { PredictorSize } from "../jepa/architectures.ts";
import { multiBlock } from "../jepa/mask_samplers/multi_block.ts";
import type { Masks } from "../jepa/masks.ts";
import { stepTensors } from "../jepa/pretraining/pretraining_objective.ts";
import type { Parameters } from "../nn/parameters.ts";
import { randomStream } from "../random.ts";
import { disposeAll, type Tensor, tf } from "../tensorflow/backend.ts";
import { compile } from "../tensorflow/compile.ts";
import { forBatches, imageCount } from "./image_batches.ts";
import { decodePatches } from "./patch_decoder.ts";
import { fromPatches, toPixels } from "./pixels.ts";
import {
  type FrozenEncoder,
  poolTokens,
  predictBlocks,
  representTokens,
  type Standardisation,
  standardiseBy,
} from "./representation.ts";
import { checkDecoderFits } from "./decoder_objective.ts";
import { decodes, type PatchDecoder, type TrainedDecoder } from "./saved_decoder.ts";

/**
 * The representations of images, or of a block of each, that a pooled decoder draws samples for.
 *
 * @param pixels 8-bit [B, image, image, 3] of the encoder's size
 * @param block the patches that are averaged, the same of every image; all of them where it is left out
 * @returns [B, D], layer-normed and averaged, not standardised
 * @throws RangeError where the pixels are no such images
 */
export async function representImages(
  encoder: FrozenEncoder,
  pixels: Uint8Array,
  block?: ArrayLike<number>,
): Promise<Float32Array<ArrayBuffer>> {
  const { parameters, ...setting } = encoder, { image, patch } = setting.size, tokens = (image / patch) ** 2;
  const places = Array.from(block ?? { length: tokens }, (place, i) => block ? place as number : i);
  const weights = Array.from({ length: tokens }, (_, i) => places.includes(i) ? 1 / places.length : 0);
  const represent = compile((p: Parameters, pixels: Tensor) => {
    const row = tf.tensor2d(weights, [1, tokens]);
    return poolTokens(representTokens(p, setting, pixels), tf.tile(row, [pixels.shape[0], 1]));
  }, { name: "represent" });
  try {
    return await forBatches(encoder.size.image, [pixels], (input) => represent(parameters, input));
  } finally {
    represent.dispose();
  }
}

/**
 * What the predictor says of the target blocks of images, from their context blocks alone (paper, figure 6).
 *
 * @param pixels 8-bit [B, image, image, 3] of the encoder's size
 * @param masks B images' context and target blocks
 * @returns [M, B, D], averaged over each block, not standardised
 * @throws RangeError where pixels and masks are not of as many images
 */
export async function representPredictions(
  { parameters, ...setting }: FrozenEncoder,
  predictor: { size: PredictorSize; parameters: Parameters },
  pixels: Uint8Array,
  masks: Masks,
): Promise<Float32Array<ArrayBuffer>> {
  const { image } = setting.size, { batch } = masks, count = imageCount(pixels, image);
  if (count !== batch) throw new RangeError(`${count} images have no masks for ${batch}.`);
  const inputs = stepTensors(pixels, image, masks);
  const run = compile(
    (encoder: Parameters, p: Parameters, given: typeof inputs) =>
      predictBlocks(encoder, setting, p, predictor.size, given),
    { name: "predict_blocks" },
  );
  try {
    const output = await run(parameters, predictor.parameters, inputs);
    const values = await output.data() as Float32Array<ArrayBuffer>;
    output.dispose();
    return values;
  } finally {
    disposeAll(inputs);
    run.dispose();
  }
}

/**
 * What a pooled decoder draws samples for: the representations of images, or where it is of predictions the predictor's of a
 * block of each.
 *
 * @param pixels 8-bit [B, image, image, 3] of the encoder's size
 * @returns [B, D], not standardised
 * @throws RangeError where the pixels are no such images, or it is of predictions and there is no predictor
 */
export async function conditionsOf(
  encoder: FrozenEncoder,
  { config }: TrainedDecoder,
  pixels: Uint8Array,
): Promise<Float32Array<ArrayBuffer>> {
  checkDecoderFits(config, encoder);
  const { image, patch, width } = encoder.size, count = imageCount(pixels, image);
  if (decodes(config) !== "predictions") return await representImages(encoder, pixels);
  const masks = multiBlock({ grid: [image / patch, image / patch] })(count, randomStream(config.seed));
  return (await representPredictions(encoder, encoder.predictor!, pixels, masks)).subarray(0, count * width);
}

/**
 * What a patch decoder finds in an encoder's tokens of images.
 *
 * @param pixels 8-bit [B, image, image, 3] of the encoder's size
 * @returns the same, decoded
 * @throws RangeError where the pixels are no such images
 */
export async function reconstruct(
  encoder: FrozenEncoder,
  { config, parameters, standardisation }: PatchDecoder,
  pixels: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const { parameters: frozen, ...setting } = encoder, { image, patch } = config.network;
  const decode = compile((encoder: Parameters, p: Parameters, by: Standardisation, pixels: Tensor) => {
    const tokens = standardiseBy(representTokens(encoder, setting, pixels), by); // [B, N, D]
    return tf.cast(toPixels(fromPatches(decodePatches(p, config.network, tokens), image, patch)), "float32");
  }, { name: "reconstruct" });
  try {
    const run = (input: Tensor) => decode(frozen, parameters, standardisation, input);
    return Uint8Array.from(await forBatches(encoder.size.image, [pixels], run));
  } finally {
    decode.dispose();
  }
}
