/**
 * Nested records and arrays of tensors, taken apart into a flat list and put together again: what goes into and comes out
 * of compiled functions.
 *
 * @module
 */
import { type Tensor, tf } from "./backend.ts";

/** A flat list of tensors and how to put the like together again. */
export interface Flattened {
  tensors: Tensor[];
  /** Where each tensor stood, e.g. "batch.images". */
  paths: string[];
  /** Text that is equal for values of equal structure; numbers, strings and booleans are part of it. */
  key: string;
  /** The same structure around other tensors. */
  rebuild(tensors: readonly Tensor[]): unknown;
}

/**
 * Takes a value apart.
 *
 * @param name what to call the value in errors
 * @throws TypeError for anything that is not a tensor, a plain record, an array or a constant (number, string, boolean,
 *   null, undefined).
 */
export function flatten(value: unknown, name: string): Flattened {
  const tensors: Tensor[] = [], paths: string[] = [];
  type Build = (tensors: readonly Tensor[]) => unknown;

  const visit = (item: unknown, path: string): [key: string, build: Build] => {
    if (item instanceof tf.Tensor) {
      const index = tensors.push(item) - 1;
      paths.push(path);
      return ["*", (others) => others[index]];
    }
    if (Array.isArray(item)) {
      const parts = item.map((part, i) => visit(part, `${path}[${i}]`));
      return [`[${parts.map(([key]) => key).join()}]`, (others) => parts.map(([, build]) => build(others))];
    }
    if (typeof item === "object" && item !== null) {
      const prototype = Object.getPrototypeOf(item);
      if (prototype !== Object.prototype && prototype !== null) {
        if (item instanceof Promise) item.catch(() => {}); // What it says later comes second to what is said now.
        const kind = item instanceof Promise ? "a promise" : `a ${prototype.constructor?.name}`;
        throw new TypeError(
          `${path} is ${kind}; a compiled function takes and returns tensors and plain records of them.`,
        );
      }
      const parts = Object.entries(item).map(([key, part]) => [key, ...visit(part, `${path}.${key}`)] as const);
      return [
        `{${parts.map(([name, key]) => `${JSON.stringify(name)}:${key}`).join()}}`,
        (others) => Object.fromEntries(parts.map(([name, , build]) => [name, build(others)])),
      ];
    }
    if (typeof item === "function" || typeof item === "symbol" || typeof item === "bigint") {
      throw new TypeError(`${path} is a ${typeof item}; a compiled function takes and returns tensors and constants.`);
    }
    return [typeof item === "number" ? `${item}` : JSON.stringify(item) ?? "undefined", () => item];
  };

  const [key, rebuild] = visit(value, name);
  return { tensors, paths, key, rebuild };
}

/**
 * A state's tensors in the order of `paths`, however its records order their entries.
 *
 * @param paths as flatten(state, "state") names them
 * @param name what to call the state in errors
 * @throws Error where a path holds no tensor, or a tensor has another path.
 */
export function tensorsAt(state: unknown, paths: readonly string[], name: string): Tensor[] {
  const flat = flatten(state, "state");
  const byPath = new Map(flat.paths.map((path, i) => [path, flat.tensors[i]]));
  const expected = new Set(paths);
  const missing = paths.filter((path) => !byPath.has(path)), surplus = flat.paths.filter((path) => !expected.has(path));
  if (missing.length) throw new Error(`${name} lacks ${missing.join(", ")}.`);
  if (surplus.length) throw new Error(`${name} has ${surplus.join(", ")}, for which there is no variable.`);
  return paths.map((path) => byPath.get(path)!);
}
