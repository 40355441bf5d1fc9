/**
 * Fine-tuning: the whole encoder and a linear head trained on labels, and measured on the test set.
 *
 * The head reads the average of the tokens that the encoder's own, pretrained norm puts out, as all other evaluations do;
 * MAE's puts a new norm behind the average instead. It starts at zero, so that no random head pulls at the encoder.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { defaultPreprocessing, type Preprocessing } from "../../datasets/pixels/preprocessing.ts";
import type { EncoderSize } from "../../jepa/architectures.ts";
import { pixelTensor } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream } from "../../random.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import { disposeAll, tf } from "../../tensorflow/backend.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { train as trainObjective } from "../../training/loop.ts";
import type { Objective } from "../../training/objective.ts";
import { type Schedule, warmupCosine } from "../../training/schedules.ts";
import { initialState } from "../../training/step.ts";
import { extractFeatures } from "../features/features.ts";
import { drawPaths } from "./drop_path.ts";
import { checkRecipe, FINE_TUNE_RECIPES, type FineTuneRecipe, peakRate } from "./fine_tune_recipes.ts";
import { fineTuneLoss, type LabelledImages } from "./fine_tune_loss.ts";
import { layerDecay } from "./layer_decay.ts";
import { drawShares } from "./mixing.ts";
import { supervisedBatches } from "./supervised_batches.ts";

/** What to train on, and how; of the recipe what is left out is FINE_TUNE_RECIPES.fewLabels'. */
export interface FineTuneOptions extends Partial<FineTuneRecipe> {
  /** Images of the training set to train on, by index. Default all. */
  indices?: Uint32Array;
  /** Order, crops and augmentations follow from it. Default 0. */
  seed?: number;
  /** What is made of a test image's pixels; of training crops, the mean and deviation. Default that of the size. */
  preprocessing?: Preprocessing;
  /** What matrix products compute in. Default "float32". */
  precision?: Precision;
  /** Told of each step done, and of the steps in all. */
  onStep?: (entry: FineTuneLogEntry, totalSteps: number) => void;
  /** Told how many test images are done. */
  onProgress?: (images: number) => void;
  /** Ends the work after the present step: its reason is thrown. */
  signal?: AbortSignal;
}

/** A step of fine-tuning, as it is logged. */
export interface FineTuneLogEntry {
  /** Steps done, from 1 on. */
  step: number;
  /** Whole passes over the images before this step. */
  epoch: number;
  /** Cross-entropy with smoothed labels, in nats. */
  loss: number;
  /** Images of the batch, augmented and mixed, that were given their own label before the update, in percent. */
  accuracy: number;
  /** Norm of all gradients together. */
  gradientNorm: number;
  /** Of the head in this step's update. */
  learningRate: number;
  /** Seconds that the step took, reading images included. */
  seconds: number;
}

/** How well the fine-tuned network does. */
export interface FineTuneResult {
  /** Test images that were given their own label, in percent. */
  accuracy: number;
  /** [N], a label for each test image. */
  predictions: Int32Array<ArrayBuffer>;
  /** A line for each step. */
  log: FineTuneLogEntry[];
}

function checkImages({ name, length, labels }: Dataset, indices: Uint32Array): void {
  if (indices.length === 0) throw new RangeError(`Fine-tuning needs images of ${name}; it was given none.`);
  for (const index of indices) {
    if (index >= length) throw new RangeError(`${name} has ${length} images; there is no image ${index}.`);
    if (labels[index] < 0) throw new RangeError(`Image ${index} of ${name} has no label: leave such images out.`);
  }
}

/** The learning rate of the update after `step` updates: the schedule's in the middle of the step, so that none is 0. */
function learningRates(peak: number, totalSteps: number): Schedule {
  const warmupSteps = Math.floor(0.1 * totalSteps);
  const rate = warmupCosine({ start: 0, peak, final: 0, warmupSteps, totalSteps });
  return (step) => rate(step + 0.5);
}

/** Keys of the random streams of what is drawn for a step; those of crops and orders begin with an epoch, from 0 on. */
const MIXING_STREAM = -1, PATHS_STREAM = -2;

/** What is decided before the first step. */
interface Plan {
  size: EncoderSize;
  recipe: FineTuneRecipe;
  preprocessing: Preprocessing;
  indices: Uint32Array;
  seed: number;
}

/** The encoder with a head of zeros, "model", on labelled images. */
function fineTuneObjective(
  encoder: Parameters,
  images: Dataset,
  { size, recipe, preprocessing, indices, seed }: Plan,
): Objective<LabelledImages> {
  const { epochs, weightDecay, labelSmoothing, mixup, cutmix, dropPath } = recipe, { image, width, depth } = size;
  const batch = Math.min(recipe.batch, indices.length);
  const totalSteps = Math.ceil(epochs * indices.length / batch);
  const rateAt = learningRates(peakRate(recipe, batch), totalSteps), classes = images.classes.length;
  return {
    name: "fine_tune_step",
    totalSteps,
    initialise() {
      const own = Object.fromEntries(Object.entries(encoder).map(([name, value]) => [name, tf.clone(value)]));
      return { model: { ...own, "head.weight": tf.zeros([classes, width]), "head.bias": tf.zeros([classes]) } };
    },
    averages: {},
    async *batches() {
      const options = { ...recipe, indices, batch, steps: totalSteps, size: image, seed };
      let step = 0;
      for await (const { pixels, labels, epoch } of supervisedBatches(images, options)) {
        const inputs: LabelledImages = {
          pixels: pixelTensor(pixels, batch, image),
          labels: tf.tensor1d(labels, "int32"),
        };
        if (mixup > 0 || cutmix > 0) {
          const shares = drawShares({ mixup, cutmix }, image, randomStream(seed, MIXING_STREAM, step));
          inputs.shares = tf.tensor2d(shares, [image, image]);
        }
        if (dropPath > 0) {
          const paths = drawPaths(dropPath, depth, batch, randomStream(seed, PATHS_STREAM, step));
          inputs.paths = tf.tensor3d(paths, [depth, 2, batch]);
        }
        step++;
        yield { inputs, epoch };
      }
    },
    lossOf(_, inputs) {
      const lossOf = fineTuneLoss({ size, preprocessing, labelSmoothing }, inputs);
      return ({ model }) => lossOf(model);
    },
    scheduled: (step) => ({ learningRate: rateAt(step), weightDecay }),
    clip: Infinity,
    rateFactor: layerDecay(recipe.layerDecay, size.depth),
  };
}

/** The head's class for each image of the test set, and how many are right. */
async function measure(
  { "head.weight": weight, "head.bias": bias, ...encoder }: Parameters,
  images: Dataset,
  { size, preprocessing }: Plan,
  { precision, onProgress, signal }: FineTuneOptions,
): Promise<Omit<FineTuneResult, "log">> {
  const { values, width, labels } = await extractFeatures(encoder, size, images, {
    precision,
    preprocessing,
    onProgress: (done) => {
      onProgress?.(done);
      signal?.throwIfAborted();
    },
  });
  const predictions = tf.tidy(() => {
    const pooled = tf.tensor2d(values, [labels.length, width]); // [N, D]
    const logits = tf.add(tf.matMul(pooled, weight as tf.Tensor2D, false, true), bias); // [N, C]
    return Int32Array.from(tf.argMax(logits, 1).dataSync());
  });
  const right = predictions.filter((label, i) => label === labels[i]).length;
  return { accuracy: 100 * right / labels.length, predictions };
}

/**
 * Trains an encoder, all but its fixed positions, and a linear head on labelled images, and measures them on the test set.
 * The baseline is the same call with random parameters. The same seed gives the same bits on the same machine.
 *
 * @param encoder stay the caller's, as they are
 * @param train its classes are the head's
 * @throws RangeError where an option is out of its range, there are no images, or one has no label; Error with the step
 *   where loss or gradients are not finite; the signal's reason
 */
export async function fineTune(
  encoder: Parameters,
  size: EncoderSize,
  train: Dataset,
  test: Dataset,
  options: FineTuneOptions = {},
): Promise<FineTuneResult> {
  const { indices = Uint32Array.from(train.labels.keys()), seed = 0 } = options;
  const { preprocessing = defaultPreprocessing(size.image, size.channels) } = options;
  const recipe: FineTuneRecipe = { ...FINE_TUNE_RECIPES.fewLabels, ...options };
  checkRecipe(recipe);
  checkImages(train, indices);
  checkImages(test, Uint32Array.from(test.labels.keys()));
  options.signal?.throwIfAborted();

  const plan = { size, recipe, preprocessing, indices, seed };
  const objective = fineTuneObjective(encoder, train, plan), state = initialState(objective);
  const variables = new Variables(state), log: FineTuneLogEntry[] = [];
  disposeAll(state);
  try {
    await trainObjective(objective, {
      ...{ variables, precision: options.precision, signal: options.signal },
      advice: () => "Try a lower learning rate, and look for NaN in the weights.",
      onStep({ weightDecay: _, accuracy, ...entry }) {
        log.push({ ...entry, accuracy: 100 * accuracy });
        options.onStep?.(log.at(-1)!, objective.totalSteps);
      },
    });
    options.signal?.throwIfAborted();
    const { trained: { model }, ...rest } = variables.read();
    disposeAll(rest);
    try {
      return { ...await measure(model, test, plan, options), log };
    } finally {
      disposeAll(model);
    }
  } finally {
    variables.dispose();
  }
}
