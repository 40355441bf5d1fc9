/**
 * The peak of a process's memory, in MB, after steps that take ever more: of 128 images with recomputation, of 128 with
 * activations kept, and of 256.
 */
import type { Architecture } from "../../../lib/jepa/architectures.ts";
import { maskSampler } from "../../../lib/jepa/mask_samplers/by_name.ts";
import type { StepInputs } from "../../../lib/jepa/objective.ts";
import { randomStream } from "../../../lib/random.ts";
import { disposeAll } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import { biasCorrections } from "../../../lib/training/adamw.ts";
import { preset, type RunConfig } from "../../../lib/training/presets.ts";
import { type StepScalars, type TrainingState, trainingStep } from "../../../lib/training/step.ts";
import { initialState, scalarTensors, stepTensors } from "../../../lib/training/trainer.ts";

const architecture: Architecture = {
  ...{ image: 32, patch: 4, width: 192, depth: 4, heads: 3, mlpRatio: 4 },
  predictor: { width: 96, depth: 2, heads: 3 },
};
const config: RunConfig = { ...preset("cifar10"), architecture };

/** The most that this process has held so far. */
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024 / 1e6;

async function peakAfterSteps(batch: number, recompute: boolean): Promise<number> {
  const state = initialState(config), variables = new Variables(state);
  disposeAll(state);
  const update = compileUpdate(
    (state: TrainingState, inputs: StepInputs, scalars: StepScalars) =>
      trainingStep({ ...config, regulariser: { variance: 0, covariance: 0, invariance: 0 } }, state, inputs, scalars),
    variables,
    { recompute },
  );
  const { image, patch } = architecture;
  const masks = maskSampler(config.masks, [image / patch, image / patch])(batch, randomStream(0));
  const inputs = stepTensors(new Uint8Array(batch * image ** 2 * 3), image, masks);
  const scalars = scalarTensors({ learningRate: 1e-3, weightDecay: 0, momentum: 0.99, ...biasCorrections(1) });
  for (let step = 0; step < 2; step++) disposeAll(await update(inputs, scalars));
  disposeAll([inputs, scalars]);
  update.dispose();
  variables.dispose();
  return peak();
}

const recomputed = await peakAfterSteps(128, true), kept = await peakAfterSteps(128, false);
console.log(JSON.stringify({ peak: { recomputed, kept, twice: await peakAfterSteps(256, false) } }));
