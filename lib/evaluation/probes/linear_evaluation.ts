/**
 * The paper's linear evaluation (appendix A.1): linear heads trained by LARS on frozen features, of the last layer and of
 * the last four, with and without batch norm, for several learning rates and weight decays, all at once.
 *
 * @module
 */
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream, shuffled } from "../../random.ts";
import { disposeAll, type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile, compileUpdate } from "../../tensorflow/compile.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { checkPair, type Features } from "../features/features.ts";
import { everyRow, inChunks, rowBatches, stepsOf } from "../passes.ts";
import { headLogits, type LinearHeads, newHeads, trainHeads } from "./linear_heads.ts";

/** Features of a set of images, average-pooled. */
export interface LayerFeatures {
  /** Of the last layer. */
  last: Features;
  /** Of the last four, side by side; left out, only the last is evaluated. */
  last4?: Features;
}

/** How a head is trained, and on what. */
export interface LinearVariant {
  /** Which features it reads. */
  layer: keyof LayerFeatures;
  /** Whether they go through a batch norm (without scale and shift) before it. */
  batchNorm: boolean;
  /** Of LARS, as the paper writes it: times 64 in the steps. */
  learningRate: number;
  /** Of LARS. */
  weightDecay: number;
}

/** How well a head does. */
export interface LinearVariantResult extends LinearVariant {
  /** On a tenth of the training images, trained on the others; in percent. */
  heldOutAccuracy: number;
  /** On the test images, trained on all training images; in percent. */
  accuracy: number;
}

/** How to train; what is left out is as in the paper, but for one learning rate more. */
export interface LinearEvaluationOptions {
  /**
   * As the paper writes them, for 256 images: a step takes 64 times that. Default the paper's 0.01, 0.05 and 0.001, and
   * 0.2: on CIFAR-10 that one is 2 percent better than the best of these, which do not come to rest in so few images.
   */
  learningRates?: readonly number[];
  /** Default 0.0005 and 0. */
  weightDecays?: readonly number[];
  /** Passes over the images; the learning rate falls to a tenth after every 30 % of them. Default 50. */
  epochs?: number;
  /**
   * Images a step. Default the share of all that 16,384 are of ImageNet's, 640 of 50,000, so that there are as many steps
   * as in the paper: LARS moves a head by a share of its length each, and fewer steps do not get it anywhere.
   */
  batch?: number;
  /** Draws the images that are held out, the first weights and the order. Default 0. */
  seed?: number;
  /** Told after each step how many are done, of those of the choice and of the final training together. */
  onProgress?: (steps: number, totalSteps: number) => void;
}

/** How well the chosen head does, and all others. */
export interface LinearEvaluationResult {
  /** Of the chosen head: test images that were given their own label, in percent. */
  accuracy: number;
  /** [N], a label for each test image, by the chosen head. */
  predictions: Int32Array<ArrayBuffer>;
  /** The variant with the best accuracy on held-out training images; of equal ones, the first. */
  chosen: LinearVariantResult;
  /** All of them. */
  variants: LinearVariantResult[];
}

/** What several heads read. */
interface Input {
  layer: keyof LayerFeatures;
  batchNorm: boolean;
  variants: LinearVariant[];
}

/** What batch norm takes off and multiplies by, [D] each. */
type Normalisation = { shift: Tensor; scale: Tensor };

/** The norms that go before the heads, by input. */
type Norms = (Normalisation | undefined)[];

type Recipe = Required<Omit<LinearEvaluationOptions, "onProgress">>;

/** The paper's batch, and by what its learning rates, which are for 256 images, are scaled. */
const BATCH = 16384, SCALE = BATCH / 256;

const IMAGENET = 1_281_167;

/** Added to the variance, as PyTorch's batch norm does. */
const EPSILON = 1e-5;

/** Images classified at once. */
const CHUNK = 4096;

/** Key of the random stream of the first weights; those of the passes' orders are 0 and up, that of the choice is none. */
const WEIGHTS_STREAM = -1;

function checkRecipe({ learningRates, weightDecays, epochs, batch }: Recipe): void {
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

function checkFeatures(train: LayerFeatures, test: LayerFeatures): void {
  checkPair(train.last, test.last);
  const images = train.last.labels.length;
  if (images < 10) throw new RangeError(`${images} training images are too few to hold out a tenth: give 10 or more.`);
  if (!train.last4 && !test.last4) return;
  if (!train.last4 || !test.last4) {
    throw new RangeError("The features of the last four layers are given for one set alone: give both, or neither.");
  }
  checkPair(train.last4, test.last4);
  for (const [name, { last, last4 }] of [["training", train], ["test", test]] as const) {
    if (last.labels.length !== last4!.labels.length || last.labels.some((label, i) => label !== last4!.labels[i])) {
      throw new RangeError(
        `The ${name} set's features of the last layer and of the last four are not of the same images.`,
      );
    }
  }
}

function inputsOf({ last4 }: LayerFeatures, { learningRates, weightDecays }: Recipe): Input[] {
  return (last4 ? ["last", "last4"] as const : ["last"] as const).flatMap((layer) =>
    [false, true].map((batchNorm) => ({
      layer,
      batchNorm,
      variants: learningRates.flatMap((learningRate) =>
        weightDecays.map((weightDecay) => ({ layer, batchNorm, learningRate, weightDecay }))
      ),
    }))
  );
}

/** The mean and deviation of these rows, by which batch norm goes once training is over. */
function normalisation({ values, width }: Features, rows: Uint32Array): Normalisation {
  const mean = new Float64Array(width), squares = new Float64Array(width);
  for (const row of rows) {
    for (let j = 0; j < width; j++) mean[j] += values[row * width + j] / rows.length;
  }
  for (const row of rows) {
    for (let j = 0; j < width; j++) squares[j] += (values[row * width + j] - mean[j]) ** 2;
  }
  const scale = Float32Array.from(squares, (sum) => 1 / Math.sqrt(sum / rows.length + EPSILON));
  return { shift: tf.tensor1d(Float32Array.from(mean)), scale: tf.tensor1d(scale) };
}

const normalise = (x: Tensor, norm?: Normalisation) => norm ? tf.mul(tf.sub(x, norm.shift), norm.scale) : x;

/** By what learning rates are multiplied in a step, counted from 0; it falls to a tenth after every 30 % of them. */
export function rateFactor(step: number, steps: number): number {
  return SCALE * 0.1 ** Math.floor(10 * step / (3 * steps));
}

/** These rows of all features that there are, [rows, D] each. */
function gather({ last, last4 }: LayerFeatures, rows: Uint32Array): Record<string, Tensor> {
  const part = ({ values, width }: Features) => {
    const gathered = new Float32Array(rows.length * width);
    rows.forEach((row, i) => gathered.set(values.subarray(row * width, (row + 1) * width), i * width));
    return tf.tensor2d(gathered, [rows.length, width]);
  };
  return last4 ? { last: part(last), last4: part(last4) } : { last: part(last) };
}

/** A head for each variant, by input, trained on the given rows; the caller disposes of them. */
async function fit(
  features: LayerFeatures,
  rows: Uint32Array,
  inputs: readonly Input[],
  norms: Norms,
  recipe: Recipe,
  onStep: () => void,
): Promise<Parameters[]> {
  const { epochs, batch, seed } = recipe, steps = stepsOf(epochs, rows.length, batch);
  const classes = features.last.labels.reduce((a, b) => Math.max(a, b)) + 1;
  const initial = inputs.map(({ layer, variants }) =>
    newHeads(variants.length, classes, features[layer]!.width, randomStream(seed, WEIGHTS_STREAM))
  );
  const variables = new Variables(initial);
  disposeAll(initial);
  const update = compileUpdate(
    (state: LinearHeads[], x: Record<string, Tensor>, labels: Tensor, norms: Norms, factor: Tensor) => {
      const oneHot = tf.oneHot(labels, classes, 1, 0, "float32"); // [B, C]
      const next = inputs.map(({ layer, variants }, i) => {
        const rates = {
          learningRate: tf.mul(factor, tf.tensor1d(variants.map(({ learningRate }) => learningRate))),
          weightDecay: tf.tensor1d(variants.map(({ weightDecay }) => weightDecay)),
        };
        return trainHeads(state[i], normalise(x[layer], norms[i]), oneHot, rates);
      });
      return { state: next, result: [] };
    },
    variables,
    { name: "linear_evaluation" },
  );
  const batches = rowBatches(rows, recipe);
  try {
    for (let step = 0; step < steps; step++) {
      const chosen = batches(step);
      const x = gather(features, chosen), factor = tf.scalar(rateFactor(step, steps));
      const labels = tf.tensor1d(Int32Array.from(chosen, (row) => features.last.labels[row]), "int32");
      try {
        await update(x, labels, norms, factor);
      } finally {
        disposeAll([x, labels, factor]);
      }
      onStep();
    }
    const state = variables.read();
    disposeAll(state.map(({ velocity }) => velocity));
    return state.map(({ parameters }) => parameters);
  } finally {
    update.dispose();
    variables.dispose();
  }
}

/** Each variant's labels for the given rows: [variants][rows]. */
async function classify(
  features: LayerFeatures,
  rows: Uint32Array,
  inputs: readonly Input[],
  heads: Parameters[],
  norms: Norms,
): Promise<Int32Array<ArrayBuffer>[]> {
  const classes = compile(
    (heads: Parameters[], norms: Norms, x: Record<string, Tensor>) =>
      tf.concat(inputs.map(({ layer }, i) => tf.argMax(headLogits(heads[i], normalise(x[layer], norms[i])), 2)), 1),
    { name: "classify" },
  ); // [B, variants]
  const variants = inputs.flatMap((input) => input.variants);
  const labels = variants.map(() => new Int32Array(rows.length));
  try {
    for (const [chunk, some] of inChunks(rows, CHUNK).entries()) {
      const x = gather(features, some);
      let own: Tensor | undefined;
      try {
        own = await classes(heads, norms, x);
        (await own.data()).forEach((label, i) => {
          labels[i % variants.length][chunk * CHUNK + Math.floor(i / variants.length)] = label;
        });
      } finally {
        disposeAll([x, own]);
      }
    }
    return labels;
  } finally {
    classes.dispose();
  }
}

/** Rows that were given their own label, in percent. */
function percentRight(predictions: Int32Array, rows: Uint32Array, labels: Int32Array): number {
  return 100 * predictions.filter((label, i) => label === labels[rows[i]]).length / rows.length;
}

/**
 * Trains a linear head for each learning rate and weight decay, on the last layer's features and on the last four's, with
 * and without batch norm, and measures them on the test features. Deterministic.
 *
 * The paper reports the best of them on the test images. Here a tenth of the training images is held out, which chooses
 * the head; then all heads are trained again on all training images, and the chosen one's accuracy is the result. Every
 * head's accuracy on the test images is in the result too.
 *
 * Batch norm goes by the mean and variance of all training images, in training too: with frozen features and the paper's
 * batches there is little between these and a batch's own.
 *
 * @throws RangeError where the sets do not fit together, there are fewer than ten training images, or an option is out of
 *   its range
 */
export async function linearEvaluation(
  train: LayerFeatures,
  test: LayerFeatures,
  options: LinearEvaluationOptions = {},
): Promise<LinearEvaluationResult> {
  const recipe: Recipe = {
    learningRates: [0.01, 0.05, 0.001, 0.2],
    weightDecays: [0.0005, 0],
    epochs: 50,
    batch: Math.ceil(BATCH / IMAGENET * train.last.labels.length),
    seed: 0,
    ...options,
  };
  checkFeatures(train, test);
  checkRecipe(recipe);
  const images = train.last.labels.length, inputs = inputsOf(train, recipe);
  const order = shuffled(images, randomStream(recipe.seed)), count = Math.floor(images / 10);
  const heldOut = order.subarray(0, count), others = order.subarray(count);
  const total = [others, order].reduce((sum, { length }) => sum + stepsOf(recipe.epochs, length, recipe.batch), 0);
  let done = 0;

  async function measure(trained: Uint32Array, set: LayerFeatures, measured: Uint32Array) {
    const norms = inputs.map(({ layer, batchNorm }) => batchNorm ? normalisation(train[layer]!, trained) : undefined);
    let heads: Parameters[] = [];
    try {
      heads = await fit(train, trained, inputs, norms, recipe, () => options.onProgress?.(++done, total));
      const labels = await classify(set, measured, inputs, heads, norms);
      return labels.map((predictions) => ({
        predictions,
        accuracy: percentRight(predictions, measured, set.last.labels),
      }));
    } finally {
      disposeAll([heads, norms]);
    }
  }
  const choice = await measure(others, train, heldOut);
  const results = await measure(order, test, everyRow(test.last.labels.length));
  const variants = inputs.flatMap((input) => input.variants).map((variant, i) => ({
    ...variant,
    heldOutAccuracy: choice[i].accuracy,
    accuracy: results[i].accuracy,
  }));
  const best = variants.reduce((a, { heldOutAccuracy }, i) => heldOutAccuracy > variants[a].heldOutAccuracy ? i : a, 0);
  return { ...results[best], chosen: variants[best], variants };
}
