/**
 * Several crops of an image, of one or two sizes, through one encoder: for the methods that compare whole crops.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { batches, type LocalCrops } from "../datasets/loader.ts";
import { normalisationOf } from "../datasets/channel_statistics.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import { encode, patchify, pixelTensor } from "../jepa/encoder.ts";
import type { Parameters } from "../nn/parameters.ts";
import { interpolatePositions, sineCosinePositions } from "../nn/positions.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import type { MicroBatch, Share } from "../training/objective.ts";
import { partsOf } from "../training/steps.ts";
import type { CommonConfig } from "./config.ts";

/** Crops of each image, besides what every method's configuration has. */
export interface CropsConfig extends CommonConfig {
  /** Crops of each image at the encoder's size, from the range `crop`. */
  views: number;
  /** Smaller crops beside them; their sides are multiples of the patch. */
  local?: LocalCrops;
}

/**
 * Crops of each image in all, V + L.
 *
 * @throws RangeError where the local ones cannot be cut into patches
 */
export function viewsOf({ architecture: { patch }, views, local }: CropsConfig): number {
  if (!local) return views;
  if (Number.isInteger(local.size / patch) && local.size > 0) return views + local.views;
  throw new RangeError(`Local crops of ${local.size} pixels cannot be cut into patches of ${patch}.`);
}

/** The crops of B images. */
export interface CropInputs {
  /** [V*B, H, W, c]: the first crop of each image, then the second, ... */
  pixels: Tensor;
  /** [L*B, h, w, c], where there are local ones. */
  local?: Tensor;
}

/** A worker's crops, step after step; a batch is `batch` images, of `views` crops each. */
export async function* cropInputs(
  config: CropsConfig,
  dataset: Dataset,
  start: number,
  share: Share,
): AsyncGenerator<MicroBatch<CropInputs> & { step: number }, void, void> {
  const { architecture: { image: size }, batch, views, local: small, crop, flip, seed } = config;
  const count = batch / partsOf(config);
  const options = { batch: batch * views, views, size, crop, local: small, flip, seed, start, share };
  for await (const { pixels, local, epoch, step } of batches(dataset, options)) {
    const inputs: CropInputs = { pixels: pixelTensor(pixels, count * views, size) };
    if (local && small) inputs.local = pixelTensor(local, count * small.views, small.size);
    yield { inputs, epoch, step };
  }
}

/** An encoder for crops of `side` pixels: its fixed positions are interpolated, as loadEncoder() does for other images. */
function resized(p: Parameters, { image, patch, width }: EncoderSize, side: number): Parameters {
  if (side === image) return p;
  const from = image / patch, to = side / patch;
  const positions = interpolatePositions(sineCosinePositions(width, from), [from, from], [to, to]);
  return { ...p, pos_embed: tf.tensor3d(positions, [1, to * to, width]) };
}

/** Average-pooled tokens of crops: [S, H, W, c] to [S, D]. */
export function pooledCrops(
  p: Parameters,
  { architecture, standardise }: Pick<CommonConfig, "architecture" | "standardise">,
  pixels: Tensor,
): Tensor {
  const patches = patchify(pixels, architecture.patch, standardise && normalisationOf(standardise));
  return tf.mean(encode(resized(p, architecture, pixels.shape[1]!), architecture, patches), 1);
}

/** pooledCrops() of all crops of B images, the local ones last: [(V + L)*B, D]. */
export function pooledViews(
  p: Parameters,
  config: Pick<CommonConfig, "architecture" | "standardise">,
  { pixels, local }: CropInputs,
): Tensor {
  const global = pooledCrops(p, config, pixels);
  return local ? tf.concat([global, pooledCrops(p, config, local)]) : global;
}
