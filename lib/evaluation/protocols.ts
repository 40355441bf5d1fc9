/**
 * The paper's evaluations by name, each a function of what is evaluated and of the images.
 *
 * @module
 */
import { type CountedDataset, countLabels, distanceLabels } from "../datasets/clevr/clevr_tasks.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { drawFraction, drawPerClass, subsetOf } from "../datasets/subset.ts";
import type { EncoderSize } from "../jepa/architectures.ts";
import type { Precision } from "../tensorflow/autocast.ts";
import { attentiveProbe } from "./probes/attentive_probe.ts";
import { denseProbe } from "./probes/dense_probe.ts";
import { fineTune } from "./fine_tuning/fine_tune.ts";
import { fewLabelsRecipe, FINE_TUNE_RECIPES, type FineTuneRecipe } from "./fine_tuning/fine_tune_recipes.ts";
import { knn, NEIGHBOURS } from "./probes/knn.ts";
import { linearEvaluation } from "./probes/linear_evaluation.ts";
import { lowShot } from "./probes/low_shot.ts";
import { type PublishedTable, TABLE_1, TABLE_15, TABLE_2, TABLE_4_COUNT, TABLE_4_DISTANCE } from "./published.ts";
import { checkLabelled, checkPerClass, checkTenth } from "./requirements.ts";
import type { Subject } from "./subjects.ts";

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
  /** Passes over the images in fine-tuning. Default 50. */
  epochs?: number;
  /** What matrix products compute in where an encoder is trained. Default "float32". */
  precision?: Precision;
  /** Told what is being done. */
  onStage?: (stage: string) => void;
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
  /** The paper's numbers that it corresponds to, if any. */
  published: readonly PublishedTable[];
  /** Which images it takes. */
  needs: keyof EvaluationData;
  /** Throws a RangeError where the data that it takes cannot be evaluated on, as far as that shows beforehand. */
  check(data: Required<EvaluationData>, options: ProtocolOptions): void;
  /** Evaluates one subject on data that has them; no measure where that subject cannot be evaluated so. */
  run(subject: Subject, data: Required<EvaluationData>, options: ProtocolOptions): Promise<Measure[]>;
}

/** Images of the attentive probe, to train on and to test on each, whose tokens have to fit in memory. */
const ATTENTIVE_IMAGES = 10_000;

/** Labels a class; the last is what 1 % of ImageNet's has. */
const PER_CLASS = [1, 2, 5, 13];

/** Linear evaluation on the data sets' own labels, or on others of the same images. */
async function linearMeasures<Images extends Dataset>(
  subject: Subject,
  train: Images,
  test: Images,
  seed: number,
  labelsOf: (dataset: Images) => Int32Array = ({ labels }) => labels,
): Promise<Measure[]> {
  const layers = async (dataset: Images) => {
    const labels = labelsOf(dataset), last4 = await subject.features(dataset, "last4");
    const last = (await subject.features(dataset, "last"))!;
    return { last: { ...last, labels }, last4: last4 && { ...last4, labels } };
  };
  const { accuracy, chosen, variants } = await linearEvaluation(await layers(train), await layers(test), { seed });
  return [{ name: "accuracy", score: accuracy, details: { chosen, variants } }];
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

function checkImages({ images: { train, test } }: Required<EvaluationData>): void {
  checkLabelled(train);
  checkLabelled(test, test.labels, 1); // a part of the classes may be tested on
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
  { seed, precision, epochs = 50 }: ProtocolOptions,
): Promise<Measure[]> {
  if (!encoder) return [];
  const { size, parameters, preprocessing } = encoder;
  const options = { ...recipeOf(size), epochs, indices, seed, precision, preprocessing };
  const { accuracy, log } = await fineTune(parameters, size, train, test, options);
  return [{ name, score: accuracy, details: { epochs, steps: log.length, loss: log.at(-1)!.loss } }];
}

/** The evaluations by name. */
export const PROTOCOLS = {
  knn: {
    title: `kNN: ${NEIGHBOURS} neighbours by cosine similarity, average-pooled last layer`,
    published: [],
    needs: "images",
    check: checkImages,
    async run(subject, { images: { train, test } }) {
      const [fitted, held] = [(await subject.features(train, "last"))!, (await subject.features(test, "last"))!];
      const { accuracy, k } = await knn(fitted, held);
      return [{ name: k === NEIGHBOURS ? "accuracy" : `${k} neighbours, as there are no more`, score: accuracy }];
    },
  },
  linear: {
    title: "Linear: LARS, 50 epochs; the better of last and last four layers, with and without batch norm",
    published: [TABLE_1],
    needs: "images",
    check(data) {
      checkImages(data);
      checkTenth(data.images.train);
    },
    run: (subject, { images: { train, test } }, { seed = 0 }) => linearMeasures(subject, train, test, seed),
  },
  attentive: {
    title: `Attentive probe: a query that attends to the patches, of up to ${ATTENTIVE_IMAGES} images`,
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
    title: "Low-shot: L2-regularised logistic regression on a few labels a class",
    published: [TABLE_2],
    needs: "images",
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
    title: "Low-shot fine-tuning: layer decay, RandAugment, label smoothing",
    published: [TABLE_2],
    needs: "images",
    check: checkFewLabels,
    run(subject, { images }, options) {
      const { subset, seed = 0 } = options, most = Math.max(...labelsPerClass(options, images.train));
      const indices = subset ?? drawPerClass(images.train.labels, most, seed);
      const name = subset ? `${subset.length} listed labels` : `${most} labels a class`;
      return fineTuneMeasures(subject, images, indices, fewLabelsRecipe, name, options);
    },
  },
  "full-finetune": {
    title: "Full fine-tuning: all labels",
    published: [TABLE_15],
    needs: "images",
    check: checkImages,
    run: (subject, { images }, options) =>
      fineTuneMeasures(subject, images, undefined, () => FINE_TUNE_RECIPES.allLabels, "accuracy", options),
  },
  count: {
    title: "Count: how many objects a scene has, linear evaluation",
    published: [TABLE_4_COUNT],
    needs: "scenes",
    check: (data) => checkScenes(data, ({ counts }) => countLabels(counts).labels),
    run: (subject, { scenes: { train, test } }, { seed = 0 }) =>
      linearMeasures(
        subject,
        train.dataset,
        test.dataset,
        seed,
        ({ counts }) => countLabels(counts).labels,
      ),
  },
  distance: {
    title: "Distance: of a scene's closest object, in six classes, linear evaluation",
    published: [TABLE_4_DISTANCE],
    needs: "scenes",
    check: (data) => checkScenes(data, ({ closest }) => distanceLabels(closest).labels),
    run: (subject, { scenes: { train, test } }, { seed = 0 }) =>
      linearMeasures(
        subject,
        train.dataset,
        test.dataset,
        seed,
        ({ closest }) => distanceLabels(closest).labels,
      ),
  },
  depth: {
    title: "Depth: per patch, ridge regression; share of the variance explained (R^2)",
    published: [],
    needs: "scenes",
    check({ scenes: { train, test } }) {
      if (train.depths && test.depths) checkTenth(train.dataset);
    },
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
