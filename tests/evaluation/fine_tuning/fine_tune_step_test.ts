import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { fileURLToPath } from "node:url";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import {
  type FineTuneMetrics,
  type FineTuneScalars,
  type FineTuneState,
  fineTuneStep,
  type FineTuneStepConfig,
  type LabelledImages,
  smoothedCrossEntropy,
} from "../../../lib/evaluation/fine_tuning/fine_tune_step.ts";
import { type Tensor, tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { type CompileOptions, compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import { biasCorrections } from "../../../lib/training/adamw.ts";
import { initialMoments } from "../../../lib/training/step.ts";
import { readSafetensors, toFloat32 } from "../../../lib/weights/safetensors.ts";

const path = fileURLToPath(new URL("../fixtures/fine_tune.safetensors", import.meta.url));
const { tensors, metadata } = await readSafetensors(path);
const settings: {
  labels: number[][];
  learningRate: number[];
  weightDecay: number;
  layerDecay: number;
  labelSmoothing: number;
  reports: Record<keyof FineTuneMetrics, number>[];
} = JSON.parse(metadata.settings);

const CONFIG: FineTuneStepConfig = {
  ...settings,
  size: { image: 16, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 2 },
  preprocessing: defaultPreprocessing(16),
};

const names = Object.keys(tensors).filter((name) => name !== "pixels" && !name.startsWith("after."));

function initialState(): FineTuneState {
  const parameters = Object.fromEntries(
    names.map((name) => [name, tf.tensor(toFloat32(tensors[name]), tensors[name].shape, "float32")]),
  );
  return { parameters, moments: initialMoments(parameters) };
}

function inputsOf(step: number): LabelledImages {
  const { data, shape: [steps, ...shape] } = tensors.pixels, size = data.length / steps;
  return {
    pixels: uint8Tensor(data.slice(step * size, (step + 1) * size) as Uint8Array, shape),
    labels: tf.tensor1d(settings.labels[step], "int32"),
  };
}

function scalarsOf(step: number): FineTuneScalars {
  const { correction1, correction2 } = biasCorrections(step + 1);
  return {
    learningRate: tf.scalar(settings.learningRate[step]),
    weightDecay: tf.scalar(settings.weightDecay),
    correction1: tf.scalar(correction1),
    correction2: tf.scalar(correction2),
  };
}

const numbers = (metrics: FineTuneMetrics) =>
  Object.fromEntries(Object.entries(metrics).map(([name, x]) => [name, x.dataSync()[0]])) as typeof settings.reports[0];

async function runCompiled(options: CompileOptions): Promise<[FineTuneState, typeof settings.reports]> {
  const variables = new Variables(initialState());
  const update = compileUpdate(
    (state: FineTuneState, inputs: LabelledImages, scalars: FineTuneScalars) =>
      fineTuneStep(CONFIG, state, inputs, scalars),
    variables,
    { name: "fine_tune_step", ...options },
  );
  const reports = [];
  for (const step of [0, 1]) reports.push(numbers(await update(inputsOf(step), scalarsOf(step))));
  const state = variables.read();
  update.dispose();
  variables.dispose();
  return [state, reports];
}

/** Without the keys' biases, whose gradients are rounding errors alone: softmax undoes what they shift. */
function withoutKeyBias(name: string, values: ArrayLike<number>): number[] {
  const third = values.length / 3;
  return Array.from(values).filter((_, i) => !name.endsWith("qkv.bias") || i < third || i >= 2 * third);
}

function assertAsReference([{ parameters }, reports]: [FineTuneState, typeof settings.reports]): void {
  reports.forEach((report, step) => {
    for (const [name, value] of Object.entries(report)) {
      const expected = settings.reports[step][name as keyof FineTuneMetrics];
      assertAlmostEquals(value, expected, 1e-5, `${name} of step ${step}`);
    }
  });
  const trained = names.filter((name) => name !== "pos_embed");
  assertEquals(trained.length, 2 + 2 * 12 + 2 + 2);
  for (const name of trained) {
    const actual = withoutKeyBias(name, parameters[name].dataSync());
    const expected = withoutKeyBias(name, toFloat32(tensors[`after.${name}`]));
    assertEquals(actual.length, expected.length, name);
    const difference = Math.max(...actual.map((value, i) => Math.abs(value - expected[i])));
    assertLess(difference, 1e-5, `largest difference of ${name}`);
  }
}

Deno.test("fineTuneStep() does as PyTorch does in two steps, eagerly", () => {
  let state = initialState();
  const reports = [0, 1].map((step) => {
    const next = fineTuneStep(CONFIG, state, inputsOf(step), scalarsOf(step));
    state = next.state;
    return numbers(next.result);
  });
  assertAsReference([state, reports]);
});

Deno.test("fineTuneStep() does as PyTorch does in two steps, compiled as a graph", async () => {
  assertAsReference(await runCompiled({ jit: "graph" }));
});

Deno.test("fineTuneStep() leaves the positions as they are, and moves everything else", async () => {
  const before = initialState();
  const [{ parameters }] = await runCompiled({ jit: "graph" });
  for (const [name, value] of Object.entries(before.parameters)) {
    const moved = tf.max(tf.abs(tf.sub(parameters[name], value))).dataSync()[0];
    assert(name === "pos_embed" ? moved === 0 : moved > 0, `${name} moved by ${moved}`);
  }
});

/** torch 2.13: F.cross_entropy(logits, labels, label_smoothing=s) of the logits below in float64. */
const CROSS_ENTROPIES = [[0, 3.601778811], [0.1, 3.512195477], [0.5, 3.153862144]];

Deno.test("smoothedCrossEntropy() gives PyTorch's values", () => {
  const logits = tf.tensor2d([[2, -1, 0.5, 3], [0, 0, 0, 0], [-4, 5, 1.5, -0.25]]),
    labels = tf.tensor1d([3, 1, 0], "int32");
  for (const [smoothing, expected] of CROSS_ENTROPIES) {
    assertAlmostEquals(smoothedCrossEntropy(logits, labels, smoothing).dataSync()[0], expected, 1e-6);
  }
});

Deno.test("smoothedCrossEntropy() is finite for huge logits, and least where the label has its share", () => {
  const loss = (logits: Tensor) => smoothedCrossEntropy(logits, tf.tensor1d([0], "int32"), 0.1).dataSync()[0];
  assertAlmostEquals(loss(tf.tensor2d([[1e4, 0]])), 0.05 * 1e4, 0.01);
  // The label's share is 0.95, so the best logits lie log 19 apart, and the loss there is the entropy.
  const entropy = -(0.95 * Math.log(0.95) + 0.05 * Math.log(0.05));
  assertAlmostEquals(loss(tf.tensor2d([[Math.log(19), 0]])), entropy, 1e-6);
  for (const other of [2, 4]) assertLess(entropy, loss(tf.tensor2d([[other, 0]])));
});
