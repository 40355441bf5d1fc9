import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import type { StepInputs } from "../../lib/jepa/objective.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { type CompileOptions, compileUpdate } from "../../lib/tensorflow/compile.ts";
import { Variables } from "../../lib/tensorflow/variables.ts";
import { preset } from "../../lib/jepa/pretraining/presets.ts";
import { jepaObjective } from "../../lib/jepa/pretraining/pretraining_objective.ts";
import {
  initialState as stateOf,
  packedScalars,
  type StepMetrics,
  type StepScalars,
  type TrainingState,
  trainingStep,
} from "../../lib/training/step.ts";
import {
  architecture,
  cases,
  expected,
  initialNetworks,
  largestDifference,
  namesAfter,
  type ReferenceCase,
  stepInputs,
} from "./reference/reference.ts";

function initialState(): TrainingState {
  const { contextEncoder: encoder, predictor, targetEncoder } = initialNetworks();
  const state = stateOf({ initialise: () => ({ encoder, predictor }), averages: {} });
  return { ...state, averages: { target_encoder: targetEncoder } };
}

const pixels = new Uint8Array(4 * 16 * 16 * 3), labels = new Int32Array(4);
const images = memoryDataset({ name: "black", classes: ["only"], pixels, width: 16, height: 16, labels });

function objectiveOf({ clip, variance, covariance, invariance }: ReferenceCase) {
  const regulariser = { variance, covariance, invariance };
  return jepaObjective({ ...preset("smoke"), architecture, regulariser, clip, batch: 4, epochs: 2 }, images);
}

function stepScalars({ learningRate, weightDecay, momentum }: ReferenceCase, step: number): StepScalars {
  const of = (values: number[]) => values[step];
  return packedScalars({
    learningRate: of(learningRate),
    weightDecay: of(weightDecay),
    momentum: of(momentum),
  }, step);
}

interface Outcome {
  reports: Record<string, number>[];
  state: TrainingState;
}

const numbers = (metrics: StepMetrics) =>
  Object.fromEntries(Object.entries(metrics).map(([name, x]) => [name, x.dataSync()[0]])) as Outcome["reports"][0];

function runEagerly(settings: ReferenceCase, inputsOf = stepInputs): Outcome {
  let state = initialState();
  const reports = [0, 1].map((step) => {
    const next = trainingStep(objectiveOf(settings), state, inputsOf(step), stepScalars(settings, step));
    state = next.state;
    return numbers(next.result);
  });
  return { reports, state };
}

async function runCompiled(
  settings: ReferenceCase,
  options: CompileOptions,
  inputsOf = stepInputs,
): Promise<Outcome> {
  const variables = new Variables(initialState());
  const step = compileUpdate(
    (state: TrainingState, inputs: StepInputs, scalars: StepScalars) =>
      trainingStep(objectiveOf(settings), state, inputs, scalars),
    variables,
    { name: "step", ...options },
  );
  const reports = [];
  for (const t of [0, 1]) reports.push(numbers(await step(inputsOf(t), stepScalars(settings, t))));
  const state = variables.read();
  step.dispose();
  variables.dispose();
  return { reports, state };
}

/** Keys' biases shift all scores of a query alike, which softmax undoes: their gradients are rounding errors alone. */
function withoutKeyBias(name: string, actual: tf.Tensor, values: Float32Array): [tf.Tensor, Float32Array] {
  if (!name.endsWith("qkv.bias")) return [actual, values];
  const width = values.length / 3;
  const others = Float32Array.from([...values.subarray(0, width), ...values.subarray(2 * width)]);
  return [tf.concat([tf.slice(actual, 0, width), tf.slice(actual, 2 * width, width)]), others];
}

/** float32 against float64: 1e-5 of a parameter, of a metric and, relative to it, of a moment's norm. */
function assertAsReference({ reports, state }: Outcome, caseIndex: number): void {
  const settings = cases[caseIndex];
  reports.forEach((report, step) => {
    for (const [name, value] of Object.entries(report)) {
      assertAlmostEquals(value, settings.reports[step][name as "loss"], 1e-5, `${name} of step ${step}`);
    }
  });
  const names = namesAfter(caseIndex);
  assertEquals(names.length, 3 * 12 * 2 + 2 * 4 + 7, "tensors in the reference");
  for (const name of names) {
    const [network, parameter] = split(name);
    const [actual, values] = withoutKeyBias(
      name,
      networkOf(state, network)[parameter],
      expected(`after.${caseIndex}.${name}`).values,
    );
    assertLess(largestDifference(actual, values), 1e-5, `largest difference of ${name}`);
  }
  for (const [name, norms] of Object.entries(settings.moments)) {
    const [network, parameter] = split(name);
    [state.first, state.second].forEach((moment, i) => {
      const norm = tf.norm(moment[network === "predictor" ? network : "encoder"][parameter]).dataSync()[0];
      assertAlmostEquals(norm, norms[i], 1e-5 * norms[i] + 1e-9, `moment ${i + 1} of ${name}`);
    });
  }
}

function split(name: string): [network: string, parameter: string] {
  const [, network, parameter] = /^(\w+)\.(.*)$/.exec(name)!;
  return [network, parameter];
}

/** A network by the reference's name. */
function networkOf({ trained, averages }: TrainingState, name: string): Parameters {
  if (name === "predictor") return trained.predictor;
  return name === "targetEncoder" ? averages.target_encoder : trained.encoder;
}

const TERMS = ["the published objective", "regularising terms"];

for (const [i, terms] of TERMS.entries()) {
  Deno.test(`trainingStep() with ${terms} does as PyTorch does, eagerly`, () => {
    assertAsReference(runEagerly(cases[i]), i);
  });
  Deno.test(`trainingStep() with ${terms} does as PyTorch does, compiled as a graph`, async () => {
    assertAsReference(await runCompiled(cases[i], { jit: "graph" }), i);
  });
}

// Takes 10 s to compile, and the second case computes all that the first does.
Deno.test(`trainingStep() with ${TERMS[1]} does as PyTorch does, compiled by XLA`, async () => {
  assertAsReference(await runCompiled(cases[1], { jit: "xla", recompute: true }), 1);
});

/** The same masks with padding: three places more in the context, two in each target block. */
function paddedInputs(step: number): StepInputs {
  const inputs = stepInputs(step);
  const pad = (masks: tf.Tensor, more: number) => {
    const present = tf.concat([tf.ones([masks.shape.at(-1)!]), tf.zeros([more])]);
    return { masks: tf.concat([masks, tf.zeros([...masks.shape.slice(0, -1), more], "int32")], -1), present };
  };
  const context = pad(inputs.context, 3), targets = pad(inputs.targets, 2);
  const present = { context: context.present, targets: targets.present };
  return { ...inputs, context: context.masks, targets: targets.masks, present };
}

for (const [i, terms] of TERMS.entries()) {
  Deno.test(`trainingStep() with ${terms} does with padded masks as PyTorch does without padding, eagerly`, () => {
    assertAsReference(runEagerly(cases[i], paddedInputs), i);
  });
}

Deno.test("trainingStep() does with padded masks and recomputation as PyTorch does without, compiled", async () => {
  assertAsReference(await runCompiled(cases[1], { jit: "graph", recompute: true }, paddedInputs), 1);
});

Deno.test("trainingStep() in bfloat16 gives the same bits with recomputation", async () => {
  const of = (recompute: boolean) => runCompiled(cases[0], { jit: "graph", precision: "bfloat16", recompute });
  const kept = await of(false), again = await of(true);
  assertEquals(again.reports, kept.reports);
  for (const network of ["contextEncoder", "predictor", "targetEncoder"] as const) {
    for (const [name, value] of Object.entries(networkOf(kept.state, network))) {
      assertEquals(networkOf(again.state, network)[name].dataSync(), value.dataSync(), name);
    }
  }
});

Deno.test("trainingStep() in bfloat16 stays near the float32 step", async () => {
  const { reports, state } = await runCompiled(cases[1], { jit: "graph", precision: "bfloat16" });
  assertAlmostEquals(reports[0].loss, cases[1].reports[0].loss, 0.02);
  assertAlmostEquals(reports[1].loss, cases[1].reports[1].loss, 0.05);
  // Master weights stay float32: the EMA of an unrounded weight is no bfloat16 number.
  const values = state.trained.encoder["blocks.0.mlp.fc1.weight"].dataSync() as Float32Array;
  assert(new Uint32Array(Float32Array.from(values).buffer).some((bits) => (bits & 0xffff) !== 0));
});

Deno.test("trainingStep() leaves the positions as they are", () => {
  const { state } = runEagerly(cases[0]);
  const kept = (p: Parameters, name: string, from: string) =>
    assertEquals(largestDifference(p[name], expected(`${from}.${name}`).values), 0);
  kept(state.trained.encoder, "pos_embed", "contextEncoder");
  kept(state.averages.target_encoder, "pos_embed", "targetEncoder");
  kept(state.trained.predictor, "predictor_pos_embed", "predictor");
});
