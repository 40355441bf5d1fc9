/**
 * The user's folder for what can be fetched or computed again, shared by all checkouts of the kit.
 *
 * @module
 */
import { homedir } from "node:os";

/** ijepa-kit in the user's cache folder, by the platform's convention; not made. */
export function userCache(): string {
  if (Deno.build.os === "darwin") return `${homedir()}/Library/Caches/ijepa-kit`;
  const named = Deno.env.get("XDG_CACHE_HOME");
  // The convention has relative paths ignored.
  return `${named?.startsWith("/") ? named.replace(/\/+$/, "") : `${homedir()}/.cache`}/ijepa-kit`;
}
