/**
 * Functions that run as one kernel: islands that XLA compiles inside a graph whose matrix products are oneDNN's. An
 * elementwise chain of ten ops then reads and writes memory once instead of ten times, forward and backward.
 *
 * @module
 */
import { idsOf, type Tensor, tf } from "./backend.ts";
import { currentGraph, symbolicValue } from "./binding.ts";
import { DType } from "./ops/dtypes.ts";
import type { Graph } from "./ops/graph.ts";
import { gradients, nested, type TensorFunction, withGradient } from "./nested.ts";

const wanted = (graph: Graph) => graph.islands;

/** Whether an input is a vector beside another's rows, such as a bias. */
const isVector = (input: Tensor, [first]: readonly Tensor[]) =>
  input.rank === 1 && first.rank > 1 && input.size === first.shape[first.rank - 1];

/** The gradients by all but the constants; those by vectors are not summed over the rows yet. */
function gradientsByRow(fn: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor, constants: number) {
  const [first] = inputs, varied = inputs.length - constants;
  const spread = inputs.map((input, i) =>
    i < varied && isVector(input, inputs) ? tf.broadcastTo(input, first.shape) : input
  );
  return gradients(fn, spread, dy, constants);
}

/**
 * Makes a differentiable function of tensors run as one kernel inside compiled functions, and its gradient as another.
 * The gradient computes the forward pass again from the inputs, so that nothing else is kept. For chains of elementwise
 * ops and reductions; matrix products belong outside. Called eagerly, the function runs op by op.
 *
 * A vector as long as the first input's last axis, such as a bias, is one that is added to or multiplied with its rows; its
 * gradient, a sum over them, is computed by itself, for XLA is slow at sums over any axis but the last inside a kernel.
 *
 * @param name for profiles and errors
 * @param fn tensors to one tensor; it may use no other tensors than its arguments
 * @param store how a compiled function in bfloat16 keeps the result: "float32", or "activation" where matrix products
 *   consume it
 * @param constants how many of the last arguments need no gradient; theirs is zero
 */
export function fused<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor,
  store: "float32" | "activation" = "float32",
  constants = 0,
): (...inputs: Inputs) => Tensor {
  const plain = fn as unknown as (...inputs: Tensor[]) => Tensor;
  const forward = nested(name, (...inputs) => [plain(...inputs)], {
    xla: true,
    wanted,
    types: () => (output) => {
      const reduced = store === "activation" && output.graph.precision === "bfloat16" && output.dtype === DType.FLOAT;
      return reduced ? DType.BFLOAT16 : output.dtype;
    },
  });
  const byRow = nested(`${name}_gradient`, (dy, ...inputs) => gradientsByRow(plain, inputs, dy, constants), {
    xla: true,
    wanted,
    types: ([, ...inputs]) => (_, index) => inputs[index].dtype,
  });
  const backward = (dy: Tensor, ...inputs: Tensor[]) => {
    const graph = currentGraph();
    if (!graph || !wanted(graph)) return gradients(plain, inputs, dy, constants);
    return byRow(dy, ...inputs).map((gradient, i) => isVector(inputs[i], inputs) ? sumOfRows(gradient) : gradient);
  };
  return withGradient((...inputs) => forward(...inputs)[0], backward, constants) as (...inputs: Inputs) => Tensor;
}

/** As fused(), for functions of several results that need no gradient, such as an optimiser's update of one parameter. */
export function kernel<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor[],
): (...inputs: Inputs) => Tensor[] {
  return nested(name, fn as unknown as TensorFunction, { xla: true, wanted }) as (...inputs: Inputs) => Tensor[];
}

const sum = kernel("sum_of_rows", (x: Tensor) => [tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1]!]), 0)]);

/**
 * x [..., D] summed over all axes but the last: [D].
 *
 * What a compiled function keeps in bfloat16 is summed by a product with ones: it is added up in float32 and rounded, as a
 * weight's gradient is, and takes a half to a quarter of the time that making it float32 and summing that does.
 */
export function sumOfRows(x: Tensor): Tensor {
  const graph = currentGraph(), width = x.shape[x.rank - 1]!;
  const kept = graph && wanted(graph) ? symbolicValue(idsOf([x])[0], graph).dtype : undefined;
  if (kept !== DType.BFLOAT16) return sum(x)[0];
  const rows = tf.reshape(x, [-1, width]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(tf.ones([1, rows.shape[0]]), rows), [width]);
}
