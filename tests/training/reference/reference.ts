/**
 * What make_reference.py computed in PyTorch: a tiny I-JEPA's parameters and inputs, and its state after two steps.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Architecture } from "../../../lib/jepa/architectures.ts";
import type { JepaNetworks, StepInputs } from "../../../lib/jepa/objective.ts";
import type { Parameters } from "../../../lib/nn/parameters.ts";
import { tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import { type HostTensor, readSafetensors, toFloat32 } from "../../../lib/weights/formats/safetensors.ts";

/** The sizes in make_reference.py. */
export const architecture: Architecture = {
  ...{ image: 16, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 2 },
  predictor: { width: 8, depth: 2, heads: 2 },
};

/** One step's results in float64, rounded to 8 digits; `gradients` are norms, by "network.parameter". */
export interface ReferenceReport {
  loss: number;
  prediction: number;
  gradientNorm: number;
  featureStd: number;
  cosine: number;
  centredCosine: number;
  gradients: Record<string, number>;
}

/** Settings of two steps and what came of them. */
export interface ReferenceCase {
  clip: number;
  variance: number;
  covariance: number;
  invariance: number;
  learningRate: number[];
  weightDecay: number[];
  momentum: number[];
  reports: ReferenceReport[];
  /** Norms of Adam's first and second moments after both steps, by "network.parameter". */
  moments: Record<string, [number, number]>;
}

const { tensors, metadata } = await readSafetensors(fileURLToPath(new URL("reference.safetensors", import.meta.url)));

/** The cases: the published objective with clipping, and one with all regularising terms without clipping. */
export const cases: ReferenceCase[] = JSON.parse(metadata.cases);

/** A floating-point tensor of the file. */
export function expected(name: string): { shape: number[]; values: Float32Array } {
  return { shape: tensors[name].shape, values: toFloat32(tensors[name]) };
}

function parametersWith(prefix: string): Parameters {
  return Object.fromEntries(
    Object.keys(tensors).filter((name) => name.startsWith(prefix)).map((name) => {
      const { shape, values } = expected(name);
      return [name.slice(prefix.length), tf.tensor(values, shape, "float32")];
    }),
  );
}

/** The networks before the first step. */
export function initialNetworks(): JepaNetworks {
  return {
    contextEncoder: parametersWith("contextEncoder."),
    predictor: parametersWith("predictor."),
    targetEncoder: parametersWith("targetEncoder."),
  };
}

/** Images and masks of step 0 or 1. */
export function stepInputs(step: number): StepInputs {
  const part = ({ shape, data }: HostTensor) => {
    const size = data.length / shape[0];
    return { shape: shape.slice(1), values: data.slice(step * size, (step + 1) * size) };
  };
  const pixels = part(tensors.pixels), context = part(tensors.context), targets = part(tensors.targets);
  return {
    pixels: uint8Tensor(pixels.values as Uint8Array, pixels.shape),
    context: tf.tensor(context.values as Int32Array, context.shape, "int32"),
    targets: tf.tensor(targets.values as Int32Array, targets.shape, "int32"),
  };
}

/** Names of what each network looks like after both steps of a case, e.g. "predictor.mask_token". */
export function namesAfter(caseIndex: number): string[] {
  const prefix = `after.${caseIndex}.`;
  return Object.keys(tensors).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

/** Largest difference between a tensor and the reference's values. */
export function largestDifference(actual: tf.Tensor, values: ArrayLike<number>): number {
  let worst = 0;
  for (const [i, x] of actual.dataSync().entries()) worst = Math.max(worst, Math.abs(x - values[i])); // NaN stays
  return worst;
}
