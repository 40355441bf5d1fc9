/**
 * Values of command line options, or the sentence that says what an option takes.
 *
 * @module
 */

/** One of several words. */
export function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  if (!choices.includes(value as T)) throw new Error(`--${name} is ${choices.join(" or ")}; got "${value}".`);
  return value as T;
}

/** A number from 0 on, or undefined where the option is left out. */
export function numberOf(name: string, text: string | undefined, { integer = false } = {}): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0 || (integer && !Number.isInteger(value))) {
    throw new Error(`--${name} takes ${integer ? "a whole number" : "a number"} from 0 on; got "${text}".`);
  }
  return value;
}
