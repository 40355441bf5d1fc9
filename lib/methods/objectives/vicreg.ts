/**
 * VICReg (Bardes et al. 2022, arXiv 2105.04906): two crops of an image are to project to one place, while each dimension of
 * the projections varies over the batch and different dimensions do not follow each other.
 *
 * The paper's encoder is a ResNet-50, its optimiser LARS, and colours are changed too; here it is the Vision Transformer,
 * whose tokens are averaged, AdamW, and crops that are mirrored.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { architecture } from "../../jepa/architectures.ts";
import { featureDeviation } from "../../jepa/objective.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import type { Objective } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { stepsOf } from "../../training/steps.ts";
import { encoderOf, SHORT } from "../config.ts";
import { type CropInputs, cropInputs, type CropsConfig, pooledCrops } from "../crops.ts";
import { meanSquaredError } from "../parts/errors.ts";
import { initialProjected, projections, type ProjectorSize } from "../parts/projector.ts";
import { centred, covarianceOf, missingDeviation } from "../parts/variance_covariance.ts";

/** Everything that decides a run of VICReg. */
export interface VicregConfig extends Omit<CropsConfig, "local"> {
  /** Its name. */
  method: "vicreg";
  /** Crops of each image. */
  views: 2;
  /** Sizes of the projector, which the paper calls expander. */
  projector: ProjectorSize;
  /** Weights of the terms: lambda, mu and nu. */
  weights: { invariance: number; variance: number; covariance: number };
}

/**
 * The loss of two views' projections [B, P], row by row of one image. As in the authors' code the invariance is averaged over
 * the dimensions, the variance over the views, and the covariance added up over them.
 */
export function vicregLoss(
  first: Tensor,
  second: Tensor,
  weights: VicregConfig["weights"],
): { loss: Tensor; invariance: Tensor; variance: Tensor; covariance: Tensor } {
  const views = [centred(first), centred(second)];
  const invariance = meanSquaredError(first, second);
  const variance = tf.div(tf.addN(views.map((z) => missingDeviation(z))), 2);
  const covariance = tf.addN(views.map(covarianceOf));
  const loss = tf.addN([
    tf.mul(invariance, weights.invariance),
    tf.mul(variance, weights.variance),
    tf.mul(covariance, weights.covariance),
  ]);
  return { loss, invariance, variance, covariance };
}

/**
 * VICReg as an objective: "encoder" and "projector" are trained. Reports the three terms, and `featureStd` of the averaged
 * tokens of the crops. Batch norm, variance and covariance are each micro-batch's own.
 */
export function vicregObjective(config: VicregConfig, dataset: Dataset): Objective<CropInputs> {
  const { weights, clip } = config;
  const totalSteps = stepsOf(config, dataset.length);
  return {
    name: "vicreg_step",
    totalSteps,
    initialise: () => initialProjected(config),
    averages: {},
    batches: (start, share) => cropInputs(config, dataset, start, share),
    lossOf: (_, { pixels }) => ({ encoder, projector }) => {
      const pooled = pooledCrops(encoder, config, pixels); // [2*B, D]
      // The views are normed each by itself, as they go through the authors' networks.
      const [first, second] = tf.split(pooled, 2).map((view) => projections(projector, view));
      const { loss, ...terms } = vicregLoss(first, second, weights);
      return { loss, reported: { ...terms, featureStd: featureDeviation(tf.expandDims(pooled, 1)) } };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}

/** Presets of VICReg by name. */
export const VICREG_PRESETS = {
  /**
   * VICReg at the size of the preset "cifar10". Half of its 391 steps took 3 min beside other work: monitor's kNN 22.1, linear
   * 34.4, where random weights have 25.7 and 28.5; the variance term is still at 0.6 then.
   * `deno task pretrain --preset vicreg-cifar10`
   */
  "vicreg-cifar10": {
    ...SHORT,
    method: "vicreg",
    crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    batch: 64,
    epochs: 0.5,
    views: 2,
    projector: { hidden: 512, outputs: 512 },
    weights: { invariance: 25, variance: 25, covariance: 1 },
    learningRate: { start: 0, peak: 1e-3, final: 1e-6, warmup: 0.1 },
  },

  /**
   * The paper's loss, projector, batch and length with a ViT-S/16: 1,000 epochs of ImageNet on GPUs. The paper has a ResNet-50
   * (73.2 % linear), LARS and changes of colour; the rate is one for AdamW.
   */
  "vicreg-imagenet-s16": {
    ...SHORT,
    method: "vicreg",
    architecture: encoderOf(architecture("S/16")),
    crop: { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    views: 2,
    projector: { hidden: 8192, outputs: 8192 },
    weights: { invariance: 25, variance: 25, covariance: 1 },
    batch: 2048,
    microBatch: 256,
    epochs: 1000,
    learningRate: { start: 0, peak: 5e-4, final: 5e-7, warmup: 10 / 1000 },
    clip: Infinity,
    precision: "bfloat16",
  },
} satisfies Record<string, VicregConfig>;
