/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with gradient clipping, and the moving average of the
 * target encoder in the same pass over memory.
 *
 * @module
 */
import { isDecayed, isTrained, type Parameters } from "../nn/parameters.ts";
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { kernel } from "../tensorflow/fused.ts";

const BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

/** First and second moments of the gradients, by parameter. */
export interface Moments {
  /** Moving average of the gradients. */
  first: Parameters;
  /** Moving average of their squares. */
  second: Parameters;
}

/** What changes from step to step, as float32 scalars. */
export interface UpdateScalars {
  /** eta */
  learningRate: Tensor;
  /** lambda; what is taken off a parameter is learningRate * weightDecay of it. */
  weightDecay: Tensor;
  /** 1 - beta1^t and 1 - beta2^t of step t = 1, 2, ...: see biasCorrections(). */
  correction1: Tensor;
  /** See correction1. */
  correction2: Tensor;
  /** Factor that clips the gradients, see clipFactor(). */
  clip: Tensor;
}

/** Adam's bias corrections of step t = 1, 2, ..., for adamw()'s `beta2`. */
export function biasCorrections(t: number, beta2: number = BETA2): { correction1: number; correction2: number } {
  return { correction1: 1 - BETA1 ** t, correction2: 1 - beta2 ** t };
}

/** What update `t` = 1, 2, ... takes besides the clipping factor; the caller disposes of it. */
export function updateScalars(learningRate: number, weightDecay: number, t: number): Omit<UpdateScalars, "clip"> {
  const { correction1, correction2 } = biasCorrections(t);
  return {
    learningRate: tf.scalar(learningRate),
    weightDecay: tf.scalar(weightDecay),
    correction1: tf.scalar(correction1),
    correction2: tf.scalar(correction2),
  };
}

/** Norm of all gradients together. Vectors are joined first: there are many, and a kernel of each takes longer to start than to run. */
export function globalNorm(gradients: Parameters): Tensor {
  const { vectors = [], others = [] } = Object.groupBy(
    Object.values(gradients),
    ({ rank }) => rank === 1 ? "vectors" : "others",
  );
  const joined = vectors.length > 1 ? [tf.concat(vectors)] : vectors;
  return tf.sqrt(tf.addN([...others, ...joined].map((gradient) => squaredNorm(gradient)[0])));
}

const squaredNorm = kernel("squared_norm", (gradient: Tensor) => [tf.sum(tf.square(gradient))]);

/** min(1, limit / norm): what all gradients are multiplied by so that their norm is at most `limit`. */
export function clipFactor(norm: Tensor, limit: number): Tensor {
  return tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)));
}

const updateWith = (beta2: number) =>
  kernel(
    "adamw",
    (
      parameter: Tensor,
      gradient: Tensor,
      first: Tensor,
      second: Tensor,
      learningRate: Tensor,
      weightDecay: Tensor,
      correction1: Tensor,
      correction2: Tensor,
      clip: Tensor,
    ) => {
      const g = tf.mul(gradient, clip);
      const m = tf.add(tf.mul(first, BETA1), tf.mul(g, 1 - BETA1));
      const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2));
      const direction = tf.div(tf.div(m, correction1), tf.add(tf.sqrt(tf.div(v, correction2)), EPSILON));
      const decayed = tf.mul(parameter, tf.sub(1, tf.mul(learningRate, weightDecay)));
      return [tf.sub(decayed, tf.mul(learningRate, direction)), m, v];
    },
  );

/** Kernels by their beta2. */
const updates = new Map<number, ReturnType<typeof updateWith>>();

/**
 * One step of AdamW for the parameters that have gradients; the others are returned as they are.
 *
 * @param rateFactor what a parameter's learning rate is of the common one, by its name; 1 where it is left out
 * @param beta2 how much of the second moments stays from step to step; biasCorrections() has to be told it too
 */
export function adamw(
  parameters: Parameters,
  gradients: Parameters,
  moments: Moments,
  scalars: UpdateScalars,
  rateFactor?: (name: string) => number,
  beta2: number = BETA2,
): { parameters: Parameters; moments: Moments } {
  const next: Parameters = { ...parameters };
  const first: Parameters = {}, second: Parameters = {};
  const update = updates.get(beta2) ?? updateWith(beta2);
  updates.set(beta2, update);
  for (const [name, gradient] of Object.entries(gradients)) {
    const { weightDecay, correction1, correction2, clip } = scalars;
    const learningRate = rateFactor ? tf.mul(scalars.learningRate, rateFactor(name)) : scalars.learningRate;
    const decay = isDecayed(name) ? weightDecay : tf.scalar(0);
    [next[name], first[name], second[name]] = update(
      ...[parameters[name], gradient, moments.first[name], moments.second[name]] as const,
      ...[learningRate, decay, correction1, correction2, clip] as const,
    );
  }
  return { parameters: next, moments: { first, second } };
}

const average = kernel("ema", (slow: Tensor, fast: Tensor, momentum: Tensor) => [
  tf.add(tf.mul(slow, momentum), tf.mul(fast, tf.sub(1, momentum))),
]);

/** momentum * slow + (1 - momentum) * fast, for each parameter of `slow` that is trained. */
export function movingAverage(slow: Parameters, fast: Parameters, momentum: Tensor): Parameters {
  return Object.fromEntries(
    Object.entries(slow).map(([name, value]) => [
      name,
      isTrained(name) ? average(value, fast[name], momentum)[0] : value,
    ]),
  );
}
