/**
 * How linear heads are trained on frozen features: the paper's linear evaluation (appendix A.1), and its transfer tasks,
 * which it takes from VISSL's benchmark (appendix A.2).
 *
 * @module
 */
import type { lars } from "./lars.ts";

/** How to train heads. */
export interface LinearRecipe {
  /** Which rule moves a head. */
  optimiser: "lars" | "nesterov";
  /** For 256 images; a step's own is in proportion to the batch that it stands for. */
  learningRates: readonly number[];
  /** Of weights; with "nesterov", of biases too. */
  weightDecays: readonly number[];
  /** Passes over the images. */
  epochs: number;
  /** Images a step; left out, 256, or with LARS as many as make 3,910 steps of all passes, as 16,384 of ImageNet's do. */
  batch?: number;
  /** How a learning rate falls: to a tenth at these shares of all steps, or along a cosine to a hundredth, pass by pass. */
  fall: readonly number[] | "cosine";
}

/** The one of several rules by which heads move. */
export type HeadOptimiser = typeof lars;

/** Of the paper's linear evaluation. */
const BATCH = 16384, IMAGENET = 1_281_167, EPOCHS = 50;

/** Images that the learning rates are for. */
const RATES_BATCH = 256;

/**
 * The paper's linear evaluation: LARS, 50 passes, learning rates 0.01, 0.05 and 0.001 (times 64, as 16,384 images are of
 * 256), a tenth after every 15, weight decay 0.0005 and 0; and one larger rate, 0.2: on CIFAR-10 that one is 2 percent
 * better than the best of the three, which do not come to rest in so few images.
 */
export const LINEAR_RECIPE: LinearRecipe = {
  optimiser: "lars",
  learningRates: [0.01, 0.05, 0.001, 0.2],
  weightDecays: [0.0005, 0],
  epochs: EPOCHS,
  fall: [0.3, 0.6, 0.9],
};

/** VISSL's benchmark: SGD with Nesterov's momentum, rate 0.01, weight decay 0.0005, 256 images a step. */
const VISSL: Omit<LinearRecipe, "epochs" | "fall"> = {
  optimiser: "nesterov",
  learningRates: [0.01],
  weightDecays: [0.0005],
  batch: 256,
};

/** A tenth after 2, 4 and 6 sevenths: after 8, 16 and 24 of 28 passes, 4, 8 and 12 of 14, 24, 48 and 72 of 84. */
const SEVENTHS = [2 / 7, 4 / 7, 6 / 7];

/** The paper's transfer tasks by name. */
export const TRANSFER_RECIPES = {
  cifar100: { ...VISSL, epochs: 28, fall: SEVENTHS },
  places205: { ...VISSL, epochs: 14, fall: SEVENTHS },
  inat18: { ...VISSL, epochs: 84, fall: SEVENTHS },
  count: { ...VISSL, epochs: 50, fall: "cosine" },
  distance: { ...VISSL, epochs: 100, fall: "cosine" },
} as const satisfies Record<string, LinearRecipe>;

/**
 * Images a step of so many: as the recipe says, or with LARS so many that all passes have the paper's number of steps.
 * (LARS moves a head by a share of its length in each, and fewer steps do not get it anywhere.)
 */
export function batchOf({ optimiser, batch, epochs }: LinearRecipe, images: number): number {
  if (batch !== undefined) return Math.min(batch, images);
  if (optimiser !== "lars") return Math.min(RATES_BATCH, images);
  return Math.max(1, Math.ceil(BATCH / IMAGENET * images * epochs / EPOCHS));
}

/** By what a recipe's learning rates are multiplied in a step, counted from 0. */
export function rateFactor(recipe: LinearRecipe, step: number, steps: number, batch: number): number {
  const { optimiser, fall, epochs } = recipe;
  // LARS's batch stands for 16,384 images, whatever it is.
  const scale = (optimiser === "lars" ? BATCH : batch) / RATES_BATCH;
  if (fall !== "cosine") return scale * 0.1 ** fall.filter((share) => step >= share * steps - 1e-9).length;
  const passed = Math.floor(step * epochs / steps + 1e-9) / epochs;
  return scale * (0.01 + 0.99 * (1 + Math.cos(Math.PI * passed)) / 2);
}

/** Throws a RangeError that names what is out of its range. */
export function checkLinearRecipe({ learningRates, weightDecays, epochs, batch = 1 }: LinearRecipe): void {
  if (learningRates.length === 0 || weightDecays.length === 0) {
    throw new RangeError("Linear evaluation needs one learning rate and one weight decay at least.");
  }
  const check = (holds: boolean, what: string, value: number) => {
    if (!holds) throw new RangeError(`Linear evaluation needs ${what}; got ${value}.`);
  };
  for (const rate of learningRates) check(rate > 0 && rate < Infinity, "learning rates above 0", rate);
  for (const decay of weightDecays) check(decay >= 0 && decay < Infinity, "weight decays from 0 on", decay);
  check(epochs > 0 && epochs < Infinity, "epochs above 0", epochs);
  check(Number.isSafeInteger(batch) && batch >= 1, "a batch of at least one image", batch);
}
