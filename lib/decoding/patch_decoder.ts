/**
 * The patch decoder: a Vision Transformer that maps an encoder's frozen tokens, one for each patch, back to pixels, as the
 * decoder of a representation autoencoder does (RAE, Zheng et al. 2025, arXiv 2510.11690), without its adversarial and perceptual
 * losses: what it draws sharply the tokens hold, and where they do not say, it draws the average.
 *
 * Parameters have the names of MAE's decoder (He et al. 2022).
 *
 * @module
 */
import type { ParameterShapes } from "../jepa/architectures.ts";
import { meanAbsoluteError, meanSquaredError } from "../methods/parts/errors.ts";
import { block, layerNorm, linear } from "../nn/layers.ts";
import type { Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";

/** Sizes of a patch decoder. */
export interface PatchDecoderSize {
  /** Height and width of the image, in pixels. */
  image: number;
  /** Height and width of a patch, in pixels; the encoder's. */
  patch: number;
  /** Length of the decoder's own tokens. */
  width: number;
  /** Transformer blocks. */
  depth: number;
  /** Attention heads, a divisor of the width. */
  heads: number;
  /** Length of the encoder's tokens, D. */
  condition: number;
}

/** Names and shapes of the parameters. `decoder_pos_embed` [1, N, width] is fixed. */
export function patchDecoderShapes({ image, patch, width, depth, condition }: PatchDecoderSize): ParameterShapes {
  const shapes: Record<string, readonly number[]> = {
    "decoder_embed.weight": [width, condition],
    "decoder_embed.bias": [width],
    "decoder_pos_embed": [1, (image / patch) ** 2, width],
  };
  for (let i = 0; i < depth; i++) {
    const name = `decoder_blocks.${i}`;
    for (const norm of ["norm1", "norm2"]) {
      shapes[`${name}.${norm}.weight`] = [width];
      shapes[`${name}.${norm}.bias`] = [width];
    }
    shapes[`${name}.attn.qkv.weight`] = [3 * width, width];
    shapes[`${name}.attn.qkv.bias`] = [3 * width];
    shapes[`${name}.attn.proj.weight`] = [width, width];
    shapes[`${name}.attn.proj.bias`] = [width];
    shapes[`${name}.mlp.fc1.weight`] = [4 * width, width];
    shapes[`${name}.mlp.fc1.bias`] = [4 * width];
    shapes[`${name}.mlp.fc2.weight`] = [width, 4 * width];
    shapes[`${name}.mlp.fc2.bias`] = [width];
  }
  shapes["decoder_norm.weight"] = [width];
  shapes["decoder_norm.bias"] = [width];
  shapes["decoder_pred.weight"] = [3 * patch * patch, width];
  shapes["decoder_pred.bias"] = [3 * patch * patch];
  return shapes;
}

/**
 * Pixels of tokens.
 *
 * @param tokens [B, N, D], standardised
 * @returns patches [B, N, 3*p*p], about -1 .. 1
 */
export function decodePatches(p: Parameters, { depth, heads }: PatchDecoderSize, tokens: Tensor): Tensor {
  let x = tf.add(linear(p, "decoder_embed", tokens), p["decoder_pos_embed"]); // [B, N, width]
  for (let i = 0; i < depth; i++) x = block(p, `decoder_blocks.${i}`, x, heads);
  return linear(p, "decoder_pred", layerNorm(p, "decoder_norm", x));
}

/** How far decoded patches are from the image's: the mean of |e| ("l1") or of e^2 ("l2"). */
export function reconstructionLoss(decoded: Tensor, patches: Tensor, kind: "l1" | "l2"): Tensor {
  return kind === "l1" ? meanAbsoluteError(decoded, patches) : meanSquaredError(decoded, patches);
}
