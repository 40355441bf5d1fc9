import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { fileURLToPath } from "node:url";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import {
  fineTuneLoss,
  type LabelledImages,
  smoothedCrossEntropy,
} from "../../../lib/evaluation/fine_tuning/fine_tune_loss.ts";
import { layerDecay } from "../../../lib/evaluation/fine_tuning/layer_decay.ts";
import { cutmixShares, mixupShares } from "../../../lib/evaluation/fine_tuning/mixing.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { type Tensor, tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { type CompileOptions, compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import {
  initialState as stateOf,
  packedScalars,
  type StepMetrics,
  type StepScalars,
  type TrainingState,
  trainingStep,
} from "../../../lib/training/step.ts";
import mixing from "../fixtures/mixing.json" with { type: "json" };
import { readSafetensors, toFloat32 } from "../../../lib/weights/formats/safetensors.ts";

const path = fileURLToPath(new URL("../fixtures/fine_tune.safetensors", import.meta.url));
const { tensors, metadata } = await readSafetensors(path);
const settings: {
  labels: number[][];
  learningRate: number[];
  weightDecay: number;
  layerDecay: number;
  labelSmoothing: number;
  reports: Record<"loss" | "accuracy" | "gradientNorm", number>[];
} = JSON.parse(metadata.settings);

const CONFIG = {
  ...settings,
  size: { image: 16, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 2 },
  preprocessing: defaultPreprocessing(16),
};

const names = Object.keys(tensors).filter((name) => name !== "pixels" && !name.startsWith("after."));

function initialState(): TrainingState {
  const model = Object.fromEntries(
    names.map((name) => [name, tf.tensor(toFloat32(tensors[name]), tensors[name].shape, "float32")]),
  );
  return stateOf({ initialise: () => ({ model }), averages: {} });
}

const OBJECTIVE = {
  averages: {},
  clip: Infinity,
  rateFactor: layerDecay(settings.layerDecay, CONFIG.size.depth),
  lossOf: (_: unknown, inputs: LabelledImages) => ({ model }: Record<string, Parameters>) =>
    fineTuneLoss(CONFIG, inputs)(model),
};

function inputsOf(step: number): LabelledImages {
  const { data, shape: [steps, ...shape] } = tensors.pixels, size = data.length / steps;
  return {
    pixels: uint8Tensor(data.slice(step * size, (step + 1) * size) as Uint8Array, shape),
    labels: tf.tensor1d(settings.labels[step], "int32"),
  };
}

const scalarsOf = (step: number): StepScalars =>
  packedScalars({ learningRate: settings.learningRate[step], weightDecay: settings.weightDecay }, step);

const numbers = (metrics: StepMetrics) =>
  Object.fromEntries(Object.entries(metrics).map(([name, x]) => [name, x.dataSync()[0]])) as typeof settings.reports[0];

async function runCompiled(options: CompileOptions): Promise<[TrainingState, typeof settings.reports]> {
  const variables = new Variables(initialState());
  const update = compileUpdate(
    (state: TrainingState, inputs: LabelledImages, scalars: StepScalars) =>
      trainingStep(OBJECTIVE, state, inputs, scalars),
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

function assertAsReference(
  [{ trained: { model: parameters } }, reports]: [TrainingState, typeof settings.reports],
): void {
  reports.forEach((report, step) => {
    for (const [name, value] of Object.entries(report)) {
      const expected = settings.reports[step][name as "loss"];
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

Deno.test("fineTuneLoss() does as PyTorch does in two steps, eagerly", () => {
  let state = initialState();
  const reports = [0, 1].map((step) => {
    const next = trainingStep(OBJECTIVE, state, inputsOf(step), scalarsOf(step));
    state = next.state;
    return numbers(next.result);
  });
  assertAsReference([state, reports]);
});

Deno.test("fineTuneLoss() does as PyTorch does in two steps, compiled as a graph", async () => {
  assertAsReference(await runCompiled({ jit: "graph" }));
});

Deno.test("fineTuneLoss() leaves the positions as they are, and moves everything else", async () => {
  const before = initialState();
  const [{ trained: { model: parameters } }] = await runCompiled({ jit: "graph" });
  for (const [name, value] of Object.entries(before.trained.model)) {
    const moved = tf.max(tf.abs(tf.sub(parameters[name], value))).dataSync()[0];
    assert(name === "pos_embed" ? moved === 0 : moved > 0, `${name} moved by ${moved}`);
  }
});

for (const jit of [undefined, "graph"] as const) {
  Deno.test(`fineTuneLoss() with mixing and drop path does as timm's and PyTorch do in two steps, ${jit ?? "eagerly"}`, async () => {
    const { settings: own, steps } = mixing;
    const objective = {
      ...OBJECTIVE,
      rateFactor: layerDecay(own.layerDecay, 2),
      lossOf: (_: unknown, inputs: LabelledImages) => ({ model }: Record<string, Parameters>) =>
        fineTuneLoss({ ...CONFIG, labelSmoothing: own.labelSmoothing }, inputs)(model),
    };
    const variables = new Variables(initialState());
    const step = (state: TrainingState, inputs: LabelledImages, scalars: StepScalars) =>
      trainingStep(objective, state, inputs, scalars);
    const update = jit && compileUpdate(step, variables, { name: "mixed_step", jit });
    let state = initialState();
    for (const [i, { lambda, centre, paths, loss, gradientNorm }] of steps.entries()) {
      const shares = centre ? cutmixShares(lambda, centre as [number, number], 16) : mixupShares(lambda, 16);
      const inputs = {
        ...inputsOf(i),
        shares: tf.tensor2d(shares, [16, 16]),
        paths: tf.tensor3d(paths, [2, 2, 3]),
      };
      const scalars = packedScalars({ learningRate: own.learningRate, weightDecay: own.weightDecay }, i);
      let report: typeof settings.reports[0];
      if (update) report = numbers(await update(inputs, scalars) as StepMetrics);
      else {
        const next = step(state, inputs, scalars);
        state = next.state;
        report = numbers(next.result);
      }
      assertAlmostEquals(report.loss, loss, 1e-5, `loss of step ${i}`);
      assertAlmostEquals(report.gradientNorm, gradientNorm, 1e-4, `gradient norm of step ${i}`);
    }
    update?.dispose();
    variables.dispose();
  });
}

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
