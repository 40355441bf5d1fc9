/**
 * The attentive probe: how well a small network that attends over frozen patches tells the classes apart. It reads what
 * averaging over the patches loses.
 *
 * @module
 */
import { initialise } from "../../nn/initialisation.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { disposeAll, type Tensor, tf } from "../../tensorflow/backend.ts";
import { compile, compileUpdate } from "../../tensorflow/compile.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { adamw, type Moments, type UpdateScalars, updateScalars } from "../../training/adamw.ts";
import { warmupCosine } from "../../training/schedules.ts";
import { zerosFor } from "../../training/step.ts";
import { attentiveLogits, attentiveShapes } from "./attentive_network.ts";
import type { TokenFeatures } from "../features/features.ts";
import { everyRow, inChunks, rowBatches, stepsOf } from "../passes.ts";
import { type TokenSource, tokenSource } from "../features/token_source.ts";

/** How to train. */
export interface AttentiveProbeOptions {
  /** Heads of the attention; they must divide the width. Default the most of 64 numbers or more each, at least 1. */
  heads?: number;
  /** Width of the MLP behind the attention, in multiples of the features'; 0 for none. Default 4. */
  mlpRatio?: number;
  /** Passes over the training images; a fraction is fine. Default 20. */
  epochs?: number;
  /** Images a step. Default 256. */
  batch?: number;
  /** At its highest: it rises from 0 in the first tenth of the steps, then falls to 0 along a cosine. Default 1e-3. */
  learningRate?: number;
  /** On matrices only. Default 1e-3. */
  weightDecay?: number;
  /** Draws the first weights and the order. Default 0. */
  seed?: number;
  /** Told after each step how many are done, and the loss before it. */
  onProgress?: (progress: { step: number; totalSteps: number; loss: number }) => void;
}

/** How well the probe does. */
export interface AttentiveProbeResult {
  /** Test images that were given their own label, in percent. */
  accuracy: number;
  /** [N], a label for each test image. */
  predictions: Int32Array<ArrayBuffer>;
}

/** Images classified at once. */
const CHUNK = 256;

type Recipe = Required<Omit<AttentiveProbeOptions, "onProgress">>;

interface ProbeState {
  parameters: Parameters;
  moments: Moments;
}

/** The most heads of 64 numbers or more that divide the width; 1 where there are none. */
function usualHeads(width: number): number {
  let heads = Math.max(1, Math.floor(width / 64));
  while (width % heads !== 0) heads--;
  return heads;
}

function checkRecipe({ heads, mlpRatio, epochs, batch, learningRate, weightDecay }: Recipe, width: number): void {
  const check = (holds: boolean, what: string, value: number) => {
    if (!holds) throw new RangeError(`An attentive probe needs ${what}; got ${value}.`);
  };
  check(
    Number.isSafeInteger(heads) && heads >= 1 && width % heads === 0,
    `heads that divide its width ${width}`,
    heads,
  );
  check(Number.isSafeInteger(mlpRatio * width) && mlpRatio >= 0, "an MLP of a whole width", mlpRatio);
  check(epochs > 0 && epochs < Infinity, "epochs above 0", epochs);
  check(Number.isSafeInteger(batch) && batch >= 1, "a batch of at least one image", batch);
  check(learningRate > 0 && learningRate < Infinity, "a learning rate above 0", learningRate);
  check(weightDecay >= 0 && weightDecay < Infinity, "a weight decay from 0 on", weightDecay);
}

function checkSources(train: TokenSource, test: TokenSource): void {
  for (const [name, { labels }] of [["training", train], ["test", test]] as const) {
    if (labels.length === 0) throw new RangeError(`The ${name} set holds no images.`);
    const stray = labels.findIndex((label) => label < 0);
    if (stray >= 0) throw new RangeError(`Image ${stray} of the ${name} set has no label: leave such images out.`);
  }
  if (train.tokens !== test.tokens || train.width !== test.width) {
    const [a, b] = [train, test].map(({ tokens, width }) => `${tokens} tokens of ${width}`);
    throw new RangeError(`The training images have ${a}, the test images ${b}: extract both with one encoder.`);
  }
}

/** Loss of the batch and the state after a step of AdamW; labels int32 [B]. */
function probeStep(
  { parameters, moments }: ProbeState,
  heads: number,
  tokens: Tensor,
  labels: Tensor,
  scalars: UpdateScalars,
): { state: ProbeState; result: Tensor } {
  const names = Object.keys(parameters);
  const { value, grads } = tf.valueAndGrads((...values: Tensor[]) => {
    const logits = attentiveLogits(Object.fromEntries(names.map((name, i) => [name, values[i]])), heads, tokens); // [B, C]
    const oneHot = tf.oneHot(labels, logits.shape[1]!, 1, 0, "float32");
    return tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, oneHot), 1))) as tf.Scalar;
  })(names.map((name) => parameters[name]));
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  return { state: adamw(parameters, gradients, moments, scalars), result: value };
}

/** Tokens [B, N, D] of some images, and their labels [B]. */
type Inputs = { tokens: Tensor; labels: Tensor };

/** Those of these images. */
async function load(source: TokenSource, rows: Uint32Array): Promise<Inputs> {
  const values = await source.read(rows), shape: [number, number, number] = [rows.length, source.tokens, source.width];
  return {
    tokens: tf.tensor3d(values, shape),
    labels: tf.tensor1d(Int32Array.from(rows, (row) => source.labels[row]), "int32"),
  };
}

/** Trained parameters, which the caller disposes of. */
async function train(
  source: TokenSource,
  recipe: Recipe,
  onProgress: AttentiveProbeOptions["onProgress"],
): Promise<Parameters> {
  const { heads, mlpRatio, epochs, batch, learningRate, weightDecay, seed } = recipe;
  const classes = source.labels.reduce((a, b) => Math.max(a, b)) + 1, rows = everyRow(source.labels.length);
  const totalSteps = stepsOf(epochs, rows.length, batch), warmupSteps = Math.floor(0.1 * totalSteps);
  const rate = warmupCosine({ start: 0, peak: learningRate, final: 0, warmupSteps, totalSteps });
  const parameters = initialise(attentiveShapes({ width: source.width, classes, mlpRatio }), seed);
  const moments = { first: zerosFor(parameters), second: zerosFor(parameters) };
  const variables = new Variables<ProbeState>({ parameters, moments });
  disposeAll([parameters, moments]);
  const update = compileUpdate(
    (state: ProbeState, tokens: Tensor, labels: Tensor, scalars: UpdateScalars) =>
      probeStep(state, heads, tokens, labels, scalars),
    variables,
    { name: "attentive_probe" },
  );
  const batches = rowBatches(rows, { batch, seed });

  /** The loss before the step that it takes. */
  async function lossOf({ tokens, labels }: Inputs, step: number): Promise<number> {
    const scalars = { ...updateScalars(rate(step - 0.5), weightDecay, step), clip: tf.scalar(1) };
    let loss: Tensor | undefined;
    try {
      loss = await update(tokens, labels, scalars);
      return (await loss.data())[0];
    } finally {
      disposeAll([scalars, loss]);
    }
  }
  let inputs: Inputs | undefined;
  try {
    inputs = await load(source, batches(0));
    for (let step = 1; inputs; step++) {
      // The next batch is read meanwhile, and waited for where the step fails.
      const updating = lossOf(inputs, step);
      const reading: Promise<Inputs> | undefined = step < totalSteps ? load(source, batches(step)) : undefined;
      const [own, next] = await Promise.allSettled([updating, reading]);
      disposeAll(inputs);
      inputs = next.status === "fulfilled" ? next.value : undefined;
      if (own.status === "rejected") throw own.reason;
      if (next.status === "rejected") throw next.reason;
      const loss = own.value;
      if (!Number.isFinite(loss)) {
        throw new Error(`The attentive probe's loss is ${loss} at step ${step}: try a lower learning rate.`);
      }
      onProgress?.({ step, totalSteps, loss });
    }
    const trained = variables.read();
    disposeAll(trained.moments);
    return trained.parameters;
  } finally {
    disposeAll(inputs);
    await variables.turn;
    update.dispose();
    variables.dispose();
  }
}

/** The most probable class of each image. */
async function classify(parameters: Parameters, heads: number, source: TokenSource): Promise<Int32Array<ArrayBuffer>> {
  const rows = everyRow(source.labels.length), predictions = new Int32Array(rows.length);
  const classes = compile(
    (p: Parameters, tokens: Tensor) => tf.argMax(attentiveLogits(p, heads, tokens), 1), // [B]
    { name: "attentive_classes" },
  );
  try {
    for (const some of inChunks(rows, CHUNK)) {
      const inputs = await load(source, some);
      let own: Tensor | undefined;
      try {
        own = await classes(parameters, inputs.tokens);
        predictions.set(await own.data() as Int32Array, some[0]);
      } finally {
        disposeAll([inputs, own]);
      }
    }
    return predictions;
  } finally {
    classes.dispose();
  }
}

const asSource = (features: TokenFeatures | TokenSource) => "read" in features ? features : tokenSource(features);

/**
 * Trains a query, its attention, an MLP and a linear head on the training images' frozen tokens, by AdamW, and measures them
 * on the test images. Nothing is chosen by either set: the defaults are V-JEPA's for ImageNet, but for a warm-up and a
 * smaller batch. The same seed gives the same bits on the same machine.
 *
 * @param training in memory (extractFeatures() with pool "none"), in half of it (extractTokens()), or read by a function
 * @throws RangeError where the sets do not fit together, an image has no label, or an option is out of its range; Error
 *   with the step where the loss is not finite; and whatever reading throws
 */
export async function attentiveProbe(
  training: TokenFeatures | TokenSource,
  testing: TokenFeatures | TokenSource,
  options: AttentiveProbeOptions = {},
): Promise<AttentiveProbeResult> {
  const source = asSource(training), test = asSource(testing);
  checkSources(source, test);
  const recipe: Recipe = {
    heads: usualHeads(source.width),
    mlpRatio: 4,
    epochs: 20,
    batch: 256,
    learningRate: 1e-3,
    weightDecay: 1e-3,
    seed: 0,
    ...options,
  };
  checkRecipe(recipe, source.width);
  const parameters = await train(source, recipe, options.onProgress);
  try {
    const predictions = await classify(parameters, recipe.heads, test);
    const right = predictions.filter((label, i) => label === test.labels[i]).length;
    return { accuracy: 100 * right / predictions.length, predictions };
  } finally {
    disposeAll(parameters);
  }
}
