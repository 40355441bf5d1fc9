/**
 * Command lines that a user is told to type.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));

/** Whether `npx deno ...` started this program. */
export const startedByNpx = (): boolean => Deno.env.get("npm_lifecycle_event") === "npx";

/** A task's command line for a shell in the checkout; with npx where this program was started by it, for Deno may not be there. */
export function commandLine(task: string, ...args: string[]): string {
  return [...(startedByNpx() ? ["npx"] : []), "deno", "task", task, ...args].map(quoted).join(" ");
}

/** A word as a shell takes it for one. */
const quoted = (word: string) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A path as it is typed in the checkout, where tasks run. */
export function typedPath(path: string): string {
  const inside = relative(CHECKOUT, resolve(path));
  return inside === "" ? "." : inside.startsWith("..") ? resolve(path) : inside;
}

/** Those of the options that were given, to be given again. */
export function givenAgain(flags: Readonly<Record<string, unknown>>, ...names: string[]): string[] {
  return names.flatMap((name) => {
    const value = flags[name];
    return value === true ? [`--${name}`] : typeof value === "string" ? [`--${name}`, value] : [];
  });
}
