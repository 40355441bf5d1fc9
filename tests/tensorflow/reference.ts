/** Comparison of tensors, with tfjs's own CPU backend and with finite differences. @module */
import { assertEquals } from "@std/assert";
import { type Tensor, tf } from "../../lib/tensorflow/backend.ts";
import { flatten } from "../../lib/tensorflow/structure.ts";
import "./loaded.ts";

/** Runs `fn` on the CPU backend that tfjs brings along, written in JavaScript. */
export async function onCpu<T extends tf.TensorContainer>(fn: () => T): Promise<T> {
  tf.env().set("IS_TEST", true); // Else it advises us to install tfjs-node.
  await tf.setBackend("cpu");
  try {
    return tf.tidy(fn);
  } finally {
    await tf.setBackend("tensorflow");
  }
}

/** A tensor's shape and values as plain data. */
export type Plain = { shape: number[]; dtype: string; values: number[] };

/** Reads tensors in any structure. */
export function plain(tensors: unknown): Plain[] {
  return flatten(tensors, "tensors").tensors.map(({ shape, dtype, dataSync }, i, all) => ({
    shape,
    dtype,
    values: Array.from(dataSync.call(all[i]) as ArrayLike<number>),
  }));
}

/** Largest |a - e| / max(1, |e|) of two lists of equal length. */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (!Object.is(a, e)) largest = Math.max(largest, Math.abs(a - e) / Math.max(1, Math.abs(e)));
    if (Number.isNaN(largest)) return Infinity;
  }
  return largest;
}

/** The same shapes and types, and values within `tolerance` (relative to values above 1). */
export function assertClose(
  actual: readonly Plain[],
  expected: readonly Plain[],
  tolerance: number,
  message = "",
): void {
  const described = (all: readonly Plain[]) => all.map(({ shape, dtype }) => `${dtype} [${shape}]`);
  assertEquals(described(actual), described(expected), message);
  actual.forEach(({ values }, i) => {
    assertEquals(values.length, expected[i].values.length, message);
    const found = deviation(values, expected[i].values);
    if (found > tolerance) {
      throw new Error(`${message} tensor ${i} deviates by ${found}, more than ${tolerance}: ${values.slice(0, 8)} ...`);
    }
  });
}

/** A tensor of numbers that a seed fixes, evenly spread over [low, high). */
export function numbers(shape: number[], seed: number, low = -1, high = 1): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = Float32Array.from({ length: size }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return low + (x - Math.floor(x)) * (high - low);
  });
  return tf.tensor(values, shape);
}

/**
 * Compares the gradients of sum(fn(...inputs) * weights) with central differences.
 *
 * @param tolerance on |gradient - difference| / max(1, |difference|); float32 leaves about 1e-3 of a difference
 */
export function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  tolerance = 5e-3,
  gradients?: Tensor[],
): void {
  tf.tidy(() => {
    const weights = numbers(fn(...inputs).shape, 99);
    const loss = (...xs: Tensor[]) => tf.sum(tf.mul(fn(...xs), weights)) as tf.Scalar;
    const found = plain(gradients ?? tf.grads(loss)(inputs));
    const step = 1e-2;
    const differences = inputs.map((input, at) => {
      const values = input.dataSync();
      return Array.from(values, (value, i) => {
        const [above, below] = [value + step, value - step].map((moved) => {
          const changed = Float32Array.from(values);
          changed[i] = moved;
          const others = inputs.map((x, j) => j === at ? tf.tensor(changed, x.shape) : x);
          return loss(...others).dataSync()[0];
        });
        return (above - below) / (2 * step);
      });
    });
    found.forEach(({ values }, i) => {
      const far = deviation(values, differences[i]);
      if (far > tolerance) {
        throw new Error(`The gradient of input ${i} is off by ${far}: ${values} != ${differences[i]}`);
      }
    });
  });
}
