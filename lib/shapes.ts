/**
 * What a configuration may hold: names, kinds and ranges of its values, and the sentence that says what is wrong.
 *
 * A shape is written beside the type that it checks, a line a field; one that is forgotten does not compile.
 *
 * @module
 */
import { toJson } from "./json.ts";
import { nearestName } from "./nearest_name.ts";

/** What a value has to be. */
export interface Shape {
  /**
   * @param path where the value stands, such as "masks.blocks"; "" for the whole
   * @throws RangeError that names it
   */
  check(value: unknown, path: string): void;
  /** The shapes of its parts by name, where it has any. */
  parts?: Readonly<Record<string, Shape>>;
}

/** A shape of what may be left out. */
export interface OptionalShape extends Shape {
  /** Says so. */
  optional: true;
}

/** A shape for each part of T; what T need not have may be left out. */
export type PartsOf<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? OptionalShape : Shape };

/** A value as a sentence says it. */
function said(value: unknown): string {
  if (typeof value === "number") return `${value}`;
  const text = toJson(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

const joined = (path: string, name: string) => path === "" ? name : `${path}.${name}`;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A shape that holds a condition; `what` says it after "must be". */
export function shape(what: string, holds: (value: unknown) => boolean): Shape {
  return {
    check(value, path) {
      if (!holds(value)) throw new RangeError(`${path} must be ${what}; got ${said(value)}.`);
    },
  };
}

/** Bounds of a number. */
export interface Bounds {
  /** It is this or more. */
  least?: number;
  /** It is more than this. */
  above?: number;
  /** It is this or less. */
  most?: number;
  /** It is less than this. */
  below?: number;
}

/** A number within bounds; a whole one; one that may be Infinity, which bounds nothing. */
export function number(
  { least, above, most, below, whole = false, infinite = false }: Bounds & { whole?: boolean; infinite?: boolean } = {},
): Shape {
  const bounds = [
    ...least === undefined ? [] : [`of at least ${least}`],
    ...above === undefined ? [] : [`above ${above}`],
    ...most === undefined ? [] : [`at most ${most}`],
    ...below === undefined ? [] : [`below ${below}`],
  ].join(" and ");
  const what = `a ${whole ? "whole " : ""}number${bounds ? ` ${bounds}` : ""}${
    infinite ? ", or Infinity for none" : ""
  }`;
  return shape(what, (value) => {
    if (typeof value !== "number" || Number.isNaN(value)) return false;
    if (infinite && value === Infinity) return true;
    if (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
    return value >= (least ?? -Infinity) && value > (above ?? -Infinity) && value <= (most ?? Infinity) &&
      value < (below ?? Infinity);
  });
}

/** A whole number from 1 on. */
export const count: Shape = number({ least: 1, whole: true });

/** A share of something: from 0 to 1. */
export const share: Shape = number({ least: 0, most: 1 });

/** true or false. */
export const flag: Shape = shape("true or false", (value) => typeof value === "boolean");

/** One of some values. */
export function oneOf(...values: readonly (string | number)[]): Shape {
  const texts = values.map(said),
    what = texts.length === 1 ? texts[0] : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
  return shape(what, (value) => values.includes(value as string));
}

/** [min, max], both above 0, the second at most `most`. */
export function range(most = Infinity): Shape {
  const bounds = `0 < min <= max${most < Infinity ? ` <= ${most}` : ""}`;
  return shape(`[min, max] with ${bounds}`, (value) => {
    if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isFinite)) return false;
    const [min, max] = value;
    return min > 0 && min <= max && max <= most;
  });
}

/** Several whole numbers from 1 on. */
export const counts: Shape = shape(
  "an array of whole numbers of at least 1",
  (value) => Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n >= 1),
);

/** Several of one shape, at least one. */
export function list(own: Shape): Shape {
  return {
    check(value, path) {
      if (!Array.isArray(value) || value.length === 0) {
        throw new RangeError(`${path} must be an array of at least one; got ${said(value)}.`);
      }
      value.forEach((item, i) => {
        if (own.parts) checkNames(item, own, `${path}[${i}]`, pathsOf(own, `${path}[${i}]`));
        own.check(item, `${path}[${i}]`);
      });
    },
  };
}

/** What may be left out. */
export function optional(own: Shape): OptionalShape {
  return { ...own, optional: true };
}

/**
 * An object with parts.
 *
 * @param fits holds, of parts that are right by themselves, that they fit each other: throws a RangeError of its own
 */
export function record<T extends object>(
  parts: PartsOf<T>,
  fits?: (value: T, path: string) => void,
): Shape & { parts: PartsOf<T> } {
  return {
    parts,
    check(value, path) {
      const name = path || "a configuration";
      if (!isRecord(value)) throw new RangeError(`${name} must be an object with parts; got ${said(value)}.`);
      for (const [part, own] of Object.entries<Shape>(parts)) {
        if (value[part] !== undefined) own.check(value[part], joined(path, part));
        else if (!("optional" in own)) throw new RangeError(`${joined(path, part)} is missing.`);
      }
      fits?.(value as T, path);
    },
  };
}

/**
 * Holds that one number of an object divides another.
 *
 * @throws RangeError that names both
 */
export function divides<Name extends string>(
  value: { [name in Name]: number },
  path: string,
  divisor: Name,
  divided: Name,
): void {
  if (value[divided] % value[divisor] === 0) return;
  const [what, of] = [divisor, divided].map((name) => joined(path, name));
  throw new RangeError(`${what} must divide ${of}, which is ${value[divided]}; got ${value[divisor]}.`);
}

/** All paths that a shape knows. */
function pathsOf({ parts = {} }: Shape, path = ""): string[] {
  return Object.entries(parts).flatMap(([name, part]) => {
    const own = joined(path, name);
    return [own, ...pathsOf(part, own)];
  });
}

/** What may have been meant by a name that is none of `names`, which stand at `parent`. */
function meant(name: string, parent: string, names: readonly string[], all: readonly string[]): string {
  const path = joined(parent, name), near = nearestName(name, names);
  const elsewhere = all.filter((other) => other === path || other.endsWith(`.${path}`) || other.endsWith(`.${name}`));
  const candidates = near !== undefined ? [joined(parent, near)] : elsewhere.slice(0, 3);
  return candidates.length > 0 ? ` (did you mean ${candidates.join(" or ")}?)` : "";
}

/** Holds that all names are known. */
function checkNames(value: unknown, { parts }: Shape, path: string, all: readonly string[]): void {
  if (!parts || !isRecord(value)) return;
  const names = Object.keys(parts);
  for (const [name, part] of Object.entries(value)) {
    if (Object.hasOwn(parts, name)) checkNames(part, parts[name], joined(path, name), all);
    else {
      const list = `${path || "a configuration"} has ${names.join(", ")}`;
      throw new RangeError(`${joined(path, name)} is not known${meant(name, path, names, all)}: ${list}.`);
    }
  }
}

/**
 * Holds that a value has a shape.
 *
 * @throws RangeError in one sentence: of a name that is not known the nearest that is, and those that there are; of a value
 *   its path and what it must be
 */
export function checkShape(value: unknown, own: Shape): void {
  checkNames(value, own, "", pathsOf(own));
  own.check(value, "");
}

/**
 * Runs a check of what a file holds.
 *
 * @throws RangeError as the check does, with the file's name before its sentence where there is one
 */
export function naming(file: string | undefined, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (file === undefined || !(error instanceof RangeError)) throw error;
    throw new RangeError(`${file}: ${error.message}`);
  }
}
