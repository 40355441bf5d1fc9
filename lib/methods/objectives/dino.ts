/**
 * DINO (Caron et al. 2021, arXiv 2104.14294): the encoder's moving average says of two large crops to which prototypes they
 * belong, and the encoder is to say the same of every other crop of the image.
 *
 * Other than in the paper: the class token is the average of the tokens; the teacher is centred by the mean of its own batch
 * (the paper's centre is a moving average of such means); the prototypes are trained from the first epoch on; the momentum
 * rises linearly; and crops are mirrored, but colours stay as they are.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { architecture, encoderShapes, type ParameterShapes } from "../../jepa/architectures.ts";
import { featureDeviation } from "../../jepa/objective.ts";
import { initialise } from "../../nn/initialisation.ts";
import { biasedGelu, linear, product } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Objective, Share } from "../../training/objective.ts";
import { runSchedules } from "../../training/schedules.ts";
import { stepsOf } from "../../training/steps.ts";
import { encoderOf, SHORT } from "../config.ts";
import { type CropInputs, cropInputs, type CropsConfig, pooledCrops, pooledViews, viewsOf } from "../crops.ts";

/** Sizes of a head: three layers with GELU between them, and prototypes. */
export interface DinoHeadSize {
  /** Width of the two hidden layers. */
  hidden: number;
  /** Width of what is compared with the prototypes. */
  bottleneck: number;
  /** How many there are. */
  prototypes: number;
}

/** Everything that decides a run of DINO. */
export interface DinoConfig extends CropsConfig {
  /** Its name. */
  method: "dino";
  /** Large crops of each image. */
  views: 2;
  /** Sizes of the heads. */
  head: DinoHeadSize;
  /** The student's temperature, and the teacher's: from `start` to `final` over the first `warmup` share of the steps. */
  temperatures: { student: number; teacher: { start: number; final: number; warmup: number } };
  /** Momentum of the moving averages: linear from `start` to `final`. */
  momentum: { start: number; final: number };
}

/** A head's parameters, for tokens of this width. */
export function dinoHeadShapes(width: number, { hidden, bottleneck, prototypes }: DinoHeadSize): ParameterShapes {
  return {
    "fc0.weight": [hidden, width],
    "fc0.bias": [hidden],
    "fc1.weight": [hidden, hidden],
    "fc1.bias": [hidden],
    "fc2.weight": [bottleneck, hidden],
    "fc2.bias": [bottleneck],
    "prototypes.weight": [prototypes, bottleneck],
  };
}

/** Rows brought to length 1. */
const unitRows = fused(
  "unit_rows",
  (x: Tensor) => tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), -1, true), 1e-24))),
  "activation",
);

/** Cosines of averaged tokens [S, D] and prototypes, [S, K]. */
export function dinoHead(p: Parameters, x: Tensor): Tensor {
  for (const i of [0, 1]) x = biasedGelu(product(x, p[`fc${i}.weight`]), p[`fc${i}.bias`]);
  return product(unitRows(linear(p, "fc2", x)), unitRows(p["prototypes.weight"]));
}

/** What the teacher says, [2*B, K]: softmax of its cosines less their mean over the batch, at a temperature. */
export function dinoTargets(cosines: Tensor, temperature: Tensor): Tensor {
  return tf.softmax(tf.div(tf.sub(cosines, tf.mean(cosines, 0, true)), temperature));
}

const logSoftmax = fused("log_softmax", (logits: Tensor) => {
  const shifted = tf.sub(logits, tf.max(logits, -1, true));
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), -1, true)));
});

/**
 * The loss: the cross-entropy of each large crop's target and each other crop's cosines, averaged over the images and these
 * pairs.
 *
 * @param cosines [V*B, K], the student's, the large crops first
 * @param targets [2*B, K]
 * @param views V, of each image
 */
export function dinoLoss(cosines: Tensor, targets: Tensor, views: number, temperature: number): Tensor {
  const [rows, prototypes] = targets.shape as [number, number], images = rows / 2;
  const logs = tf.reshape(logSoftmax(tf.div(cosines, temperature)), [views, images, prototypes]);
  // Of every crop, less the target's own.
  const others = tf.sub(tf.sum(logs, 0, true), tf.slice(logs, 0, 2)); // [2, B, K]
  const entropies = tf.sum(tf.mul(tf.reshape(targets, [2, images, prototypes]), others));
  return tf.neg(tf.div(entropies, images * 2 * (views - 1)));
}

/** The crops of B images, and the teacher's temperature. */
export type DinoInputs = CropInputs & { temperature: Tensor };

async function* inputsOf(config: DinoConfig, dataset: Dataset, start: number, share: Share) {
  const { start: first, final, warmup } = config.temperatures.teacher;
  const rising = warmup * stepsOf(config, dataset.length);
  for await (const { inputs, epoch, step } of cropInputs(config, dataset, start, share)) {
    const temperature = step < rising ? first + (final - first) * step / rising : final;
    yield { inputs: { ...inputs, temperature: tf.scalar(temperature) }, epoch };
  }
}

/**
 * DINO as an objective: "encoder" and "head" are trained, "target_encoder" and "target_head" follow them. Reports
 * `featureStd` of the teacher's averaged tokens. The centre is each micro-batch's own.
 */
export function dinoObjective(config: DinoConfig, dataset: Dataset): Objective<DinoInputs> {
  const { architecture, head: size, temperatures, patchInitialisation, seed, clip } = config;
  const totalSteps = stepsOf(config, dataset.length), views = viewsOf(config);
  return {
    name: "dino_step",
    totalSteps,
    initialise: () => ({
      encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
      head: initialise(dinoHeadShapes(architecture.width, size), seed),
    }),
    averages: { target_encoder: "encoder", target_head: "head" },
    batches: (start, share) => inputsOf(config, dataset, start, share),
    lossOf({ target_encoder, target_head }, { temperature, ...crops }) {
      const pooled = pooledCrops(target_encoder, config, crops.pixels); // [2*B, D]
      const targets = dinoTargets(dinoHead(target_head, pooled), temperature);
      const featureStd = featureDeviation(tf.expandDims(pooled, 1));
      return ({ encoder, head }) => {
        const cosines = dinoHead(head, pooledViews(encoder, config, crops));
        return { loss: dinoLoss(cosines, targets, views, temperatures.student), reported: { featureStd } };
      };
    },
    scheduled: runSchedules(config, totalSteps),
    clip,
  };
}

/** Presets of DINO by name. */
export const DINO_PRESETS = {
  /**
   * DINO at the size of the preset "cifar10": two crops of 32 pixels and four of 16. Half of its 391 steps took 4 min: monitor's
   * kNN 24.0, linear 32.6, where random weights have 25.7 and 28.5. A momentum of 0.99 to 1 is too slow for so few steps (29.7).
   * `deno task pretrain --preset dino-cifar10`
   */
  "dino-cifar10": {
    ...SHORT,
    method: "dino",
    crop: { scale: [0.4, 1], aspect: [3 / 4, 4 / 3] },
    batch: 64,
    epochs: 0.5,
    views: 2,
    local: { views: 4, size: 16, crop: { scale: [0.05, 0.4], aspect: [3 / 4, 4 / 3] } },
    head: { hidden: 512, bottleneck: 64, prototypes: 1024 },
    temperatures: { student: 0.1, teacher: { start: 0.04, final: 0.04, warmup: 0 } },
    learningRate: { start: 0, peak: 2e-3, final: 1e-6, warmup: 0.1 },
    weightDecay: { start: 0.04, final: 0.4 },
    momentum: { start: 0.9, final: 0.99 },
  },

  /** The paper's ViT-S/16: 800 epochs of ImageNet on GPUs (linear 77.0 %, kNN 74.5, with changes of colour). */
  "dino-imagenet-s16": {
    ...SHORT,
    method: "dino",
    architecture: encoderOf(architecture("S/16")),
    crop: { scale: [0.25, 1], aspect: [3 / 4, 4 / 3] },
    batch: 1024,
    microBatch: 64,
    epochs: 800,
    views: 2,
    local: { views: 10, size: 96, crop: { scale: [0.05, 0.25], aspect: [3 / 4, 4 / 3] } },
    head: { hidden: 2048, bottleneck: 256, prototypes: 65536 },
    temperatures: { student: 0.1, teacher: { start: 0.04, final: 0.07, warmup: 30 / 800 } },
    learningRate: { start: 0, peak: 2e-3, final: 1e-5, warmup: 10 / 800 },
    weightDecay: { start: 0.04, final: 0.4 },
    momentum: { start: 0.996, final: 1 },
    precision: "bfloat16",
  },
} satisfies Record<string, DinoConfig>;
