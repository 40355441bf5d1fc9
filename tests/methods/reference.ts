/**
 * The networks and images of fixtures/methods.py, made of sines here as there, and the comparison with what it computed.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import type { EncoderSize, ParameterShapes } from "../../lib/jepa/architectures.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { isTrained } from "../../lib/nn/parameters.ts";
import { type Tensor, tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import type { Losses, Networks } from "../../lib/training/objective.ts";
import { gradientsOf } from "../../lib/training/step.ts";

/** Sizes of the encoder, and of the batch. */
export const ENCODER: EncoderSize = { image: 16, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 2 };
export const BATCH = 3;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** mean + scale * sin(1.7 i + number), in row-major order. */
export function sines(shape: readonly number[], number: number, scale = 1, mean = 0): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => mean + scale * Math.sin(1.7 * i + number));
}

/** Each parameter's number is the network's and its place in the order of the shapes; norms are around 1. */
export function network(shapes: ParameterShapes, number: number): Parameters {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const isNorm = name.endsWith(".weight") && shape.length === 1;
      return [name, tf.tensor(sines(shape, number + i, 0.3, isNorm ? 1 : 0), [...shape])];
    }),
  );
}

/** uint8 [count, side, side, 3]. */
export function images(count: number, side: number, number: number): Tensor {
  const shape = [count, side, side, 3];
  const values = Float64Array.from({ length: sizeOf(shape) }, (_, i) => 128 + 127 * Math.sin(1.7 * i + number));
  return uint8Tensor(Uint8Array.from(values, Math.floor), shape);
}

/** What methods.py reports. */
type Report = { loss: number; gradients: Record<string, number[]> } & { [term: string]: unknown };

/** Holds a loss, what it reports, and all gradients to the reference: a norm and a product with a sine of each. */
export function assertReference(
  expected: Report,
  networks: Networks,
  lossOf: (trained: Networks) => Losses,
): void {
  const { loss, reported, gradients } = gradientsOf(networks, lossOf);
  assertAlmostEquals(loss.dataSync()[0], expected.loss, 1e-5 * Math.abs(expected.loss));
  for (const [name, value] of Object.entries(reported)) {
    assertAlmostEquals(value.dataSync()[0], expected[name] as number, 1e-4, name);
  }
  const names = Object.entries(networks).flatMap(([network, p]) =>
    Object.keys(p).filter(isTrained).map((name) => [network, name])
  );
  assertEquals(new Set(names.map((path) => path.join("."))), new Set(Object.keys(expected.gradients)));
  const largest = Math.max(...Object.values(expected.gradients).map(([norm]) => norm));
  for (const [network, name] of names) {
    const gradient = gradients[network][name], [norm, product] = expected.gradients[`${network}.${name}`];
    const own = gradient.dataSync() as Float32Array, sine = sines(gradient.shape, 0);
    const length = Math.hypot(...own), along = own.reduce((sum, x, i) => sum + x * sine[i], 0);
    const tolerance = 2e-4 * norm + 1e-6 * largest;
    assertLess(Math.abs(length - norm), tolerance, `${network}.${name}: ${length} for ${norm}`);
    const longer = tolerance * Math.sqrt(own.length);
    assertLess(Math.abs(along - product), longer, `${network}.${name}: ${along} for ${product}`);
  }
  assert(largest > 0);
}
