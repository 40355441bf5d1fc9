/**
 * The linear probe: softmax regression on frozen features, what a linear layer can read from them. A convex problem with
 * one solution, which is found by a method of Newton's kind: no learning rate, no epochs, no seed.
 *
 * @module
 */
import { AttrKind } from "../tensorflow/attributes.ts";
import { backend, tf } from "../tensorflow/backend.ts";
import { compile } from "../tensorflow/compile.ts";
import { DType } from "../tensorflow/dtypes.ts";
import { checkPair, columnMeans, type Features } from "./features.ts";
import { lbfgs } from "./lbfgs.ts";

/** How to fit. */
export interface LinearProbeOptions {
  /** lambda: the loss is the mean cross-entropy + lambda / 2 |W|^2 over standardised features. Default 1e-4. */
  weightDecay?: number;
  /** Told after each iteration what the loss is. */
  onProgress?: (iteration: number, loss: number) => void;
}

/** How well the fitted layer does. */
export interface LinearProbeResult {
  /** Test images whose most probable class is their own, in percent. */
  accuracy: number;
  /** The same of the training images. */
  trainAccuracy: number;
  /** Iterations of L-BFGS. */
  iterations: number;
  /** Whether the solution was reached; false only after 500 iterations. */
  converged: boolean;
}

/** Images whose features' covariance preconditions the search; it need not be exact. */
const SAMPLE = 8192;

/** Each column less its mean over its deviation, both of the training set; a constant column becomes zeros. */
function standardiser(train: Features): (features: Features) => tf.Tensor2D {
  const { width, labels } = train;
  const mean = columnMeans(train), scale = new Float64Array(width);
  for (let i = 0; i < train.values.length; i += width) {
    for (let j = 0; j < width; j++) scale[j] += (train.values[i + j] - mean[j]) ** 2;
  }
  for (let j = 0; j < width; j++) {
    const deviation = Math.sqrt(scale[j] / labels.length);
    scale[j] = deviation > 1e-6 * Math.abs(mean[j]) ? 1 / deviation : 0;
  }
  return ({ values, labels }) => {
    const standardised = new Float32Array(values.length);
    for (let i = 0; i < values.length; i += width) {
      for (let j = 0; j < width; j++) standardised[i + j] = (values[i + j] - mean[j]) * scale[j];
    }
    return tf.tensor2d(standardised, [labels.length, width]);
  };
}

const FLOAT = { name: "T", type: AttrKind.TYPE, value: DType.FLOAT };

/**
 * L^-1 of L L^T = covariance + ridge: x of covariance C as L^-1 x has covariance I.
 *
 * @param x standardised, [N, D]
 * @returns [D, D]
 */
function whitening(x: tf.Tensor2D, ridge: number): tf.Tensor2D {
  const [images, width] = x.shape;
  const stride = Math.ceil(images / SAMPLE);
  const sample = tf.stridedSlice(x, [0, 0], [images, width], [stride, 1]);
  const identity = tf.eye(width);
  const covariance = tf.div(tf.matMul(sample, sample, true), sample.shape[0]);
  const factor = backend().executeSingleOutput("Cholesky", [FLOAT], [tf.add(covariance, tf.mul(identity, ridge))]);
  const attributes = [
    { name: "lower", type: AttrKind.BOOL, value: true },
    { name: "adjoint", type: AttrKind.BOOL, value: false },
    FLOAT,
  ];
  return backend().executeSingleOutput("MatrixTriangularSolve", attributes, [factor, identity]) as tf.Tensor2D;
}

/** Percent of rows whose greatest logit is their label's. */
function accuracy(x: tf.Tensor2D, labels: Int32Array, weight: tf.Tensor2D, bias: tf.Tensor1D): number {
  const predictions = tf.tidy(() => tf.argMax(tf.add(tf.matMul(x, weight, false, true), bias), 1).dataSync());
  return 100 * predictions.filter((label, i) => label === labels[i]).length / labels.length;
}

/**
 * Fits softmax regression to the training features and measures it on the test features. Deterministic.
 *
 * L-BFGS runs over V with W = V L^-1, where L L^T is the features' covariance (+ ridge): at W = 0 the Hessian is this
 * covariance / classes (Boehning 1992), so that in V the problem is nearly round however correlated the features are.
 *
 * @throws RangeError where the sets do not fit together or the weight decay is negative
 */
export async function linearProbe(
  train: Features,
  test: Features,
  options: LinearProbeOptions = {},
): Promise<LinearProbeResult> {
  const { weightDecay = 1e-4, onProgress } = options;
  checkPair(train, test);
  if (!(weightDecay >= 0)) throw new RangeError(`The weight decay must not be negative; got ${weightDecay}.`);
  const { width } = train;
  const classes = train.labels.reduce((a, b) => Math.max(a, b)) + 1;

  const standardise = standardiser(train);
  const x = standardise(train);
  const oneHot = tf.tidy(() => tf.oneHot(tf.tensor1d(train.labels, "int32"), classes, 1, 0, "float32"));
  // The curvature of the weight decay, and a little more so that float32 suffices for the factorisation.
  const whiten = tf.tidy(() => whitening(x, classes * weightDecay + 1e-6 * width));

  const lossAndGradient = compile(
    (v: tf.Tensor2D, bias: tf.Tensor1D, x: tf.Tensor2D, oneHot: tf.Tensor2D, whiten: tf.Tensor2D) =>
      tf.valueAndGrads((v: tf.Tensor, bias: tf.Tensor) => {
        const weight = tf.matMul(v as tf.Tensor2D, whiten); // [C, D]
        const logits = tf.add(tf.matMul(x, weight, false, true), bias); // [N, C]
        const crossEntropy = tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, oneHot), 1)));
        return tf.add(crossEntropy, tf.mul(weightDecay / 2, tf.sum(tf.square(weight)))) as tf.Scalar;
      })([v, bias]),
    { name: "linear_probe", jit: "graph" },
  );
  const split = (point: Float64Array): [tf.Tensor2D, tf.Tensor1D] => [
    tf.tensor2d(Float32Array.from(point.subarray(0, classes * width)), [classes, width]),
    tf.tensor1d(Float32Array.from(point.subarray(classes * width))),
  ];

  try {
    const { x: point, iterations, converged } = await lbfgs(async (point) => {
      const [v, bias] = split(point);
      const { value, grads } = await lossAndGradient(v, bias, x, oneHot as tf.Tensor2D, whiten);
      const [loss, ...gradients] = await Promise.all([value, ...grads].map((tensor) => tensor.data()));
      tf.dispose([v, bias, value, grads]);
      const gradient = new Float64Array(point.length);
      gradient.set(gradients[0]);
      gradient.set(gradients[1], classes * width);
      return { value: loss[0], gradient };
    }, {
      start: new Float64Array(classes * (width + 1)),
      firstStep: classes,
      tolerance: 1e-4,
      limit: 500,
      onIteration: onProgress,
    });

    return tf.tidy(() => {
      const [v, bias] = split(point);
      const weight = tf.matMul(v, whiten) as tf.Tensor2D;
      return {
        accuracy: accuracy(standardise(test), test.labels, weight, bias),
        trainAccuracy: accuracy(x, train.labels, weight, bias),
        iterations,
        converged,
      };
    });
  } finally {
    tf.dispose([x, oneHot, whiten]);
    lossAndGradient.dispose();
  }
}
