/**
 * compile(fn): a function of tensors, run once to record what it computes and from then on one call into TensorFlow.
 *
 * @module
 */
import { cast, type Precision } from "./autocast.ts";
import { AttrKind } from "./ops/attributes.ts";
import { idsOf, type Tensor, tensorOf, traced } from "./backend.ts";
import { currentGraph, eagerValue, register, symbolicValue } from "./binding.ts";
import { describe } from "./ops/dtypes.ts";
import { addFunction, type EagerValue, executeFunction, hasGpu, release, removeFunction } from "./ops/eager.ts";
import { believedDType, Graph, type SymbolicValue } from "./ops/graph.ts";
import { removeDamaged } from "./libraries/kept_compilations.ts";
import { keptCompilations, library } from "./libraries/library.ts";
import { flatten, tensorsAt } from "./structure.ts";
import { checkFits, type Variables } from "./variables.ts";

/** How to compile. */
export interface CompileOptions {
  /**
   * "xla" gives the whole function to XLA; "graph" leaves matrix products to TensorFlow's own kernels (oneDNN on a CPU)
   * and gives XLA the parts that are marked with fused(). Default: "xla" on a GPU, "graph" on a CPU.
   */
  jit?: "xla" | "graph";
  /** What matrix products compute in; parameters, norms and loss stay float32. Default "float32". */
  precision?: Precision;
  /**
   * Whether a gradient computes what recomputed() holds, such as a transformer block, again from its inputs, instead of
   * keeping what the forward pass computed inside: less memory for more time, see there. Default false.
   */
  recompute?: boolean;
  /** For errors and profiles; default the function's own name. */
  name?: string;
  /**
   * Told of each compilation, after its first call, which is among its seconds: new shapes or constants mean a new
   * compilation, which takes seconds for a large step.
   */
  onCompile?: (compilation: { name: string; signature: string; operations: number; seconds: number }) => void;
}

/** One compilation: a function in TensorFlow for one signature. */
interface Compilation {
  name: string;
  captures: EagerValue[];
  outputs: number;
  rebuild(tensors: readonly Tensor[]): unknown;
}

let compilations = 0;

/** Runs `fn` once, its operations going into `graph`. */
function record(
  graph: Graph,
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
  name: string,
  variables?: Variables<unknown>,
): {
  inputs: SymbolicValue[];
  outputs: SymbolicValue[];
  controls: Deno.PointerValue[];
  rebuild: Compilation["rebuild"];
} {
  const flat = flatten(args, "arguments");
  const inputs = idsOf(flat.tensors).map((id) => {
    const { shape, dtype } = eagerValue(id);
    return graph.placeholder(shape, dtype);
  });
  const list = variables?.list ?? [];
  const resources = list.map(({ resource }) => graph.placeholder([], resource.dtype));
  const held = list.map(({ shape, dtype }, i) => graph.readVariable(resources[i], shape, dtype));

  const { outputs, updates, rebuild } = traced(graph, () => {
    const asTensors = (values: typeof inputs) => values.map((value) => tensorOf(register(value)));
    const symbols = (tensors: Tensor[]) => idsOf(tensors).map((id) => symbolicValue(id, graph));
    const given = flat.rebuild(asTensors(inputs)) as unknown[];
    const value = variables ? fn(variables.rebuild(asTensors(held)), ...given) : fn(...given);
    const all = flatten(value, `the result of ${name}`);
    const { state, result } = variables && value ? value as { state?: unknown; result?: unknown } : {};
    const returned = variables ? flatten(result, "result") : all;
    const kept = tensorsAt(state, list.map(({ path }) => path), `The state that ${name} returns`);
    // What leaves the function is what tfjs believes it to be.
    const outputs = symbols(returned.tensors).map((value) => cast(graph, value, believedDType(value.dtype)));
    return { outputs, updates: symbols(kept), rebuild: returned.rebuild };
  });

  const controls = updates.flatMap((value, i) => {
    if (value === held[i]) return [];
    checkFits(list[i], { ...value, dtype: believedDType(value.dtype) }, `${name} returned`);
    return [graph.assignVariable(resources[i], held[i], value, list[i].dtype)];
  });
  return { inputs: [...inputs, ...resources], outputs, controls, rebuild };
}

function trace(
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
  { name, precision = "float32", recompute = false, jit }:
    & Required<Pick<CompileOptions, "name" | "jit">>
    & CompileOptions,
  variables?: Variables<unknown>,
): { compilation: Compilation; operations: number } {
  const graph = new Graph({ precision, islands: jit === "graph", recompute });
  let recorded: ReturnType<typeof record>;
  try {
    recorded = record(graph, fn, args, name, variables);
  } catch (error) {
    graph.discard();
    throw error;
  }
  const operations = graph.size;
  const unique = `${name.replace(/\W/g, "_")}_${compilations++}`;
  const made = graph.toFunction(unique, { ...recorded, xla: jit === "xla" });
  addFunction(made);
  library().TF_DeleteFunction(made.pointer);
  // Nothing surrounds this graph, so all that it captured is in TensorFlow's memory.
  const captures = graph.captures as EagerValue[];
  const { outputs, rebuild } = recorded;
  return { compilation: { name: unique, captures, outputs: outputs.length, rebuild }, operations };
}

/** The error of a first call, with what there is to say of compilations kept by earlier processes. */
function aboutKept(error: Error): Error {
  const folder = keptCompilations(), damaged = folder === undefined ? [] : removeDamaged(folder);
  if (damaged.length) {
    error.message += `\nThese kept compilations were damaged and are removed, start again: ${damaged.join()}`;
  } else if (folder !== undefined && hasGpu()) {
    error.message +=
      `\n(Compilations are kept in ${folder}. TF_XLA_FLAGS=--tf_xla_persistent_cache_directory= keeps none.)`;
  }
  return error;
}

/** A function that compile() made. */
export interface Compiled<Args extends unknown[], Result> {
  /** Runs it; compiles first where it has not met these shapes and constants. */
  (...args: Args): Promise<Result>;
  /** Frees the compilations, once no call is running. The kernels of fused() stay, for others share them. */
  dispose(): void;
}

function makeCompiled<Args extends unknown[], Result>(
  fn: (...args: unknown[]) => unknown,
  options: CompileOptions,
  variables?: Variables<unknown>,
): Compiled<Args, Result> {
  const name = options.name || fn.name || "function";
  const known = new Map<string, Compilation>();

  const run = async (args: Args): Promise<Result> => {
    const jit = options.jit ?? (hasGpu() ? "xla" : "graph");
    const { tensors, key } = flatten(args, "arguments");
    const values = idsOf(tensors).map(eagerValue);
    const signature = `${key} ${values.map(({ dtype, shape }) => describe(dtype, shape)).join()}`;
    const start = performance.now();
    const traced = known.has(signature) ? undefined : trace(fn, args, { ...options, name, jit }, variables);
    if (traced) known.set(signature, traced.compilation);
    const compilation = known.get(signature)!;
    const inputs = [...values, ...variables?.list.map(({ resource }) => resource) ?? [], ...compilation.captures];
    const attributes = jit === "xla" ? [{ name: "_XlaMustCompile", type: AttrKind.BOOL, value: true }] : [];
    const execution = executeFunction(compilation.name, attributes, inputs, compilation.outputs, variables?.turn);
    // Two updates of the same variables at once would lose one of them.
    if (variables) variables.turn = execution.catch(() => {});
    const outputs = await execution.catch((error) => {
      throw traced ? aboutKept(error) : error;
    });
    if (traced) {
      // XLA and TensorFlow's own optimiser work in the first call.
      const seconds = (performance.now() - start) / 1000;
      options.onCompile?.({ name, signature, operations: traced.operations, seconds });
    }
    return compilation.rebuild(outputs.map((value) => tensorOf(register(value)))) as Result;
  };

  const call = (...args: Args): Promise<Result> => {
    if (currentGraph()) throw new Error(`${name} is compiled and cannot be called inside another compiled function.`);
    return run(args);
  };

  const dispose = () => {
    for (const { name, captures } of known.values()) {
      captures.forEach(release);
      removeFunction(name);
    }
    known.clear();
  };
  return Object.assign(call, { dispose });
}

/**
 * Compiles a pure function of tensors.
 *
 * The function runs once for each signature (the structure of its arguments, their shapes and types, and every number,
 * string or boolean among them), to record its tf operations; after that a call is one call into TensorFlow, off the
 * event loop. It must not read values (`dataSync`) nor depend on anything else that changes: tensors that it captures are
 * taken as they are at the first call. Gradients (tf.valueAndGrads) are recorded as well.
 *
 * @param fn arguments and result: tensors, or nested records and arrays of them
 * @returns the compiled function; its results belong to the caller, who disposes of them
 * @throws Error where a value is read during the trace, or a shape depends on values; TensorFlowError with the op, its
 *   inputs and TensorFlow's reason where an op cannot be built or run
 */
export function compile<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
  options: CompileOptions = {},
): Compiled<Args, Result> {
  return makeCompiled<Args, Result>(fn as (...args: unknown[]) => unknown, options);
}

/**
 * Compiles a function that updates a state: (state, ...args) -> { state, result }. The state lives in variables that are
 * updated in place, so that it is held once. Calls run one after another.
 *
 * @param fn pure, as for compile(); the state it returns has the structure and shapes of the one it is given
 * @param variables hold the state
 */
export function compileUpdate<State, Args extends unknown[], Result>(
  fn: (state: State, ...args: Args) => { state: State; result: Result },
  variables: Variables<State>,
  options: CompileOptions = {},
): Compiled<Args, Result> {
  return makeCompiled<Args, Result>(
    fn as unknown as (...args: unknown[]) => unknown,
    options,
    variables as Variables<unknown>,
  );
}
