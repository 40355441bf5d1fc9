/**
 * LeJEPA (Balestriero and LeCun 2025, arXiv 2511.08544): all crops of an image are to project to one place, and each view's
 * projections to be normal, isotropic. No moving average, no predictor, no stopped gradient.
 *
 * The paper changes colours, blurs and solarises too; here crops are mirrored and nothing else. Its encoder ends in a class
 * token or a pooling of its own; here tokens are averaged.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { architecture } from "../../jepa/architectures.ts";
import { featureDeviation } from "../../jepa/objective.ts";
import { randomStream } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { stepsOf } from "../../training/steps.ts";
import { encoderOf, SHORT } from "../config.ts";
import { type CropInputs, cropInputs, type CropsConfig, pooledViews, viewsOf } from "../crops.ts";
import { initialProjected, projections, type ProjectorSize } from "../parts/projector.ts";
import { sigreg, unitDirections } from "../parts/sigreg.ts";

/** Everything that decides a run of LeJEPA. */
export interface LejepaConfig extends CropsConfig {
  /** Its name. */
  method: "lejepa";
  /** Sizes of the projector. */
  projector: ProjectorSize;
  /** Weight of SIGReg, lambda, in 0 .. 1; the invariance has the rest. */
  lambda: number;
  /** Random directions that SIGReg looks along, drawn anew each step. */
  directions: number;
}

const spreadOfViews = fused(
  "spread_of_views",
  (views: Tensor) => tf.mean(tf.square(tf.sub(views, tf.mean(views, 0, true)))),
);

/**
 * The loss of projections [V, N, P], (1 - lambda) invariance + lambda SIGReg. The invariance is the mean squared
 * difference between a view's projection and the image's mean over its views.
 *
 * @param directions [P, K], see sigreg()
 */
export function lejepaLoss(
  projections: Tensor,
  directions: Tensor,
  lambda: number,
): { loss: Tensor; invariance: Tensor; sigreg: Tensor } {
  const invariance = spreadOfViews(projections), normality = sigreg(projections, directions);
  const loss = tf.add(tf.mul(invariance, 1 - lambda), tf.mul(normality, lambda));
  return { loss, invariance, sigreg: normality };
}

/** Key of the directions' random streams; those of the images' crops have the epoch there, from 0 on. */
const DIRECTIONS_STREAM = -4;

/** The crops of B images, and what SIGReg looks along, [P, K]. */
export type LejepaInputs = CropInputs & { directions: Tensor };

async function* inputsOf(config: LejepaConfig, dataset: Dataset, start: number, share: Share) {
  const { directions: count, projector: { outputs }, seed } = config;
  for await (const { inputs, epoch, step } of cropInputs(config, dataset, start, share)) {
    const drawn = unitDirections(outputs, count, randomStream(seed, DIRECTIONS_STREAM, step));
    yield { inputs: { ...inputs, directions: tf.tensor2d(drawn, [outputs, count]) }, epoch };
  }
}

/**
 * LeJEPA as an objective: "encoder" and "projector" are trained. Reports both terms, and `featureStd` of the averaged
 * tokens of the crops. Batch norm and SIGReg are each micro-batch's own.
 */
export function lejepaObjective(config: LejepaConfig, dataset: Dataset): Objective<LejepaInputs> {
  const { projector: size, lambda, clip } = config;
  const totalSteps = stepsOf(config, dataset.length), all = viewsOf(config);
  return {
    name: "lejepa_step",
    totalSteps,
    initialise: () => initialProjected(config),
    averages: {},
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf: (_, { directions, ...crops }) => ({ encoder, projector }) => {
      const pooled = pooledViews(encoder, config, crops); // [V*B, D]
      const views = tf.reshape(projections(projector, pooled), [all, -1, size.outputs]); // [V, B, P]
      const { loss, ...terms } = lejepaLoss(views, directions, lambda);
      return { loss, reported: { ...terms, featureStd: featureDeviation(tf.expandDims(pooled, 1)) } };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}

/** Presets of LeJEPA by name. */
export const LEJEPA_PRESETS = {
  /**
   * LeJEPA at the size of the preset "cifar10": two crops of 32 pixels and four of 16, which are 16 tokens each. Half of its
   * 391 steps took 4 min: monitor's kNN 25.7, linear 36.5, where random weights have 25.7 and 28.5. With the authors' lambda of
   * 0.02 the statistic is still 4 after 391 steps (linear 36.0); a normal distribution has 1.
   * `deno task pretrain --preset lejepa-cifar10`
   */
  "lejepa-cifar10": {
    ...SHORT,
    method: "lejepa",
    batch: 64,
    epochs: 0.5,
    views: 2,
    local: { views: 4, size: 16, crop: { scale: [0.05, 0.3], aspect: [3 / 4, 4 / 3] } },
    projector: { hidden: 512, outputs: 64 },
    lambda: 0.2,
    directions: 256,
    learningRate: { start: 0, peak: 2e-3, final: 2e-6, warmup: 0.1 },
  },

  /**
   * The authors' minimal example: Imagenette at 128 pixels on one GPU (90.7 % linear after 800 epochs in 200 min, with changes
   * of colour that are not made here).
   */
  "lejepa-imagenette-s8": {
    ...SHORT,
    method: "lejepa",
    architecture: encoderOf(architecture("S/8", { image: 128 })),
    crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    batch: 256,
    epochs: 800,
    views: 4,
    projector: { hidden: 2048, outputs: 16 },
    lambda: 0.02,
    directions: 256,
    learningRate: { start: 2e-5, peak: 2e-3, final: 1e-3, warmup: 1 / 800 },
    clip: Infinity,
    precision: "bfloat16",
  },
} satisfies Record<string, LejepaConfig>;
