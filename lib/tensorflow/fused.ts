/**
 * Functions that run as one kernel: islands that XLA compiles inside a graph whose matrix products are oneDNN's. An
 * elementwise chain of ten ops then reads and writes memory once instead of ten times, forward and backward.
 *
 * @module
 */
import type { Tensor } from "./backend.ts";
import { DType } from "./dtypes.ts";
import type { Graph } from "./graph.ts";
import { gradients, nested, type TensorFunction, withGradient } from "./nested.ts";

const wanted = (graph: Graph) => graph.islands;

/**
 * Makes a differentiable function of tensors run as one kernel inside compiled functions, and its gradient as another.
 * The gradient computes the forward pass again from the inputs, so that nothing else is kept. For chains of elementwise
 * ops and reductions; matrix products belong outside. Called eagerly, the function runs op by op.
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
  const backward = nested(`${name}_gradient`, (dy, ...inputs) => gradients(plain, inputs, dy, constants), {
    xla: true,
    wanted,
    types: ([, ...inputs]) => (_, index) => inputs[index].dtype,
  });
  return withGradient((...inputs) => forward(...inputs)[0], backward, constants) as (...inputs: Inputs) => Tensor;
}

/**
 * As fused(), for functions of several results that need no gradient, such as an optimiser's update of one parameter.
 */
export function kernel<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor[],
): (...inputs: Inputs) => Tensor[] {
  return nested(name, fn as unknown as TensorFunction, { xla: true, wanted }) as (...inputs: Inputs) => Tensor[];
}
