/**
 * The peak of a process's memory, in MB, after steps that take ever more: of 128 images with recomputation, of 128 with
 * activations kept, and of 256.
 */
import type { Architecture } from "../../../lib/jepa/architectures.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { maskSampler } from "../../../lib/jepa/mask_samplers/by_name.ts";
import type { StepInputs } from "../../../lib/jepa/objective.ts";
import { preset, type RunConfig } from "../../../lib/jepa/pretraining/presets.ts";
import { jepaObjective, stepTensors } from "../../../lib/jepa/pretraining/pretraining_objective.ts";
import { randomStream } from "../../../lib/random.ts";
import { disposeAll } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import {
  initialState,
  scalarTensors,
  type StepScalars,
  type TrainingState,
  trainingStep,
} from "../../../lib/training/step.ts";

const architecture: Architecture = {
  ...{ image: 32, patch: 4, width: 192, depth: 4, heads: 3, mlpRatio: 4 },
  predictor: { width: 96, depth: 2, heads: 3 },
};
const regulariser = { variance: 0, covariance: 0, invariance: 0 };
const config: RunConfig = { ...preset("cifar10"), architecture, regulariser };

/** The most that this process has held so far. */
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024 / 1e6;

async function peakAfterSteps(batch: number, recompute: boolean): Promise<number> {
  const { image, patch } = architecture, pixels = new Uint8Array(batch * image ** 2 * 3);
  const labels = new Int32Array(batch);
  const images = memoryDataset({ name: "black", classes: ["only"], pixels, width: image, height: image, labels });
  const objective = jepaObjective({ ...config, batch }, images);
  const state = initialState(objective), variables = new Variables(state);
  disposeAll(state);
  const update = compileUpdate(
    (state: TrainingState, inputs: StepInputs, scalars: StepScalars) => trainingStep(objective, state, inputs, scalars),
    variables,
    { recompute },
  );
  const masks = maskSampler(config.masks, [image / patch, image / patch])(batch, randomStream(0));
  const inputs = stepTensors(pixels, image, masks);
  const scalars = scalarTensors({ learningRate: 1e-3, weightDecay: 0, momentum: 0.99 }, 0);
  for (let step = 0; step < 2; step++) disposeAll(await update(inputs, scalars));
  disposeAll([inputs, scalars]);
  update.dispose();
  variables.dispose();
  return peak();
}

const recomputed = await peakAfterSteps(128, true), kept = await peakAfterSteps(128, false);
console.log(JSON.stringify({ peak: { recomputed, kept, twice: await peakAfterSteps(256, false) } }));
