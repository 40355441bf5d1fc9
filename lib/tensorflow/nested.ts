/**
 * Functions inside a function that is being compiled: traced into graphs of their own, once for each signature, and
 * called from it.
 *
 * @module
 */
import { cast } from "./autocast.ts";
import { idsOf, type Tensor, tensorOf, tf, traced } from "./backend.ts";
import { currentGraph, register, symbolicValue } from "./binding.ts";
import { describe } from "./ops/dtypes.ts";
import { addFunction } from "./ops/eager.ts";
import { Graph, type GraphFunction, type SymbolicValue } from "./ops/graph.ts";

/** Tensors to tensors. */
export type TensorFunction = (...inputs: Tensor[]) => Tensor[];

/** How a nested function is made. */
export interface NestedOptions {
  /** Whether XLA compiles it to a kernel; else TensorFlow runs it op by op, with kernels inside. */
  xla: boolean;
  /** Whether this graph wants it nested; where not, its ops go into the graph itself. */
  wanted: (graph: Graph) => boolean;
  /** The types that its outputs shall have; default those that they have. */
  types?: (inputs: readonly SymbolicValue[]) => (output: SymbolicValue, index: number) => number;
}

let made = 0;

/**
 * Traces `fn` into a function of its own.
 *
 * @throws Error where `fn` uses a tensor that is not among its inputs.
 */
function trace(
  name: string,
  fn: TensorFunction,
  outer: Graph,
  inputs: readonly SymbolicValue[],
  { xla, types }: NestedOptions,
): GraphFunction {
  const graph = new Graph({ precision: outer.precision, islands: !xla, recompute: false }, outer);
  const placeholders = inputs.map(({ shape, dtype }) => graph.placeholder(shape, dtype));
  let outputs: SymbolicValue[];
  try {
    outputs = traced(graph, () => {
      const results = fn(...placeholders.map((value) => tensorOf(register(value))));
      return idsOf(results).map((id) => symbolicValue(id, graph));
    });
    if (graph.captures.length) {
      throw new Error(`The function ${name} uses a tensor that is not among its inputs: pass it in.`);
    }
  } catch (error) {
    graph.discard();
    throw error;
  }
  const typeOf = types?.(inputs);
  const typed = typeOf ? outputs.map((value, i) => cast(graph, value, typeOf(value, i))) : outputs;
  // compile() numbers its own functions, which may be called the same.
  const unique = `${name.replace(/\W/g, "_")}_nested_${made++}`;
  return graph.toFunction(unique, { inputs: placeholders, outputs: typed, xla, nested: true });
}

/** Makes `fn` a function of its own in the graphs that want it so; elsewhere it runs as it is. */
export function nested(name: string, fn: TensorFunction, options: NestedOptions): TensorFunction {
  const known = new Map<string, GraphFunction>();
  return (...inputs) => {
    const outer = currentGraph();
    if (!outer || !options.wanted(outer)) return fn(...inputs);
    const values = idsOf(inputs).map((id) => symbolicValue(id, outer));
    const signature = `${outer.precision} ${values.map(({ dtype, shape }) => describe(dtype, shape)).join()}`;
    let compiled = known.get(signature);
    if (!compiled) {
      known.set(signature, compiled = trace(name, fn, outer, values, options));
      addFunction(compiled);
    }
    return outer.call(compiled, values).map((value) => tensorOf(register(value)));
  };
}

/**
 * tf.grads by the first inputs, callable while another gradient is being taken: tfjs keeps a single tape and drops it at
 * the end.
 *
 * @param constants how many of the last inputs are left out
 */
export function gradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  dy: Tensor,
  constants: number,
): Tensor[] {
  const { state } = tf.engine();
  const tape = state.activeTape;
  const varied = inputs.slice(0, inputs.length - constants), held = inputs.slice(varied.length);
  try {
    return tf.grads((...values: Tensor[]) => fn(...values, ...held))(varied, dy);
  } finally {
    state.activeTape = tape;
  }
}

/**
 * A function with a gradient of its own, which gets the function's inputs and nothing else of the forward pass.
 *
 * @param backward dy and the inputs to the gradients by all but the last `constants` of them
 */
export function withGradient(
  forward: (...inputs: Tensor[]) => Tensor,
  backward: TensorFunction,
  constants: number,
): (...inputs: Tensor[]) => Tensor {
  const differentiable = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const inputs = args as Tensor[];
    save(inputs);
    return {
      value: forward(...inputs),
      gradFunc: (dy: Tensor, saved: Tensor[]) => [
        ...backward(dy, ...saved),
        ...saved.slice(saved.length - constants).map((input) => tf.zerosLike(input)),
      ],
    };
  });
  return (...inputs) => differentiable(...inputs);
}

/**
 * A function of one input, and of constants, whose gradient follows from its result, so that the input need not be kept.
 *
 * @param backward dy, the result and the constants to the gradient by the input
 */
export function withGradientOfResult(
  forward: (x: Tensor, ...constants: Tensor[]) => Tensor,
  backward: (dy: Tensor, result: Tensor, ...constants: Tensor[]) => Tensor,
): (x: Tensor, ...constants: Tensor[]) => Tensor {
  const differentiable = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const [x, ...constants] = args as Tensor[];
    const value = forward(x, ...constants);
    save([value, ...constants]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [result, ...given] = saved;
        return [backward(dy, result, ...given), ...given.map((constant) => tf.zerosLike(constant))];
      },
    };
  });
  return (x, ...constants) => differentiable(x, ...constants);
}
