/**
 * What XLA has compiled, kept from process to process in the user's cache folder: a ViT-S/16's first step then takes
 * half of the processor's time that it took the first time.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { statfsSync } from "node:fs";
import { cpus } from "node:os";
import { userCache } from "../../user_cache.ts";

/** What has to be free where compilations are kept, in bytes: a full disk would end the step that compiles. */
const ROOM = 256 * 2 ** 20;

/** The processor's instructions and the GPUs' models: code that was compiled for others may not run here. */
function machine(): string {
  // Asked of a shell, because Deno keeps /proc from all but --allow-all.
  const look = "grep -m 1 -E '^(flags|Features)' /proc/cpuinfo; cat /proc/driver/nvidia/version; " +
    "grep -h Model: /proc/driver/nvidia/gpus/*/information";
  const { stdout } = new Deno.Command("sh", { args: ["-c", look], stdin: "null", stderr: "null" }).outputSync();
  return `${Deno.build.arch} ${cpus()[0]?.model} ${new TextDecoder().decode(stdout)}`;
}

/**
 * The folder for what this TensorFlow compiles on this machine with these flags, made where it is missing; undefined where
 * nothing can be kept: no permission, no room.
 *
 * @param library path of TensorFlow's library
 * @param settings all else that compilations depend on
 */
export function keptFolder(library: string, settings: string): string | undefined {
  try {
    const { size, mtime } = Deno.statSync(library);
    const key = createHash("sha256").update(`${size} ${mtime?.getTime()} ${machine()} ${settings}`).digest("hex");
    const folder = `${userCache()}/xla-${key.slice(0, 16)}`;
    // What lies in it is executed: it is the user's alone.
    Deno.mkdirSync(`${folder}/tuning`, { recursive: true, mode: 0o700 });
    Deno.removeSync(Deno.makeTempFileSync({ dir: folder, prefix: "writable_" }));
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= ROOM ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** A protocol buffer's variable-length integer at `at`, and where it ends; undefined past the bytes' end. */
function varint(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  for (let value = 0, scale = 1; at < bytes.length; scale *= 128) {
    value += (bytes[at] & 127) * scale;
    if (bytes[at++] < 128) return { value, end: at };
  }
}

/** Whether bytes are a message of fields with a length each, to their end, such as TensorFlow's XlaSerializedCacheEntry. */
function isWhole(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    if (!tag || tag.value % 8 !== 2 || tag.value < 8) return false;
    const length = varint(bytes, tag.end);
    if (!length) return false;
    at = length.end + length.value;
  }
  return at === bytes.length && at > 0;
}

/**
 * Removes what was cut off while it was written, as by a loss of power, and returns the files' paths. TensorFlow ends the
 * step that meets one.
 *
 * @param folder from keptFolder()
 */
export function removeDamaged(folder: string): string[] {
  const files = Array.from(Deno.readDirSync(folder)).filter(({ isFile, name }) => isFile && name.endsWith(".pb"));
  const damaged = files.map(({ name }) => `${folder}/${name}`).filter((path) => !isWhole(Deno.readFileSync(path)));
  damaged.forEach((path) => Deno.removeSync(path));
  return damaged;
}
