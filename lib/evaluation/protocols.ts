/**
 * The paper's evaluations by name, each a function of what is evaluated and of the images.
 *
 * @module
 */
import {
  type CountedDataset,
  countLabels,
  countTask,
  distanceLabels,
  distanceTask,
} from "../datasets/clevr/clevr_tasks.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { drawFraction, drawPerClass, subsetOf } from "../datasets/subset.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import { fineTune } from "./fine_tuning/fine_tune.ts";
import { fewLabelsRecipe, FINE_TUNE_RECIPES, type FineTuneRecipe } from "./fine_tuning/fine_tune_recipes.ts";
import { CROPPED, linearMeasures, transferRecipe } from "./linear_measures.ts";
import { attentiveProbe } from "./probes/attentive_probe.ts";
import { denseProbe } from "./probes/dense_probe.ts";
import { knn, NEIGHBOURS } from "./probes/knn.ts";
import { linearProbe } from "./probes/linear_probe.ts";
import { chanceReciprocalRank } from "./probes/mean_reciprocal_rank.ts";
import { LINEAR_RECIPE, TRANSFER_RECIPES } from "./linear/linear_recipes.ts";
import { lowShot } from "./probes/low_shot.ts";
import {
  type DepthScenes,
  type EvaluationData,
  type Measure,
  nameOf,
  type Protocol,
  type ProtocolOptions,
} from "./protocol.ts";
import * as paper from "./published.ts";
import { checkLabelled, checkPerClass, checkSameClasses, checkTenth } from "./requirements.ts";
import type { Subject } from "./subjects.ts";
import { VERSIONED_IMAGES, versionMeasures, VERSIONS } from "./version_measures.ts";

/** Images of the attentive probe, to train on and to test on each, whose tokens have to fit in memory. */
const ATTENTIVE_IMAGES = 10_000;

/** Labels a class; the last is what 1 % of ImageNet's has. */
const PER_CLASS = [1, 2, 5, 13];

/** Images of the smallest class. */
function smallestClass(labels: Int32Array): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.min(...counts.values());
}

/** Labels a class: as asked for, or those of the usual ones that each class has. */
function labelsPerClass({ perClass }: ProtocolOptions, { labels }: Dataset): readonly number[] {
  if (perClass) return perClass;
  const most = smallestClass(labels);
  return PER_CLASS.filter((count) => count <= most);
}

function checkImages({ images: { train, test } }: Required<EvaluationData>): void {
  checkLabelled(train);
  checkLabelled(test, test.labels, 1); // a part of the classes may be tested on
  checkSameClasses(train, test);
}

/** A tenth of the training images is held out to choose by. */
function checkImagesAndTenth(data: Required<EvaluationData>): void {
  checkImages(data);
  checkTenth(data.images.train);
}

function checkFewLabels(data: Required<EvaluationData>, options: ProtocolOptions): void {
  checkImages(data);
  const { train } = data.images;
  if (!options.subset) checkPerClass(train, Math.max(1, ...labelsPerClass(options, train)));
}

function checkScenes(
  { scenes: { train, test } }: Required<EvaluationData>,
  labelsOf: (dataset: CountedDataset) => Int32Array,
): void {
  checkLabelled(train.dataset, labelsOf(train.dataset));
  checkLabelled(test.dataset, labelsOf(test.dataset), 1);
  checkTenth(train.dataset);
}

/** At most so many images, as evenly over the classes as they allow. */
function atMost(dataset: Dataset, images: number, seed: number): Dataset {
  if (dataset.length <= images) return dataset;
  return subsetOf(dataset, drawFraction(dataset.labels, images / dataset.length, seed));
}

async function fineTuneMeasures(
  { encoder }: Subject,
  { train, test }: Required<EvaluationData>["images"],
  indices: Uint32Array | undefined,
  recipeOf: (size: EncoderSize) => FineTuneRecipe,
  name: string,
  { seed, precision, epochs, onProgress }: ProtocolOptions,
): Promise<Measure[]> {
  if (!encoder) return [];
  const { size, parameters, preprocessing } = encoder, own = recipeOf(size);
  const recipe = { ...own, epochs: epochs ?? own.epochs };
  const batch = Math.min(recipe.batch, indices?.length ?? train.length);
  const { accuracy, log } = await fineTune(parameters, size, train, test, {
    ...{ ...recipe, indices, seed, precision, preprocessing },
    onStep: ({ step }, totalSteps) => onProgress?.(step * batch, totalSteps * batch),
  });
  return [{ name, score: accuracy, details: { recipe, steps: log.length, loss: log.at(-1)!.loss } }];
}

/** Name of an evaluation. */
export type ProtocolName =
  | "knn"
  | "linear-fast"
  | "linear"
  | "transfer"
  | "attentive"
  | "lowshot"
  | "finetune"
  | "full-finetune"
  | "count"
  | "distance"
  | "depth"
  | "mrr";

/** The evaluations by name. */
export const PROTOCOLS: Readonly<Record<ProtocolName, Protocol>> = {
  knn: {
    title: `kNN: ${NEIGHBOURS} neighbours by cosine similarity, average-pooled last layer`,
    cost: "one pass over the images, then seconds",
    published: [],
    needs: "images",
    check: checkImages,
    async run(subject, { images: { train, test } }, { onProgress }) {
      const [fitted, held] = [(await subject.features(train, "last"))!, (await subject.features(test, "last"))!];
      const { accuracy, k } = await knn(fitted, held, { onProgress: (images) => onProgress?.(images, test.length) });
      return [{ name: k === NEIGHBOURS ? "accuracy" : `${k} neighbours, as there are no more`, score: accuracy }];
    },
  },
  "linear-fast": {
    title: "Linear probe of features taken once: softmax regression to its end, average-pooled last layer",
    cost: "one pass over the images, then seconds",
    published: [],
    needs: "images",
    check: checkImagesAndTenth,
    async run(subject, { images: { train, test } }, { seed = 0 }) {
      const [fitted, held] = [(await subject.features(train, "last"))!, (await subject.features(test, "last"))!];
      const { accuracy, weightDecay } = await linearProbe(fitted, held, { seed });
      return [{ name: "accuracy", score: accuracy, details: { weightDecay } }];
    },
  },
  linear: {
    title:
      "Linear evaluation (appendix A.1): LARS, 50 epochs of random crops and mirror images; the better of last and " +
      "last four layers, with and without batch norm",
    cost: "50 passes over the training images",
    published: [paper.TABLE_1, paper.TABLE_13_LINEAR],
    needs: "images",
    takes: ["epochs"],
    check: checkImagesAndTenth,
    run: (subject, { images }, options) => linearMeasures(subject, images, LINEAR_RECIPE, CROPPED, options),
  },
  transfer: {
    title: "Linear transfer (appendix A.2): VISSL's SGD, random crops and mirror images; the better of last and last " +
      "four layers, with and without batch norm",
    cost: "28 passes over the training images; Places205 14, iNat18 84",
    published: [paper.TABLE_3_CIFAR100, paper.TABLE_3_PLACES205, paper.TABLE_3_INAT18],
    needs: "images",
    takes: ["epochs"],
    check: checkImagesAndTenth,
    run: (subject, { images }, options) =>
      linearMeasures(subject, images, transferRecipe(images.train), CROPPED, options),
  },
  attentive: {
    title: `Attentive probe: a query that attends to the patches, of up to ${ATTENTIVE_IMAGES} images`,
    cost: "the tokens of 20,000 images, then a small network: minutes",
    published: [],
    needs: "images",
    check: checkImages,
    async run(subject, { images: { train, test } }, { seed = 0 }) {
      const [fitted, held] = [atMost(train, ATTENTIVE_IMAGES, seed), atMost(test, ATTENTIVE_IMAGES, seed)];
      const [tokens, heldTokens] = [await subject.tokenSource(fitted), await subject.tokenSource(held)];
      const { accuracy } = await attentiveProbe(tokens, heldTokens, { seed });
      return [{ name: "accuracy", score: accuracy, details: { images: fitted.length, testImages: held.length } }];
    },
  },
  lowshot: {
    title:
      "Low-shot linear probe (Tables 6 to 12): MSN's logistic regression on a few labels a class, lambda 0.00025 / n",
    cost: "one pass over the images, then seconds",
    published: [
      paper.TABLE_6,
      paper.TABLE_7,
      paper.TABLE_8,
      paper.TABLE_9,
      paper.TABLE_10,
      paper.TABLE_11,
      paper.TABLE_12,
    ],
    needs: "images",
    takes: ["perClass", "subset"],
    check: checkFewLabels,
    async run(subject, { images: { train, test } }, options) {
      const { seed = 0, subset } = options;
      const [fitted, held] = [(await subject.features(train, "last"))!, (await subject.features(test, "last"))!];
      if (subset) {
        const { mean } = await lowShot(fitted, held, { indices: subset });
        return [{ name: `${subset.length} listed labels`, score: mean }];
      }
      const measures: Measure[] = [];
      for (const count of labelsPerClass(options, train)) {
        const { mean, deviation, draws } = await lowShot(fitted, held, { perClass: count, seed });
        const name = `${count} label${count === 1 ? "" : "s"} a class`;
        measures.push({
          name,
          score: mean,
          spread: deviation,
          details: { draws: draws.map(({ accuracy }) => accuracy) },
        });
      }
      return measures;
    },
  },
  finetune: {
    title: "Low-shot fine-tuning (Tables 2, 13 and 14): layer decay, RandAugment, label smoothing",
    cost: "50 epochs of training the encoder, on the few labelled images",
    published: [paper.TABLE_2, paper.TABLE_13_LOW_SHOT, paper.TABLE_14],
    needs: "images",
    takes: ["perClass", "subset", "epochs"],
    colours: true,
    check: checkFewLabels,
    run(subject, { images }, options) {
      const { subset, seed = 0 } = options, most = Math.max(...labelsPerClass(options, images.train));
      const indices = subset ?? drawPerClass(images.train.labels, most, seed);
      const name = subset ? `${subset.length} listed labels` : `${most} labels a class`;
      return fineTuneMeasures(subject, images, indices, fewLabelsRecipe, name, options);
    },
  },
  "full-finetune": {
    title: "Full fine-tuning (appendix D, Table 15): the same with mixup, CutMix and drop path, on all labels",
    cost: "50 epochs of training the encoder on all images",
    published: [paper.TABLE_15],
    needs: "images",
    takes: ["epochs"],
    colours: true,
    check: checkImages,
    run: (subject, { images }, options) =>
      fineTuneMeasures(subject, images, undefined, () => FINE_TUNE_RECIPES.allLabels, nameOf(options), options),
  },
  count: {
    title: "Count (appendix A.2, VTAB's clevr_count_all): VISSL's SGD, 50 epochs of pictures and their mirror images",
    cost: "two passes over the pictures, then 50 over their features",
    published: [paper.TABLE_4_COUNT],
    needs: "scenes",
    takes: ["epochs", "scenes"],
    colours: true,
    check: (data) => checkScenes(data, ({ counts }) => countLabels(counts).labels),
    run: (subject, { scenes: { train, test } }, options) =>
      linearMeasures(
        subject,
        { train: countTask(train.dataset), test: countTask(test.dataset) },
        TRANSFER_RECIPES.count,
        { mirrored: true, framing: options.scenes ?? "whole" },
        options,
      ),
  },
  distance: {
    title:
      "Distance of a scene's closest object, in six classes (appendix A.2, VTAB's clevr_closest_object_distance): " +
      "VISSL's SGD, 100 epochs of pictures and their mirror images",
    cost: "two passes over the pictures, then 100 over their features",
    published: [paper.TABLE_4_DISTANCE],
    needs: "scenes",
    takes: ["epochs", "scenes"],
    colours: true,
    check: (data) => checkScenes(data, ({ closest }) => distanceLabels(closest).labels),
    run: (subject, { scenes: { train, test } }, options) =>
      linearMeasures(
        subject,
        { train: distanceTask(train.dataset), test: distanceTask(test.dataset) },
        TRANSFER_RECIPES.distance,
        { mirrored: true, framing: options.scenes ?? "whole" },
        options,
      ),
  },
  depth: {
    title: "Depth: per patch, ridge regression; share of the variance explained (R^2)",
    cost: "one pass over the scenes, then seconds",
    published: [],
    needs: "scenes",
    colours: true,
    check({ scenes: { train, test } }) {
      for (const { dataset: { name }, depths } of [train, test]) {
        if (!depths) throw new RangeError(`${name} does not say the depth of each patch: take scenes drawn here.`);
      }
      checkTenth(train.dataset);
    },
    async run(subject, { scenes: { train, test } }, { seed = 0 }) {
      const examples = async ({ dataset, depths }: DepthScenes) => ({
        ...await subject.tokens(dataset),
        targets: depths!,
      });
      const { r2, rmse, baselineRmse, ridge } = denseProbe(await examples(train), await examples(test), { seed });
      return [{ name: "R^2, %", score: 100 * r2, details: { rmse, baselineRmse, ridge } }];
    },
  },
  mrr: {
    title: `Mean reciprocal rank: of ${VERSIONS} versions of an image, the one whose transformation an image world ` +
      `model's predictor is told; chance is ${(100 * chanceReciprocalRank(VERSIONS)).toFixed(1)}`,
    cost: `3 times ${VERSIONS} versions of ${VERSIONED_IMAGES} images: minutes`,
    published: [],
    needs: "images",
    colours: true,
    transformations: true,
    check() {},
    run: (subject, { images: { test } }, options) => versionMeasures(subject, test, options),
  },
};
