/**
 * The masks that a run begins with, as a picture.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { falseColours } from "../../datasets/pixels/bands/false_colours.ts";
import type { Figure } from "../../figures/figure.ts";
import { masksFigure } from "../../figures/pictures/masks_figure.ts";
import { contextOf, targetBlock } from "../../jepa/masks.ts";
import type { RunConfig } from "../../jepa/pretraining/presets.ts";
import { stepMasks } from "../../jepa/pretraining/pretraining_objective.ts";

/** The masks of the run's first step over its first images, these in false colours where they are of bands. */
export async function runMasks(config: RunConfig, dataset: Dataset): Promise<Figure> {
  const { image, patch, channels = 3 } = config.architecture;
  const grid = [image / patch, image / patch] as const;
  const count = Math.min(4, config.batch, dataset.length);
  const masks = stepMasks(config)(0);
  const centred = await dataset.centred(Uint32Array.from({ length: count }, (_, i) => i), image);
  const pixels = falseColours(centred.pixels, channels);
  const examples = Array.from({ length: count }, (_, i) => ({
    pixels: pixels.subarray(i * image * image * 3, (i + 1) * image * image * 3),
    size: image,
    grid,
    context: contextOf(masks, i),
    targets: Array.from({ length: masks.blocks }, (_, m) => targetBlock(masks, m, i)),
  }));
  return masksFigure(examples);
}
