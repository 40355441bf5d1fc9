/**
 * The part of jsr:@std/assert that our tests use, with its names and argument order, over node:assert: jsr is out of
 * reach where this project is built. Swapping in the real one is one line in deno.json.
 *
 * @module
 */
import assertNode from "node:assert/strict";

// Messages are cast because node's types, in the newest version, have no undefined message; node itself has.

/** Throws AssertionError unless `condition` is truthy. */
export function assert(condition: unknown, message?: string): asserts condition {
  assertNode.ok(condition, message as string);
}
/** Deep, strict equality; typed arrays are compared element by element. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertNode.deepStrictEqual(actual, expected, message as string);
}
/** The opposite of assertEquals. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertNode.notDeepStrictEqual(actual, expected, message as string);
}
/** Object.is equality. */
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  assertNode.strictEqual(actual, expected, message as string);
}
/** |actual - expected| <= tolerance. */
export function assertAlmostEquals(actual: number, expected: number, tolerance = 1e-7, message?: string): void {
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance) return;
  throw new assertNode.AssertionError({
    message: `${message ? message + ": " : ""}${actual} is not within ${tolerance} of ${expected}`,
    actual,
    expected,
  });
}
/** actual > expected. */
export function assertGreater(actual: number, expected: number, message?: string): void {
  assertNode.ok(actual > expected, message ?? `${actual} is not greater than ${expected}`);
}
/** actual < expected. */
export function assertLess(actual: number, expected: number, message?: string): void {
  assertNode.ok(actual < expected, message ?? `${actual} is not less than ${expected}`);
}
/** `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  assertNode.ok(actual.includes(expected), message ?? `${JSON.stringify(actual)} does not contain ${expected}`);
}
/** `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assertNode.match(actual, expected, message as string);
}

// deno-lint-ignore no-explicit-any
type ErrorClass = abstract new (...args: any[]) => Error;

function checkError(error: unknown, type: ErrorClass, includes: string): Error {
  if (error === undefined) throw new assertNode.AssertionError({ message: `Expected ${type.name} to be thrown.` });
  if (!(error instanceof type)) throw error;
  if (!error.message.includes(includes)) {
    throw new assertNode.AssertionError({
      message: `The error's message should contain ${JSON.stringify(includes)}, but is ${
        JSON.stringify(error.message)
      }`,
    });
  }
  return error;
}
/** `fn` throws an error of the class, whose message contains the text; returns that error. */
export function assertThrows(fn: () => unknown, type: ErrorClass = Error, includes = ""): Error {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
  }
  return checkError(thrown, type, includes);
}
/** As assertThrows, for a function that returns a promise. */
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  type: ErrorClass = Error,
  includes = "",
): Promise<Error> {
  let thrown: unknown;
  try {
    await fn();
  } catch (error) {
    thrown = error;
  }
  return checkError(thrown, type, includes);
}
