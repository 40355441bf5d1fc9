/**
 * What the operating system says of a file, in words for users.
 *
 * @module
 */

/** Deno's call and its path, behind the operating system's words. */
const CALL = /: \w+ '(.*)'$/s;

/** The operating system's words alone, "Permission denied (os error 13)"; of other errors their message. */
export function osReason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(CALL, "");
}

/** That something cannot be read, in a sentence; writeError() of write_file.ts is its counterpart. */
export function readError(what: string, error: unknown, advice = "is the path right?"): Error {
  return new Error(`${what} cannot be read (${osReason(error)}): ${advice}`, { cause: error });
}

/** Whether an error is the operating system's. */
export function isOsError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string" &&
    /\(os error \d+\)/.test(error.message);
}

/** A sentence for an error of the operating system that names a path; undefined for any other. */
export function osSentence(error: unknown): string | undefined {
  const path = isOsError(error) ? CALL.exec(error.message)?.[1] : undefined;
  return path === undefined ? undefined : `${path} cannot be used (${osReason(error)}): is the path right?`;
}
