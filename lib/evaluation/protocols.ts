/**
 * The paper's evaluations by name, each a function of what is evaluated and of the images.
 *
 * @module
 */
import { type CountedDataset, countTask, distanceTask } from "../datasets/clevr/clevr_tasks.ts";
import type { CropRange, Dataset } from "../datasets/dataset.ts";
import { drawFraction, drawPerClass, subsetOf } from "../datasets/subset.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { attentiveProbe } from "./probes/attentive_probe.ts";
import { denseProbe } from "./probes/dense_probe.ts";
import { fineTune } from "./fine_tuning/fine_tune.ts";
import { fewLabelsRecipe, FINE_TUNE_RECIPES, type FineTuneRecipe } from "./fine_tuning/fine_tune_recipes.ts";
import { knn } from "./probes/knn.ts";
import { evaluateHeads } from "./probes/linear_evaluation.ts";
import { linearProbe } from "./probes/linear_probe.ts";
import { batchOf, LINEAR_RECIPE, type LinearRecipe, TRANSFER_RECIPES } from "./probes/linear_recipes.ts";
import { lowShot } from "./probes/low_shot.ts";
import {
  type PublishedTable,
  TABLE_1,
  TABLE_10,
  TABLE_11,
  TABLE_12,
  TABLE_13_LINEAR,
  TABLE_13_LOW_SHOT,
  TABLE_14,
  TABLE_15,
  TABLE_2,
  TABLE_3_CIFAR100,
  TABLE_3_INAT18,
  TABLE_3_PLACES205,
  TABLE_4_COUNT,
  TABLE_4_DISTANCE,
  TABLE_6,
  TABLE_7,
  TABLE_8,
  TABLE_9,
} from "./published.ts";
import type { LinearView, Subject } from "./subjects.ts";

/** Pictures of scenes whose depths are known patch by patch. */
export interface DepthScenes {
  /** The pictures. */
  dataset: CountedDataset;
  /** float32 [N, grid * grid], mean depth in each patch; undefined where the data does not say (CLEVR itself). */
  depths?: Float32Array<ArrayBuffer>;
}

/** The images to evaluate on; those that no evaluation needs can be left out. */
export interface EvaluationData {
  /** Labelled, to fit probes to and to measure them on, with the same classes. */
  images?: { train: Dataset; test: Dataset };
  /** For count, distance and depth. */
  scenes?: { train: DepthScenes; test: DepthScenes };
}

/** What a protocol can be told. */
export interface ProtocolOptions {
  /** Draws, first weights and orders follow from it. Default 0. */
  seed?: number;
  /**
   * Labels a class of the low-shot evaluations. Default those of 1, 2, 5 and 13 that each class has; 13 is what 1 % of
   * ImageNet's labels are.
   */
  perClass?: readonly number[];
  /** Indices of the labelled training images for low-shot evaluations, instead of drawn ones. */
  subset?: Uint32Array;
  /** Passes over the images where heads or the encoder are trained. Default the protocol's own. */
  epochs?: number;
  /** "centred" takes the middle three quarters of CLEVR's pictures, as the paper's text says. Default "whole". */
  scenes?: LinearView["framing"];
  /** What matrix products compute in where an encoder is trained. Default "float32". */
  precision?: Precision;
  /** Told what is being done. */
  onStage?: (stage: string) => void;
  /** Told, where something is trained or compared, how many images are done, and how many these are. */
  onProgress?: (images: number, total: number) => void;
}

/** One number of an evaluation. */
export interface Measure {
  /** What was measured, e.g. "5 labels a class". */
  name: string;
  /** In percent. */
  score: number;
  /** Standard deviation over draws, in percent, where there were several. */
  spread?: number;
  /** What was chosen, and other numbers. */
  details?: unknown;
}

/** An evaluation. */
export interface Protocol {
  /** What it does, in a line. */
  title: string;
  /** What it takes, for each encoder. */
  cost: string;
  /** The paper's numbers that it corresponds to, if any. */
  published: readonly PublishedTable[];
  /** Which images it takes. */
  needs: keyof EvaluationData;
  /** Evaluates one subject on data that has them; no measure where that subject cannot be evaluated so. */
  run(subject: Subject, data: Required<EvaluationData>, options: ProtocolOptions): Promise<Measure[]>;
}

/** Images of the attentive probe, to train on and to test on each, whose tokens have to fit in memory. */
const ATTENTIVE_IMAGES = 10_000;

/** Labels a class; the last is what 1 % of ImageNet's has. */
const PER_CLASS = [1, 2, 5, 13];

/** What a protocol's only number is called: one of other than its own passes says so. */
const nameOf = ({ epochs }: ProtocolOptions) =>
  epochs === undefined ? "accuracy" : `${epochs} epoch${epochs === 1 ? "" : "s"}`;

/** Crops of linear probes and of fine-tuning, torchvision's default. */
const CROP = { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] } as const satisfies CropRange;

/** Linear heads on features of images that each pass crops and mirrors anew, or mirrors alone. */
async function linearMeasures(
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
function transferRecipe({ classes }: Dataset): LinearRecipe {
  if (classes.length === PLACES205) return TRANSFER_RECIPES.places205;
  return classes.length === INAT18 ? TRANSFER_RECIPES.inat18 : TRANSFER_RECIPES.cifar100;
}

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

/** The evaluations by name. */
export const PROTOCOLS = {
  knn: {
    title: "kNN: 20 neighbours by cosine similarity, average-pooled last layer",
    cost: "one pass over the images, then seconds",
    published: [],
    needs: "images",
    async run(subject, { images: { train, test } }, { onProgress }) {
      const [fitted, held] = [(await subject.features(train, "last"))!, (await subject.features(test, "last"))!];
      const { accuracy } = await knn(fitted, held, { onProgress: (images) => onProgress?.(images, test.length) });
      return [{ name: "accuracy", score: accuracy }];
    },
  },
  "linear-fast": {
    title: "Linear probe of features taken once: softmax regression to its end, average-pooled last layer",
    cost: "one pass over the images, then seconds",
    published: [],
    needs: "images",
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
    published: [TABLE_1, TABLE_13_LINEAR],
    needs: "images",
    run: (subject, { images }, options) =>
      linearMeasures(subject, images, LINEAR_RECIPE, { crop: CROP, mirrored: true, framing: "centred" }, options),
  },
  transfer: {
    title: "Linear transfer (appendix A.2): VISSL's SGD, random crops and mirror images; the better of last and last " +
      "four layers, with and without batch norm",
    cost: "28 passes over the training images; Places205 14, iNat18 84",
    published: [TABLE_3_CIFAR100, TABLE_3_PLACES205, TABLE_3_INAT18],
    needs: "images",
    run: (subject, { images }, options) =>
      linearMeasures(
        subject,
        images,
        transferRecipe(images.train),
        { crop: CROP, mirrored: true, framing: "centred" },
        options,
      ),
  },
  attentive: {
    title: `Attentive probe: a query that attends to the patches, of up to ${ATTENTIVE_IMAGES} images`,
    cost: "the tokens of 20,000 images, then a small network: minutes",
    published: [],
    needs: "images",
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
    published: [TABLE_6, TABLE_7, TABLE_8, TABLE_9, TABLE_10, TABLE_11, TABLE_12],
    needs: "images",
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
    published: [TABLE_2, TABLE_13_LOW_SHOT, TABLE_14],
    needs: "images",
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
    published: [TABLE_15],
    needs: "images",
    run: (subject, { images }, options) =>
      fineTuneMeasures(subject, images, undefined, () => FINE_TUNE_RECIPES.allLabels, nameOf(options), options),
  },
  count: {
    title: "Count (appendix A.2, VTAB's clevr_count_all): VISSL's SGD, 50 epochs of pictures and their mirror images",
    cost: "two passes over the pictures, then 50 over their features",
    published: [TABLE_4_COUNT],
    needs: "scenes",
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
    published: [TABLE_4_DISTANCE],
    needs: "scenes",
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
    async run(subject, { scenes: { train, test } }, { seed = 0 }) {
      if (!train.depths || !test.depths) return [];
      const examples = async ({ dataset, depths }: DepthScenes) => ({
        ...await subject.tokens(dataset),
        targets: depths!,
      });
      const { r2, rmse, baselineRmse, ridge } = denseProbe(await examples(train), await examples(test), { seed });
      return [{ name: "R^2, %", score: 100 * r2, details: { rmse, baselineRmse, ridge } }];
    },
  },
} satisfies Record<string, Protocol>;

/** Name of an evaluation. */
export type ProtocolName = keyof typeof PROTOCOLS;
