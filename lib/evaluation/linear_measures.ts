/**
 * The paper's linear evaluations of a subject: LARS on ImageNet's labels, and VISSL's recipes for the transfer tasks.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { evaluateHeads } from "./linear/linear_evaluation.ts";
import { batchOf, type LinearRecipe, TRANSFER_RECIPES } from "./linear/linear_recipes.ts";
import { type Measure, nameOf, type ProtocolOptions } from "./protocol.ts";
import type { LinearView, Subject } from "./subjects.ts";

/** Crops, torchvision's default, and mirror images. */
export const CROPPED = {
  crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
  mirrored: true,
  framing: "centred",
} as const satisfies Omit<LinearView, "seed" | "batch">;

/** Linear heads on features of images that each pass crops and mirrors anew, or mirrors alone. */
export async function linearMeasures(
  subject: Subject,
  images: { train: Dataset; test: Dataset },
  own: LinearRecipe,
  view: Omit<LinearView, "seed" | "batch">,
  options: ProtocolOptions,
): Promise<Measure[]> {
  const { seed = 0, epochs = own.epochs, onProgress } = options, recipe = { ...own, epochs };
  const batch = batchOf(recipe, images.train.length);
  const sources = subject.linearSources(images, { ...view, seed, batch });
  try {
    const { accuracy, chosen, variants } = await evaluateHeads(sources, {
      ...{ ...recipe, seed },
      onProgress: (steps, total) => onProgress?.(steps * batch, total * batch),
    });
    return [{ name: nameOf(options), score: accuracy, details: { epochs, batch, chosen, variants } }];
  } finally {
    sources.dispose();
  }
}

/** Places205's number of classes, and iNaturalist 2018's; others are taken as CIFAR-100 is. */
const PLACES205 = 205, INAT18 = 8142;

/** The recipe of the paper's transfer task that has so many classes. */
export function transferRecipe({ classes }: Dataset): LinearRecipe {
  if (classes.length === PLACES205) return TRANSFER_RECIPES.places205;
  return classes.length === INAT18 ? TRANSFER_RECIPES.inat18 : TRANSFER_RECIPES.cifar100;
}
