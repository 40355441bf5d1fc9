/**
 * Batch norm without scale and shift, as PyTorch's BatchNorm1d(affine=False): by the batch's own mean and variance in
 * training, and by their running averages afterwards.
 *
 * @module
 */
import { type Tensor, tf } from "../../tensorflow/backend.ts";

/** Running averages over the batches so far, [D] each. */
export interface RunningNorm {
  mean: Tensor;
  /** Of the unbiased variances. */
  variance: Tensor;
}

/** Added to the variance. */
const EPSILON = 1e-5;
/** Share of the newest batch in the running averages. */
const NEWEST = 0.1;

/** The averages before the first batch; the caller disposes of them. */
export function newNorm(width: number): RunningNorm {
  return { mean: tf.zeros([width]), variance: tf.ones([width]) };
}

/** (x - mean) / sqrt(variance + 1e-5) of features [B, D]. */
export function normaliseBy(x: Tensor, { mean, variance }: RunningNorm): Tensor {
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, EPSILON)));
}

/** A batch [B, D] normalised by itself, and the running averages with it. */
export function normaliseBatch(x: Tensor, running: RunningNorm): { normalised: Tensor; running: RunningNorm } {
  const rows = x.shape[0], mean = tf.mean(x, 0);
  const variance = tf.mean(tf.square(tf.sub(x, mean)), 0);
  const follow = (average: Tensor, own: Tensor) => tf.add(tf.mul(average, 1 - NEWEST), tf.mul(own, NEWEST));
  return {
    normalised: normaliseBy(x, { mean, variance }),
    running: {
      mean: follow(running.mean, mean),
      variance: follow(running.variance, tf.mul(variance, rows / Math.max(rows - 1, 1))),
    },
  };
}
