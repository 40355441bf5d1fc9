/**
 * How an encoder is fine-tuned: the paper's recipe for few labels (1 % of ImageNet's, the headline of Table 2), and its
 * recipe for all labels (appendix D, Table 15).
 *
 * What the paper leaves open is as in MAE's fine-tuning (He et al. 2022, arXiv 2111.06377, appendix A.2): betas 0.9 and
 * 0.999, a warm-up over a tenth of the steps, RandAugment, and crops that are mirrored half of the time, which those of
 * pretraining are not. MAE's random erasing
 * is in neither of the paper's lists, and not here.
 *
 * @module
 */
import type { CropRange } from "../../datasets/dataset.ts";
import type { RandAugmentOptions } from "../../datasets/pixels/rand_augment.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";

/** How to train. */
export interface FineTuneRecipe {
  /** Passes over the images; a fraction is fine. */
  epochs: number;
  /** Images a step; all of them where there are fewer. */
  batch: number;
  /** Of the head, at its highest: it rises from 0 in the first tenth of the steps, then falls to 0 along a cosine. */
  learningRate: number;
  /** Images that the learning rate is for; a step's is in proportion to its own. 0: of a step, however many it has. */
  rateImages: number;
  /** On matrices only. */
  weightDecay: number;
  /** What a layer's learning rate is of the next one's, in (0, 1]. */
  layerDecay: number;
  /** Share of a label's weight that all classes divide among them, in [0, 1). */
  labelSmoothing: number;
  /** Random resized crops. */
  crop: CropRange;
  /** RandAugment of each crop. */
  augment: RandAugmentOptions;
  /** alpha of mixup; 0 for none. */
  mixup: number;
  /** alpha of CutMix; 0 for none. Where both are above 0, each is done to half of the batches. */
  cutmix: number;
  /** How likely the branches of the last block are left out, in [0, 1); those of the blocks before less, down to 0. */
  dropPath: number;
}

/** MAE's RandAugment, timm's rand-m9-mstd0.5-inc1. */
const MAE_AUGMENT = { operations: 2, magnitude: 9, deviation: 0.5, probability: 0.5 } as const;

/** The recipes by name. */
export const FINE_TUNE_RECIPES = {
  /**
   * The paper's for 1 % of the labels, but with a batch and a learning rate for some hundred images and the small encoders
   * of this kit: the paper has batches of 512, and learning rate and weight decay 3e-5 and 0.05 (ViT-L/16) or 3e-5 and 0.4
   * (ViT-H): see fewLabelsRecipe().
   */
  fewLabels: {
    epochs: 50,
    batch: 32,
    learningRate: 1e-3,
    rateImages: 0,
    weightDecay: 0.05,
    layerDecay: 0.75,
    labelSmoothing: 0.1,
    crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    augment: MAE_AUGMENT,
    mixup: 0,
    cutmix: 0,
    dropPath: 0,
  },
  /** The paper's for all labels, of ViT-H/16 at 448 pixels: 1e-4 for 256 images, as MAE counts, is 2.06e-4 for 528. */
  allLabels: {
    epochs: 50,
    batch: 528,
    learningRate: 1e-4,
    rateImages: 256,
    weightDecay: 0.04,
    layerDecay: 0.75,
    labelSmoothing: 0.1,
    crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    augment: MAE_AUGMENT,
    mixup: 0.8,
    cutmix: 1,
    dropPath: 0.25,
  },
} as const satisfies Record<string, FineTuneRecipe>;

/**
 * The recipe for few labels that fits an encoder: the paper's own for ViT-L and larger, on some thousand images; for the
 * small encoders of this kit, on some hundred, `fewLabels`.
 */
export function fewLabelsRecipe({ width }: Pick<EncoderSize, "width">): FineTuneRecipe {
  if (width < 1024) return FINE_TUNE_RECIPES.fewLabels;
  return { ...FINE_TUNE_RECIPES.fewLabels, batch: 512, learningRate: 3e-5, weightDecay: width < 1280 ? 0.05 : 0.4 };
}

/** The highest learning rate of steps of so many images. */
export function peakRate({ learningRate, rateImages }: FineTuneRecipe, batch: number): number {
  return rateImages === 0 ? learningRate : learningRate * batch / rateImages;
}

/** Throws a RangeError that names what is out of its range; crops, augmentations and layer decay are checked in their use. */
export function checkRecipe(recipe: FineTuneRecipe): void {
  const { epochs, batch, learningRate, rateImages, weightDecay, labelSmoothing, mixup, cutmix, dropPath } = recipe;
  const check = (holds: boolean, what: string, value: number) => {
    if (!holds) throw new RangeError(`Fine-tuning needs ${what}; got ${value}.`);
  };
  check(epochs > 0 && epochs < Infinity, "epochs above 0", epochs);
  check(Number.isSafeInteger(batch) && batch >= 1, "a batch of at least one image", batch);
  check(learningRate > 0 && learningRate < Infinity, "a learning rate above 0", learningRate);
  check(weightDecay >= 0 && weightDecay < Infinity, "a weight decay from 0 on", weightDecay);
  check(labelSmoothing >= 0 && labelSmoothing < 1, "a label smoothing in [0, 1)", labelSmoothing);
  check(rateImages >= 0 && rateImages < Infinity, "a learning rate for a number of images from 0 on", rateImages);
  for (const alpha of [mixup, cutmix]) check(alpha >= 0 && alpha < Infinity, "mixup and cutmix from 0 on", alpha);
  check(dropPath >= 0 && dropPath < 1, "a drop path in [0, 1)", dropPath);
}
