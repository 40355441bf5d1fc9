import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  batchOf,
  checkLinearRecipe,
  LINEAR_RECIPE,
  rateFactor,
  TRANSFER_RECIPES,
} from "../../../lib/evaluation/linear/linear_recipes.ts";

/** The learning rate in the first and the last step of each pass, of `each` steps. */
const ratesOf = (recipe: typeof LINEAR_RECIPE, each: number, batch: number) =>
  Array.from(
    { length: recipe.epochs },
    (_, epoch) =>
      [epoch * each, (epoch + 1) * each - 1].map((step) =>
        recipe.learningRates[0] * rateFactor(recipe, step, recipe.epochs * each, batch)
      ),
  );

Deno.test("LINEAR_RECIPE: learning rates times 64, as 16,384 images are of 256, and a tenth after every 15 of 50 epochs", () => {
  for (const each of [1, 20, 79]) {
    ratesOf(LINEAR_RECIPE, each, 640).forEach((pair, epoch) => {
      const expected = 0.64 * [1, 0.1, 0.01, 0.001][Math.floor(epoch / 15)];
      for (const rate of pair) assertAlmostEquals(rate, expected, 1e-12, `epoch ${epoch} of ${each} steps`);
    });
  }
});

Deno.test("LINEAR_RECIPE: as many steps as 50 epochs of ImageNet in batches of 16,384, whatever the images and epochs", () => {
  assertEquals(batchOf(LINEAR_RECIPE, 1_281_167), 16384);
  assertEquals(batchOf(LINEAR_RECIPE, 50_000), 640);
  for (const epochs of [50, 5]) {
    const batch = batchOf({ ...LINEAR_RECIPE, epochs }, 50_000);
    assertAlmostEquals(epochs * 50_000 / batch, 50 * 1_281_167 / 16384, 10);
  }
});

// VISSL, configs/config/benchmark/linear_image_classification: values, milestones and num_epochs of the tasks' files.
const MULTISTEP = { cifar100: [28, 8, 16, 24], places205: [14, 4, 8, 12], inat18: [84, 24, 48, 72] } as const;

for (const [name, [epochs, ...milestones]] of Object.entries(MULTISTEP)) {
  Deno.test(`TRANSFER_RECIPES.${name}: VISSL's steps`, () => {
    const recipe = TRANSFER_RECIPES[name as keyof typeof MULTISTEP];
    assertEquals([recipe.epochs, recipe.optimiser, recipe.batch], [epochs, "nesterov", 256]);
    assertEquals([recipe.learningRates, recipe.weightDecays], [[0.01], [0.0005]]);
    for (const each of [1, 196]) {
      ratesOf(recipe, each, 256).forEach((pair, epoch) => {
        const expected = [0.01, 0.001, 0.0001, 0.00001][milestones.filter((at) => epoch >= at).length];
        for (const rate of pair) assertAlmostEquals(rate, expected, 1e-12, `epoch ${epoch}`);
      });
    }
    assertAlmostEquals(rateFactor(recipe, 0, 100, 64), 0.25);
  });
}

for (const [name, epochs] of [["count", 50], ["distance", 100]] as const) {
  Deno.test(`TRANSFER_RECIPES.${name}: ${epochs} epochs, a cosine from 0.01 to 0.0001 in VISSL's form`, () => {
    const recipe = TRANSFER_RECIPES[name];
    assertEquals(recipe.epochs, epochs);
    ratesOf(recipe, 7, 256).forEach((pair, epoch) => {
      // fvcore's CosineParamScheduler, asked once an epoch.
      const expected = 0.0001 + 0.5 * (0.01 - 0.0001) * (1 + Math.cos(Math.PI * epoch / epochs));
      for (const rate of pair) assertAlmostEquals(rate, expected, 1e-12, `epoch ${epoch}`);
    });
  });
}

Deno.test("batchOf() is never more than there are images, where the recipe says one", () => {
  assertEquals(batchOf(TRANSFER_RECIPES.count, 80), 80);
  assertThrows(() => checkLinearRecipe({ ...LINEAR_RECIPE, epochs: 0 }), RangeError, "epochs above 0");
});
