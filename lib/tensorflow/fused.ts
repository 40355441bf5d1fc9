/**
 * Functions that run as one kernel: islands that XLA compiles inside a graph whose matrix products are oneDNN's. An
 * elementwise chain of ten ops then reads and writes memory once instead of ten times, forward and backward.
 *
 * @module
 */
import { type Tensor, tf } from "./backend.ts";
import { currentGraph } from "./binding.ts";
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

/**
 * As fused(), for functions of several results that need no gradient, such as an optimiser's update of one parameter.
 *
 * @param exact whether what a compiled function keeps in bfloat16 is made float32 before the kernel: where there is nothing
 *   else to do in it but a sum. Default false
 */
export function kernel<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor[],
  exact = false,
): (...inputs: Inputs) => Tensor[] {
  return nested(name, fn as unknown as TensorFunction, { xla: true, wanted, exact }) as (...inputs: Inputs) => Tensor[];
}

const sum = kernel("sum_of_rows", (x: Tensor) => [tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1]!]), 0)], true);

/** x [..., D] summed over all axes but the last: [D]. */
export const sumOfRows = (x: Tensor): Tensor => sum(x)[0];
