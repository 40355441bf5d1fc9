/**
 * Values of command line options, or the sentence that says what an option takes.
 *
 * @module
 */
import { dirname } from "node:path";

/** One of several words. */
export function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  if (!choices.includes(value as T)) throw new Error(`--${name} is ${choices.join(" or ")}; got "${value}".`);
  return value as T;
}

/** A number from `least` on, or undefined where the option is left out. */
export function numberOf(
  name: string,
  text: string | undefined,
  { integer = false, least = 0 } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least || (integer && !Number.isInteger(value))) {
    throw new Error(`--${name} takes ${integer ? "a whole number" : "a number"} from ${least} on; got "${text}".`);
  }
  return value;
}

/**
 * Holds that a file to be written takes the place of none that is read.
 *
 * @param read what is read, by its option: files, or folders with all that is in them
 * @throws Error with both options
 */
export async function checkReplacesNothing(file: string, read: Record<string, string | undefined>): Promise<void> {
  const real = (path: string) => Deno.realPath(path).catch(() => undefined);
  const own = await real(file);
  if (own === undefined) return;
  for (const [option, path] of Object.entries(read)) {
    const other = path && await real(path);
    if (!other || own !== other && !own.startsWith(`${other}/`)) continue;
    const where = own === other ? "is what" : "lies in what";
    throw new Error(`--out would replace ${file}, which ${where} --${option} names: name another file.`);
  }
}

/**
 * Holds, before there is work to lose, that a file can be written: its folder is there, and no folder has its name.
 *
 * @throws Error with the option's name
 */
export async function checkOutputFile(name: string, path: string): Promise<void> {
  const folder = dirname(path);
  const [own, above] = await Promise.all([path, folder].map((some) => Deno.stat(some).catch(() => undefined)));
  if (own?.isDirectory) throw new Error(`--${name} takes a file, but ${path} is a folder: name a file in it.`);
  if (above?.isDirectory) return;
  const what = above ? `${folder} is no folder` : `there is no folder ${folder}`;
  throw new Error(`--${name} ${path} cannot be written, as ${what}: make it, or name another place.`);
}
