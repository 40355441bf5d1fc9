/**
 * Parameters: a flat record from name to tensor, with the names and shapes of the authors' checkpoints.
 *
 * @module
 */
import type { Tensor } from "../tensorflow/backend.ts";

/** Tensors by name, e.g. "blocks.0.attn.qkv.weight" [3D, D]. */
export type Parameters = { [name: string]: Tensor };

/** The fixed sine-cosine positions lie among the parameters, as in the authors' checkpoints, but are not trained. */
export function isTrained(name: string): boolean {
  return !name.endsWith("pos_embed");
}

/** Whether weight decay applies: to everything but biases and norms (the authors' rule, which takes in the mask token). */
export function isDecayed(name: string): boolean {
  return /^mask_token(s\.\d+)?$/.test(name) || (name.endsWith(".weight") && !/norm\d*\.weight$/.test(name));
}
