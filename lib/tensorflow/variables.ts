/**
 * Tensors that a compiled function updates in place: TensorFlow's resource variables, so that weights and optimiser state
 * are not held twice.
 *
 * @module
 */
import { AttrKind } from "./attributes.ts";
import { idsOf, tensorOf, tf } from "./backend.ts";
import { eagerValue, register } from "./binding.ts";
import { type EagerValue, execute, release } from "./eager.ts";
import { flatten } from "./structure.ts";

/** The name by which TensorFlow knows a variable that nobody else shall find (tensorflow/core/framework/resource_handle). */
const ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";

/** One variable: the handle of the resource, and what it holds. */
export interface Variable {
  resource: EagerValue;
  path: string;
  shape: number[];
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

function assignVariable({ resource, dtype }: Variable, value: EagerValue): void {
  execute("AssignVariableOp", [{ name: "dtype", type: AttrKind.TYPE, value: dtype }], [resource, value], 0);
}

/** A structure of tensors held as variables. */
export class Variables<State> {
  /** The variables, in the structure's order. */
  readonly list: readonly Variable[];
  readonly #rebuild: (tensors: readonly tf.Tensor[]) => unknown;

  /** Copies the initial values; the caller keeps the tensors. */
  constructor(initial: State) {
    const { tensors, paths, rebuild } = flatten(initial, "state");
    this.#rebuild = rebuild;
    this.list = idsOf(tensors).map((id, i) => makeVariable(eagerValue(id), paths[i]));
  }

  /** The structure around other tensors. */
  rebuild(tensors: readonly tf.Tensor[]): State {
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
   * @throws Error where a tensor's shape is not the variable's.
   */
  assign(values: State): void {
    const { tensors } = flatten(values, "state");
    idsOf(tensors).forEach((id, i) => {
      const { path, shape } = this.list[i];
      const value = eagerValue(id);
      if (value.shape.join() !== shape.join()) {
        throw new Error(`${path} has shape [${shape}], but was given [${value.shape}].`);
      }
      assignVariable(this.list[i], value);
    });
  }

  /** Frees the memory. */
  dispose(): void {
    for (const { resource } of this.list) {
      execute("DestroyResourceOp", [], [resource], 0);
      release(resource);
    }
  }
}
