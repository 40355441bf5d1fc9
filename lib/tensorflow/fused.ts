/**
 * Functions that run as one kernel: islands that XLA compiles inside a graph whose matrix products are oneDNN's. An
 * elementwise chain of ten ops then reads and writes memory once instead of ten times, forward and backward.
 *
 * @module
 */
import { cast } from "./autocast.ts";
import { idsOf, type Tensor, tensorOf, tf, traced } from "./backend.ts";
import { currentGraph, register, symbolicValue } from "./binding.ts";
import { describe, DType } from "./dtypes.ts";
import { addFunction } from "./eager.ts";
import { Graph, type GraphFunction, type SymbolicValue } from "./graph.ts";

type TensorFunction = (...inputs: Tensor[]) => Tensor[];

let islands = 0;

/**
 * Traces `fn` into a function of its own. `types` are the types that its outputs shall have.
 *
 * @throws Error where `fn` uses a tensor that is not among its inputs.
 */
function traceIsland(
  name: string,
  fn: TensorFunction,
  outer: Graph,
  inputs: readonly SymbolicValue[],
  types: (output: SymbolicValue, index: number) => number,
): GraphFunction {
  const graph = new Graph(outer.precision, false, outer);
  const placeholders = inputs.map(({ shape, dtype }) => graph.placeholder(shape, dtype));
  let outputs: SymbolicValue[];
  try {
    outputs = traced(graph, () => {
      const results = fn(...placeholders.map((value) => tensorOf(register(value))));
      return idsOf(results).map((id) => symbolicValue(id, graph));
    });
    if (graph.captures.length) {
      throw new Error(`fused(${name}) uses a tensor that is not among its inputs: pass it in.`);
    }
  } catch (error) {
    graph.discard();
    throw error;
  }
  const typed = outputs.map((value, i) => cast(graph, value, types(value, i)));
  // compile() numbers its own functions, which may be called the same.
  return graph.toFunction(`${name}_island_${islands++}`, { inputs: placeholders, outputs: typed, xla: true });
}

/** tf.grads, callable while another gradient is being taken: tfjs keeps a single tape and drops it at the end. */
function gradients(fn: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], dy: Tensor): Tensor[] {
  const { state } = tf.engine();
  const tape = state.activeTape;
  try {
    return tf.grads(fn)(inputs, dy);
  } finally {
    state.activeTape = tape;
  }
}

/** Runs `fn` as an island of the graph that is being traced, where that wants islands; else as it is. */
function island(
  name: string,
  fn: TensorFunction,
  types: (inputs: readonly SymbolicValue[]) => (output: SymbolicValue, index: number) => number,
): TensorFunction {
  const known = new Map<string, GraphFunction>();
  return (...inputs) => {
    const outer = currentGraph();
    if (!outer?.islands) return fn(...inputs);
    const values = idsOf(inputs).map((id) => symbolicValue(id, outer));
    const signature = `${outer.precision} ${values.map(({ dtype, shape }) => describe(dtype, shape)).join()}`;
    let compiled = known.get(signature);
    if (!compiled) {
      known.set(signature, compiled = traceIsland(name, fn, outer, values, types(values)));
      addFunction(compiled);
    }
    return outer.call(compiled, values).map((value) => tensorOf(register(value)));
  };
}

/**
 * Makes a differentiable function of tensors run as one kernel inside compiled functions, and its gradient as another.
 * The gradient computes the forward pass again from the inputs, so that nothing else is kept. For chains of elementwise
 * ops and reductions; matrix products belong outside. Called eagerly, the function runs op by op.
 *
 * @param name for profiles and errors
 * @param fn tensors to one tensor; it may use no other tensors than its arguments
 * @param store how a compiled function in bfloat16 keeps the result: "float32", or "activation" where matrix products
 *   consume it
 */
export function fused<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor,
  store: "float32" | "activation" = "float32",
): (...inputs: Inputs) => Tensor {
  const plain = fn as unknown as (...inputs: Tensor[]) => Tensor;
  const forward = island(name, (...inputs) => [plain(...inputs)], () => (output) => {
    const reduced = store === "activation" && output.graph.precision === "bfloat16" && output.dtype === DType.FLOAT;
    return reduced ? DType.BFLOAT16 : output.dtype;
  });
  const backward = island(
    `${name}_gradient`,
    (dy, ...inputs) => gradients(plain, inputs, dy),
    ([, ...inputs]) => (_, index) => inputs[index].dtype,
  );
  const differentiable = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const inputs = args as Tensor[];
    save(inputs);
    return {
      value: forward(...inputs)[0],
      gradFunc: (dy: Tensor, saved: Tensor[]) => backward(dy, ...saved),
    };
  });
  return (...inputs) => differentiable(...inputs);
}

/**
 * As fused(), for functions of several results that need no gradient, such as an optimiser's update of one parameter.
 */
export function kernel<Inputs extends Tensor[]>(
  name: string,
  fn: (...inputs: Inputs) => Tensor[],
): (...inputs: Inputs) => Tensor[] {
  return island(name, fn as unknown as TensorFunction, () => (output) => output.dtype) as (
    ...inputs: Inputs
  ) => Tensor[];
}
