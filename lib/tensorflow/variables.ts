/**
 * Tensors that a compiled function updates in place: TensorFlow's resource variables, so that weights and optimiser state
 * are not held twice.
 *
 * @module
 */
import { AttrKind } from "./ops/attributes.ts";
import { idsOf, type Tensor, tensorOf } from "./backend.ts";
import { eagerValue, register } from "./binding.ts";
import { describe } from "./ops/dtypes.ts";
import { type EagerValue, execute, release } from "./ops/eager.ts";
import { flatten, tensorsAt } from "./structure.ts";

/** The name by which TensorFlow knows a variable that nobody else shall find (tensorflow/core/framework/resource_handle). */
const ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";

/** One variable: the handle of the resource, and what it holds. */
export interface Variable {
  /** TensorFlow's handle. */
  resource: EagerValue;
  /** Where it stands in the state, e.g. "state.encoder.norm.bias". */
  path: string;
  /** Shape of the value. */
  shape: number[];
  /** TF_DataType of the value. */
  dtype: number;
}

function makeVariable(value: EagerValue, path: string): Variable {
  const { shape, dtype } = value;
  const [resource] = execute(
    "VarHandleOp",
    [
      { name: "dtype", type: AttrKind.TYPE, value: dtype },
      { name: "shape", type: AttrKind.SHAPE, value: shape },
      { name: "shared_name", type: AttrKind.STRING, value: ANONYMOUS },
      { name: "container", type: AttrKind.STRING, value: "" },
    ],
    [],
    1,
  );
  const variable = { resource, path, shape, dtype };
  assignVariable(variable, value);
  return variable;
}

/** The same values in memory of their own. */
function copyOf(value: EagerValue): EagerValue {
  return execute("DeepCopy", [{ name: "T", type: AttrKind.TYPE, value: value.dtype }], [value], 1)[0];
}

function assignVariable({ resource, dtype }: Variable, value: EagerValue): void {
  execute("AssignVariableOp", [{ name: "dtype", type: AttrKind.TYPE, value: dtype }], [resource, value], 0);
}

/** Throws where a variable cannot hold a value. */
export function checkFits(variable: Variable, value: { shape: number[]; dtype: number }, verb: string): void {
  const [held, given] = [variable, value].map(({ dtype, shape }) => describe(dtype, shape));
  if (held !== given) throw new Error(`${variable.path} is ${held}, but ${verb} ${given}.`);
}

/** A structure of tensors held as variables. Read, assign and dispose of it between the calls that update it. */
export class Variables<State> {
  /** The variables, in the structure's order. */
  readonly list: readonly Variable[];
  /** Resolves when the updates that were asked for so far are done. */
  turn: Promise<unknown> = Promise.resolve();
  readonly #rebuild: (tensors: readonly Tensor[]) => unknown;

  /**
   * Takes the initial values; the caller keeps the tensors. A tensor that is met twice, as a clone is, is copied: variables that
   * share memory could not be updated in place.
   */
  constructor(initial: State) {
    const { tensors, paths, rebuild } = flatten(initial, "state");
    this.#rebuild = rebuild;
    const met = new Set<EagerValue>();
    this.list = idsOf(tensors).map(eagerValue).map((value, i) => {
      if (!met.has(value)) return met.add(value), makeVariable(value, paths[i]);
      const own = copyOf(value);
      try {
        return makeVariable(own, paths[i]);
      } finally {
        release(own);
      }
    });
  }

  /** The structure around other tensors. */
  rebuild(tensors: readonly Tensor[]): State {
    return this.#rebuild(tensors) as State;
  }

  /** The present values, as tensors that the caller disposes of. They share memory until the next update. */
  read(): State {
    return this.rebuild(this.list.map(({ resource, dtype }) => {
      const attributes = [{ name: "dtype", type: AttrKind.TYPE, value: dtype }];
      return tensorOf(register(execute("ReadVariableOp", attributes, [resource], 1)[0]));
    }));
  }

  /**
   * Replaces the values.
   *
   * @throws Error where a tensor is missing or surplus, or its shape or type is not the variable's; nothing is replaced then.
   */
  assign(values: State): void {
    const tensors = tensorsAt(values, this.list.map(({ path }) => path), "The state to be assigned");
    const given = idsOf(tensors).map(eagerValue);
    given.forEach((value, i) => checkFits(this.list[i], value, "was given"));
    given.forEach((value, i) => assignVariable(this.list[i], value));
  }

  /** Frees the memory. */
  dispose(): void {
    for (const { resource } of this.list) {
      execute("DestroyResourceOp", [], [resource], 0);
      release(resource);
    }
  }
}
