/**
 * Layer-wise learning rates (Clark et al. 2020, arXiv 2003.10555; BEiT, Bao et al. 2021, arXiv 2106.08254): the deeper a
 * layer lies below the head, the less it is changed.
 *
 * @module
 */

/** The layer of a parameter: 0 the patch embedding, 1 .. depth the blocks, depth + 1 the final norm and the head. */
export function layerOf(name: string, depth: number): number {
  if (name.startsWith("patch_embed.")) return 0;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block ? Number(block[1]) + 1 : depth + 1;
}

/**
 * What a parameter's learning rate is of the head's: decay ^ (depth + 1 - layer).
 *
 * @param decay in (0, 1]; the paper's is 0.75
 * @param depth of the encoder, in blocks
 * @throws RangeError where the decay is not in its range
 */
export function layerDecay(decay: number, depth: number): (name: string) => number {
  if (!(decay > 0 && decay <= 1)) throw new RangeError(`A layer decay must be in (0, 1]; got ${decay}.`);
  return (name) => decay ** (depth + 1 - layerOf(name, depth));
}
