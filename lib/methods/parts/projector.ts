/**
 * The projector of methods that compare whole crops: an MLP with batch norm on an encoder's averaged tokens, which is
 * thrown away after the run.
 *
 * @module
 */
import { encoderShapes, type ParameterShapes } from "../../jepa/architectures.ts";
import { initialise } from "../../nn/initialisation.ts";
import { linear } from "../../nn/layers.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";
import { fused } from "../../tensorflow/fused.ts";
import type { Networks } from "../../training/objective.ts";
import type { CommonConfig } from "../config.ts";

/** Sizes of a projector: two hidden layers, each a batch norm and a ReLU after it, and a linear one. */
export interface ProjectorSize {
  /** Width of the hidden layers. */
  hidden: number;
  /** Width of what it puts out. */
  outputs: number;
}

/** A projector's parameters, for tokens of this width. */
export function projectorShapes(width: number, { hidden, outputs }: ProjectorSize): ParameterShapes {
  return {
    "fc0.weight": [hidden, width],
    "fc0.bias": [hidden],
    "norm0.weight": [hidden],
    "norm0.bias": [hidden],
    "fc1.weight": [hidden, hidden],
    "fc1.bias": [hidden],
    "norm1.weight": [hidden],
    "norm1.bias": [hidden],
    "fc2.weight": [outputs, hidden],
    "fc2.bias": [outputs],
  };
}

/** The networks of such a method before its first step: "encoder" and "projector". */
export function initialProjected(
  { architecture, projector, patchInitialisation, seed }:
    & Pick<CommonConfig, "architecture" | "patchInitialisation" | "seed">
    & { projector: ProjectorSize },
): Networks {
  return {
    encoder: initialise(encoderShapes(architecture), seed, patchInitialisation),
    projector: initialise(projectorShapes(architecture.width, projector), seed),
  };
}

/** ReLU(batch norm(x)) of x [S, D] by the batch's own mean and variance (PyTorch's in training: over S, epsilon 1e-5). */
const activatedNorm = fused(
  "batch_norm",
  (x: Tensor, weight: Tensor, bias: Tensor) => {
    const centred = tf.sub(x, tf.mean(x, 0, true));
    const deviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0, true), 1e-5));
    return tf.relu(tf.add(tf.mul(tf.mul(centred, deviation), weight), bias));
  },
  "activation",
);

/** Projections [S, P] of averaged tokens [S, D]; the batch norms are over all S rows. */
export function projections(p: Parameters, x: Tensor): Tensor {
  for (const i of [0, 1]) x = activatedNorm(linear(p, `fc${i}`, x), p[`norm${i}.weight`], p[`norm${i}.bias`]);
  return linear(p, "fc2", x);
}
