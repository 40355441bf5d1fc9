/**
 * Programs of others that some tests are against, and are skipped without.
 *
 * @module
 */

/** Whether a program is on the PATH. */
export const isThere = (program: string): boolean =>
  (Deno.env.get("PATH") ?? "").split(":").some((dir) => {
    try {
      return Deno.statSync(`${dir}/${program}`).isFile;
    } catch {
      return false;
    }
  });
