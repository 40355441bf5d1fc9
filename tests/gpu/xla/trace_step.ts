/**
 * Asks for one training step under XLA, so that XLA writes down what it is to compile (--xla_dump_to in XLA_FLAGS). It is made to be
 * ended then: compiling for the CPU takes minutes, and nothing here needs it. Weights and moments are memory that nobody has touched,
 * so that ViT-H/14 needs some 2 GB.
 *
 *   deno run -A tests/gpu/xla/trace_step.ts ARCHITECTURE PRECISION BATCH CONTEXT TARGETS       such as B/16 bfloat16 256 64 30
 */
import { SIZES } from "../../../lib/commands/bench/bench_sizes.ts";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import {
  architecture as named,
  encoderShapes,
  type ParameterShapes,
  predictorShapes,
} from "../../../lib/jepa/architectures.ts";
import { emptyMasks } from "../../../lib/jepa/masks.ts";
import { preset } from "../../../lib/jepa/pretraining/presets.ts";
import { jepaObjective, stepTensors } from "../../../lib/jepa/pretraining/pretraining_objective.ts";
import { isTrained, type Parameters } from "../../../lib/nn/parameters.ts";
import type { Precision } from "../../../lib/tensorflow/autocast.ts";
import { filledTensor } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import { packedScalars, type StepScalars, type TrainingState, trainingStep } from "../../../lib/training/step.ts";
import type { StepInputs } from "../../../lib/jepa/objective.ts";

const [name, precision, ...numbers] = Deno.args, [batch, contextLength, targetLength] = numbers.map(Number);
const architecture = SIZES[name]?.architecture ?? named(name);
const config = { ...preset("imagenet-b16"), architecture, batch, microBatch: undefined };
const objective = jepaObjective(config, { name: "none", length: batch } as Dataset);

const untouched = async (shapes: ParameterShapes, only: (name: string) => boolean = () => true): Promise<Parameters> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(shapes).filter(([name]) => only(name)).map(async ([name, shape]) =>
        [name, await filledTensor([...shape], () => Promise.resolve())] as const
      ),
    ),
  );
const encoder = encoderShapes(architecture), predictor = predictorShapes(architecture);
const moments = async () => ({
  encoder: await untouched(encoder, isTrained),
  predictor: await untouched(predictor, isTrained),
});
const state: TrainingState = {
  trained: { encoder: await untouched(encoder), predictor: await untouched(predictor) },
  averages: { target_encoder: await untouched(encoder) },
  first: await moments(),
  second: await moments(),
};
const step = compileUpdate(
  (state: TrainingState, inputs: StepInputs, scalars: StepScalars) => trainingStep(objective, state, inputs, scalars),
  new Variables(state),
  { name: objective.name, precision: precision as Precision, jit: "xla" },
);
const masks = emptyMasks({ batch, blocks: 4, contextLength, targetLength });
masks.context.forEach((_, i) => masks.context[i] = i % contextLength);
masks.targets.forEach((_, i) => masks.targets[i] = i % targetLength);
const { image } = architecture, pixels = new Uint8Array(batch * image ** 2 * 3);
await step(stepTensors(pixels, image, masks), packedScalars(objective.scheduled(0), 0));
