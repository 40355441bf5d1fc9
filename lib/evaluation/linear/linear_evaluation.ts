/**
 * The paper's linear evaluations (appendix A.1 and A.2): linear heads on frozen features, of the last layer and of the
 * last four, with and without batch norm, for several learning rates and weight decays, all trained at once.
 *
 * @module
 */
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream, shuffled } from "../../random.ts";
import { disposeAll, type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile, compileUpdate } from "../../tensorflow/compile.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { checkLayers, type LayerFeatures, type LayerSource, memorySource } from "../features/layer_source.ts";
import { everyRow, inChunks, rowBatches, stepsOf } from "../passes.ts";
import { newNorm, normaliseBatch, normaliseBy, type RunningNorm } from "./batch_norm.ts";
import { lars } from "./lars.ts";
import { headLogits, type LinearHeads, newHeads, trainHeads } from "./linear_heads.ts";
import { batchOf, checkLinearRecipe, LINEAR_RECIPE, type LinearRecipe, rateFactor } from "./linear_recipes.ts";
import { nesterov } from "./nesterov.ts";

/** How a head is trained, and on what. */
export interface LinearVariant {
  /** Which features it reads. */
  layer: keyof LayerFeatures;
  /** Whether they go through a batch norm (without scale and shift) before it. */
  batchNorm: boolean;
  /** As the recipe has it, for 256 images. */
  learningRate: number;
  /** What is added to a gradient is this times the weights. */
  weightDecay: number;
}

/** How well a head does. */
export interface LinearVariantResult extends LinearVariant {
  /** On a tenth of the training images, trained on the others; in percent. */
  heldOutAccuracy: number;
  /** On the test images, trained on all training images; in percent. */
  accuracy: number;
}

/** How to train; what is left out is LINEAR_RECIPE's. */
export interface LinearEvaluationOptions extends Partial<LinearRecipe> {
  /** Draws the images that are held out, the first weights and the order. Default 0. */
  seed?: number;
  /** Told after each step how many are done. */
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

/** The features that heads are trained on, chosen by and measured on. */
export interface LinearSources {
  /** Of the training images, as each step sees them. */
  train: LayerSource;
  /** Of the same images as the test images are seen. */
  plain: LayerSource;
  /** Of the test images. */
  test: LayerSource;
}

/** What several heads read. */
interface Input {
  layer: keyof LayerFeatures;
  batchNorm: boolean;
  variants: LinearVariant[];
}

/** Of each variant two heads: the first half is trained without the held-out images, the second on all. */
interface HeadState {
  heads: LinearHeads;
  /** Where there is a batch norm. */
  norm?: RunningNorm;
}

/** Images classified at once. */
const CHUNK = 4096;

/** Key of the random stream of the first weights; those of the passes' orders are 0 and up, that of the choice is none. */
const WEIGHTS_STREAM = -1;

const OPTIMISERS = { lars, nesterov };

function inputsOf({ columns }: LayerSource, { learningRates, weightDecays }: LinearRecipe): Input[] {
  return (columns.last4 ? ["last", "last4"] as const : ["last"] as const).flatMap((layer) =>
    [false, true].map((batchNorm) => ({
      layer,
      batchNorm,
      variants: learningRates.flatMap((learningRate) =>
        weightDecays.map((weightDecay) => ({ layer, batchNorm, learningRate, weightDecay }))
      ),
    }))
  );
}

/** The columns [B, ...] of a layer. */
function columnsOf(x: Tensor, { columns }: LayerSource, layer: keyof LayerFeatures): Tensor {
  const [from, to] = columns[layer]!;
  return tf.slice(x as tf.Tensor2D, [0, from], [-1, to - from]);
}

/** [B, 2]: what each row counts for the heads that are chosen by, and for those that are the result. */
function rowWeights(rows: Uint32Array, heldOut: ReadonlySet<number>): Tensor {
  const seen = Array.from(rows, (row) => Number(!heldOut.has(row)));
  const count = Math.max(1, seen.filter((one) => one > 0).length);
  return tf.tensor2d(seen.map((one) => [one / count, 1 / rows.length]));
}

/** Heads for each variant, by input; the caller disposes of them. */
async function fit(
  source: LayerSource,
  heldOut: ReadonlySet<number>,
  inputs: readonly Input[],
  recipe: LinearRecipe,
  { seed, classes, onProgress }: { seed: number; classes: number } & Pick<LinearEvaluationOptions, "onProgress">,
): Promise<HeadState[]> {
  const images = source.labels.length, batch = batchOf(recipe, images), steps = stepsOf(recipe.epochs, images, batch);
  const initial: HeadState[] = inputs.map(({ layer, batchNorm, variants }) => {
    const [from, to] = source.columns[layer]!, width = to - from;
    const heads = newHeads(2 * variants.length, classes, width, randomStream(seed, WEIGHTS_STREAM));
    return batchNorm ? { heads, norm: newNorm(width) } : { heads };
  });
  const variables = new Variables(initial);
  disposeAll(initial);
  const update = compileUpdate(
    (state: HeadState[], x: Tensor, labels: Tensor, weights: Tensor, factor: Tensor) => {
      const oneHot = tf.oneHot(labels, classes, 1, 0, "float32"); // [B, C]
      const [choice, all] = tf.split(weights, 2, 1); // [B, 1] each
      const next = inputs.map(({ layer, variants }, i): HeadState => {
        const { heads, norm } = state[i], own = columnsOf(x, source, layer);
        const twice = (values: number[]) => tf.tensor1d([...values, ...values]);
        const rates = {
          learningRate: tf.mul(factor, twice(variants.map(({ learningRate }) => learningRate))),
          weightDecay: twice(variants.map(({ weightDecay }) => weightDecay)),
        };
        const each = tf.concat([tf.tile(choice, [1, variants.length]), tf.tile(all, [1, variants.length])], 1); // [B, H]
        const optimiser = OPTIMISERS[recipe.optimiser];
        if (!norm) return { heads: trainHeads(heads, own, oneHot, each, rates, optimiser) };
        const { normalised, running } = normaliseBatch(own, norm);
        return { heads: trainHeads(heads, normalised, oneHot, each, rates, optimiser), norm: running };
      });
      return { state: next, result: [] };
    },
    variables,
    { name: "linear_evaluation" },
  );
  const batches = rowBatches(everyRow(images), { batch, seed });
  const load = async (step: number) => {
    const rows = batches(step);
    return { rows, values: await source.read(rows, step) };
  };
  let ahead = load(0);
  try {
    for (let step = 0; step < steps; step++) {
      const { rows, values } = await ahead;
      const x = tf.tensor2d(values, [rows.length, source.width]);
      const labels = tf.tensor1d(Int32Array.from(rows, (row) => source.labels[row]), "int32");
      const weights = rowWeights(rows, heldOut), factor = tf.scalar(rateFactor(recipe, step, steps, batch));
      try {
        const running = update(x, labels, weights, factor);
        if (step + 1 < steps) ahead = load(step + 1);
        ahead.catch(() => {}); // met at its own step
        await running;
      } finally {
        disposeAll([x, labels, weights, factor]);
      }
      onProgress?.(step + 1, steps);
    }
    const state = variables.read();
    disposeAll(state.map(({ heads: { velocity } }) => velocity));
    return state;
  } finally {
    await ahead.catch(() => {});
    update.dispose();
    variables.dispose();
  }
}

/** Each variant's labels for the given rows, by its heads of one half: [variants][rows]. */
async function classify(
  source: LayerSource,
  rows: Uint32Array,
  inputs: readonly Input[],
  state: HeadState[],
  half: "choice" | "all",
): Promise<Int32Array<ArrayBuffer>[]> {
  const ownHalf = (p: Parameters) =>
    Object.fromEntries(Object.entries(p).map(([name, value]) => [name, tf.split(value, 2)[half === "choice" ? 0 : 1]]));
  const classes = compile(
    (heads: Parameters[], norms: (RunningNorm | undefined)[], x: Tensor) =>
      tf.concat(
        inputs.map(({ layer }, i) => {
          const own = columnsOf(x, source, layer), norm = norms[i];
          return tf.argMax(headLogits(ownHalf(heads[i]), norm ? normaliseBy(own, norm) : own), 2);
        }),
        1,
      ),
    { name: "classify" },
  ); // [B, variants]
  const variants = inputs.flatMap((input) => input.variants);
  const labels = variants.map(() => new Int32Array(rows.length));
  const [heads, norms] = [state.map(({ heads }) => heads.parameters), state.map(({ norm }) => norm)];
  try {
    for (const [chunk, some] of inChunks(rows, CHUNK).entries()) {
      const x = tf.tensor2d(await source.read(some, 0), [some.length, source.width]);
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
 * the head: beside each head that learns from all training images another learns from the others alone. The chosen one's
 * accuracy is the result. Every head's accuracy on the test images is in the result too.
 *
 * @throws RangeError where the sources are not equally wide, there are fewer than ten training images, or an option is out
 *   of its range
 */
export async function evaluateHeads(
  { train, plain, test }: LinearSources,
  options: LinearEvaluationOptions = {},
): Promise<LinearEvaluationResult> {
  const { seed = 0, onProgress, ...own } = options, recipe: LinearRecipe = { ...LINEAR_RECIPE, ...own };
  checkLinearRecipe(recipe);
  const images = train.labels.length, inputs = inputsOf(train, recipe);
  if (plain.width !== train.width || test.width !== train.width) {
    throw new RangeError(
      `The training features are ${train.width} wide, those seen as the test images are ${plain.width}, and the test ` +
        `features ${test.width}: take all from one encoder.`,
    );
  }
  if (images < 10) throw new RangeError(`${images} training images are too few to hold out a tenth: give 10 or more.`);
  const heldOut = shuffled(images, randomStream(seed)).subarray(0, Math.floor(images / 10));
  const classes = train.labels.reduce((a, b) => Math.max(a, b)) + 1;
  const state = await fit(train, new Set(heldOut), inputs, recipe, { seed, classes, onProgress });
  try {
    const choice = await classify(plain, heldOut, inputs, state, "choice");
    const everyTest = everyRow(test.labels.length);
    const results = await classify(test, everyTest, inputs, state, "all");
    const variants = inputs.flatMap((input) => input.variants).map((variant, i) => ({
      ...variant,
      heldOutAccuracy: percentRight(choice[i], heldOut, plain.labels),
      accuracy: percentRight(results[i], everyTest, test.labels),
    }));
    const best = variants.reduce(
      (a, { heldOutAccuracy }, i) => heldOutAccuracy > variants[a].heldOutAccuracy ? i : a,
      0,
    );
    return { accuracy: variants[best].accuracy, predictions: results[best], chosen: variants[best], variants };
  } finally {
    disposeAll(state);
  }
}

/**
 * evaluateHeads() on features that are in memory, taken once of images that are not augmented.
 *
 * @throws RangeError where the sets do not fit together, and as evaluateHeads() does
 */
export async function linearEvaluation(
  train: LayerFeatures,
  test: LayerFeatures,
  options: LinearEvaluationOptions = {},
): Promise<LinearEvaluationResult> {
  checkLayers(train, test);
  const own = memorySource(train);
  return await evaluateHeads({ train: own, plain: own, test: memorySource(test) }, options);
}
