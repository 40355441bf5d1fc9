/**
 * Softmax regression: the linear layer that minimises cross-entropy + weight decay. A convex problem with one solution,
 * which is found by a method of Newton's kind: no learning rate, no epochs.
 *
 * @module
 */
import { AttrKind } from "../../tensorflow/ops/attributes.ts";
import { backend, tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { DType } from "../../tensorflow/ops/dtypes.ts";
import { lbfgs } from "./lbfgs.ts";

/** A fitted layer. */
export interface LinearLayer {
  /** [classes, D], row-major. */
  weight: Float32Array;
  /** [classes] */
  bias: Float32Array;
  /** Iterations of L-BFGS. */
  iterations: number;
  /** Whether the solution was reached; false only after 500 iterations. */
  converged: boolean;
}

/** [N]: the class of each row's greatest logit; x [N, D]. */
export function predict(x: tf.Tensor2D, { weight, bias }: LinearLayer): Int32Array<ArrayBuffer> {
  return tf.tidy(() => {
    const logits = tf.matMul(x, tf.tensor2d(weight, [bias.length, x.shape[1]]), false, true);
    return tf.argMax(tf.add(logits, tf.tensor1d(bias)), 1).dataSync<"int32">() as Int32Array<ArrayBuffer>;
  });
}

/** What fit() needs of one problem. */
export interface FitOptions {
  /** [N]: how much each row counts; their sum is 1. */
  rowWeights: Float32Array;
  /** lambda of lambda / 2 |W|^2. The bias is not decayed. */
  weightDecay: number;
  /** Whether there is a bias. Default true; without one it stays 0. */
  intercept?: boolean;
  /** Converged where the gradient is no longer than this. Default 1e-4. */
  tolerance?: number;
  onIteration?: (iteration: number, loss: number) => void;
}

/** Rows whose covariance preconditions the search; it need not be exact. */
const SAMPLE = 8192;

function covarianceOf(x: tf.Tensor2D): tf.Tensor2D {
  const [rows, width] = x.shape;
  const sample = tf.stridedSlice(x, [0, 0], [rows, width], [Math.ceil(rows / SAMPLE), 1]);
  return tf.div(tf.matMul(sample, sample, true), sample.shape[0]);
}

/** L^-1 of L L^T = covariance + ridge: where x has this covariance, that of L^-1 x is the identity. */
function whitening(covariance: tf.Tensor2D, ridge: number): tf.Tensor2D {
  const identity = tf.eye(covariance.shape[0]);
  const float = { name: "T", type: AttrKind.TYPE, value: DType.FLOAT };
  const lower = { name: "lower", type: AttrKind.BOOL, value: true };
  const adjoint = { name: "adjoint", type: AttrKind.BOOL, value: false };
  const { executeSingleOutput } = backend();
  const execute = executeSingleOutput.bind(backend());
  const factor = execute("Cholesky", [float], [tf.add(covariance, tf.mul(identity, ridge))]);
  return execute("MatrixTriangularSolve", [lower, adjoint, float], [factor, identity]) as tf.Tensor2D;
}

/** Loss and its gradients with respect to V and b, where W = V L^-1. */
function lossAndGradients(
  v: tf.Tensor2D,
  bias: tf.Tensor1D,
  data: { x: tf.Tensor2D; oneHot: tf.Tensor2D; rowWeights: tf.Tensor1D; whiten: tf.Tensor2D; weightDecay: tf.Scalar },
): { value: tf.Scalar; grads: tf.Tensor[] } {
  return tf.valueAndGrads((v: tf.Tensor, bias: tf.Tensor) => {
    const weight = tf.matMul(v as tf.Tensor2D, data.whiten); // [C, D]
    const logits = tf.add(tf.matMul(data.x, weight, false, true), bias); // [N, C]
    const crossEntropy = tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, data.oneHot), 1)); // [N]
    const decay = tf.mul(tf.div(data.weightDecay, 2), tf.sum(tf.square(weight)));
    return tf.add(tf.sum(tf.mul(crossEntropy, data.rowWeights)), decay) as tf.Scalar;
  })([v, bias]);
}

/**
 * Prepares to fit layers to the same rows, so that several weight decays or subsets share what is costly.
 *
 * L-BFGS runs over V with W = V L^-1, where L L^T is the covariance (+ ridge) of the rows: at W = 0 the Hessian is this
 * covariance / classes (Boehning 1992), so that in V the problem is nearly round however correlated the columns are.
 *
 * @param x standardised, [N, D]; stays the caller's
 * @param labels [N], in 0 .. classes - 1
 */
export function softmaxRegression(
  x: tf.Tensor2D,
  labels: Int32Array,
  classes: number,
): { fit(options: FitOptions): Promise<LinearLayer>; dispose(): void } {
  const width = x.shape[1], size = classes * width;
  const [oneHot, covariance] = tf.tidy(() => [
    tf.oneHot(tf.tensor1d(labels, "int32"), classes, 1, 0, "float32") as tf.Tensor2D,
    covarianceOf(x),
  ]);
  const compiled = compile(lossAndGradients, { name: "softmax_regression", jit: "graph" });

  async function fit(
    { rowWeights, weightDecay, intercept = true, tolerance = 1e-4, onIteration }: FitOptions,
  ): Promise<LinearLayer> {
    const data = {
      ...{ x, oneHot, rowWeights: tf.tensor1d(rowWeights), weightDecay: tf.scalar(weightDecay) },
      // The curvature of the decay, and a little more so that float32 suffices for the factorisation.
      whiten: tf.tidy(() => whitening(covariance, classes * weightDecay + 1e-6 * width)),
    };
    const tensors = (point: Float64Array): [tf.Tensor2D, tf.Tensor1D] => [
      tf.tensor2d(Float32Array.from(point.subarray(0, size)), [classes, width]),
      tf.tensor1d(Float32Array.from(point.subarray(size))),
    ];
    try {
      const { x: point, iterations, converged } = await lbfgs(async (point) => {
        const [v, bias] = tensors(point);
        const { value, grads } = await compiled(v, bias, data);
        const [loss, ...gradients] = await Promise.all([value, ...grads].map((tensor) => tensor.data()));
        tf.dispose([v, bias, value, grads]);
        const gradient = new Float64Array(point.length);
        gradient.set(gradients[0]);
        if (intercept) gradient.set(gradients[1], size);
        return { value: loss[0], gradient };
      }, { start: new Float64Array(size + classes), firstStep: classes, tolerance, limit: 500, onIteration });

      return tf.tidy(() => {
        const [v, bias] = tensors(point);
        const weight = tf.matMul(v, data.whiten).dataSync<"float32">();
        return { weight, bias: bias.dataSync<"float32">(), iterations, converged };
      });
    } finally {
      tf.dispose([data.rowWeights, data.weightDecay, data.whiten]);
    }
  }

  return {
    fit,
    dispose() {
      tf.dispose([oneHot, covariance]);
      compiled.dispose();
    },
  };
}
