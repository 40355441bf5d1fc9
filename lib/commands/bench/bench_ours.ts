/**
 * Our side of `deno task bench`: the compiled training step, whole, from masks and pixels in memory to a loss that has been
 * read.
 *
 * @module
 */
import { memoryDataset } from "../../datasets/memory.ts";
import { emptyMasks, type Masks } from "../../jepa/masks.ts";
import { preset } from "../../jepa/pretraining/presets.ts";
import { jepaObjective, stepTensors } from "../../jepa/pretraining/pretraining_objective.ts";
import { type Random, randomStream, shuffled } from "../../random.ts";
import type { Precision } from "../../tensorflow/autocast.ts";
import { disposeAll } from "../../tensorflow/backend.ts";
import { productRates } from "../../tensorflow/product_rates.ts";
import { Variables } from "../../tensorflow/variables.ts";
import { shareOf } from "../../training/loop.ts";
import { initialState, packedScalars } from "../../training/step.ts";
import { accumulatingStepper, wholeStepper, type Workers } from "../../training/stepper.ts";
import { type BenchSize, BLOCKS } from "./bench_sizes.ts";

/** Steps ready to be run. */
export interface Steps {
  /** Runs `count` steps and returns the milliseconds that each took; compiles in the first. */
  run(count: number): Promise<number[]>;
  dispose(): void;
}

/** As many times slower than in float32, and a precision is not worth measuring: it is emulated. */
export const SLOW = 2;

/** The precisions that are worth measuring here. */
export async function ourPrecisions({ architecture }: Pick<BenchSize, "architecture">): Promise<Precision[]> {
  const { float32, bfloat16 } = await productRates(architecture.width);
  return SLOW * bfloat16 > float32 ? ["float32", "bfloat16"] : ["float32"];
}

/** Random patches for context and targets, as many of them as the size says. */
function randomMasks({ architecture, batch, context, targets }: BenchSize, random: Random): Masks {
  const patches = (architecture.image / architecture.patch) ** 2;
  const masks = emptyMasks({ batch, blocks: BLOCKS, contextLength: context, targetLength: targets });
  const fill = (rows: Int32Array, count: number) => {
    for (let start = 0; start < rows.length; start += count) {
      rows.set(shuffled(patches, random).subarray(0, count).sort(), start);
    }
  };
  fill(masks.context, context);
  fill(masks.targets, targets);
  return masks;
}

/**
 * The published objective's step at one size and precision.
 *
 * @param workers those who share the batch, each with a micro-batch of it; default none
 */
export function ourSteps(size: BenchSize, precision: Precision, workers?: Workers): Steps {
  const { architecture, batch } = size;
  const regulariser = { variance: 0, covariance: 0, invariance: 0 };
  const config = { ...preset("cifar10"), architecture, regulariser, batch, clip: 10 };
  const { image } = architecture, random = randomStream(1);
  const pixels = new Uint8Array(batch * image ** 2 * 3).map(() => random.integer(256));
  const labels = new Int32Array(batch).fill(-1);
  const images = memoryDataset({ name: "noise", classes: [], pixels, width: image, height: image, labels });
  const objective = jepaObjective(config, images);
  const state = initialState(objective);
  const variables = new Variables(state);
  disposeAll(state);
  const share = shareOf(workers?.size ?? 1, workers ?? { rank: 0, size: 1 });
  const options = { variables, precision };
  const stepper = workers ? accumulatingStepper(objective, options, share, workers) : wholeStepper(objective, options);
  const own = { ...size, batch: batch / share.parts };
  const ownPixels = pixels.subarray(0, pixels.length / share.parts);
  const source = {
    take: () => Promise.resolve({ inputs: stepTensors(ownPixels, image, randomMasks(own, random)), epoch: 0 }),
    prepare() {}, // all of a step's work is timed with it
  };
  let t = 0;

  const step = async () => {
    const scalars = packedScalars({ learningRate: 1e-4, weightDecay: 0.05, momentum: 0.996 }, t++);
    const { values: { loss } } = await stepper.step(source, scalars, false);
    scalars.dispose();
    if (!Number.isFinite(loss)) throw new Error(`Our step ${t} in ${precision} has the loss ${loss}.`);
  };
  return {
    async run(count) {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await step();
        times.push(performance.now() - start);
      }
      return times;
    },
    dispose() {
      stepper.dispose();
      variables.dispose();
    },
  };
}
