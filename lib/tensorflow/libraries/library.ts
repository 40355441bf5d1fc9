/**
 * TensorFlow's libraries, loaded once: their symbols, C strings, and statuses turned into errors.
 *
 * @module
 */
import { isMainThread } from "node:worker_threads";
import { keptFolder } from "./kept_compilations.ts";
import { locateTensorFlow } from "./locate.ts";
import { tensorflowSettings, wantsTensorFloat32 } from "./settings.ts";
import { ccSymbols, frameworkSymbols } from "./symbols.ts";

/** Both libraries' functions in one record. */
export type Library =
  & Deno.DynamicLibrary<typeof ccSymbols>["symbols"]
  & Deno.DynamicLibrary<typeof frameworkSymbols>["symbols"];

/** What TensorFlow says went wrong, with what the kit was doing. */
export class TensorFlowError extends Error {
  override name = "TensorFlowError";
}

let loaded: Library | undefined;
let kept: string | undefined;

/**
 * The libraries, opened on first use.
 *
 * @throws Error where they are not installed, naming every path that was tried and the command that mends it, or where
 * the system's loader refuses them, in its words.
 */
export function library(): Library {
  return loaded ??= open();
}

/** The folder in which compilations are kept, once the libraries are opened; undefined for none of ours. */
export function keptCompilations(): string | undefined {
  return kept;
}

function open(): Library {
  const { cc, framework, cuda, dir } = locateTensorFlow();
  const tensorFloat32 = wantsTensorFloat32(Deno.env.get("IJEPA_TF32"));
  const keep = (xlaFlags: string) => kept = keptFolder(cc, `${xlaFlags} ${tensorFloat32}`);
  const settings = tensorflowSettings(Deno.env.toObject(), { cuda, dir }, keep);
  for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
  try {
    const logLevel = Number(Deno.env.get("TF_CPP_MIN_LOG_LEVEL"));
    // The first thread has done so where this is another, and only one at a time may turn standard error away.
    if (Deno.build.os === "linux" && isMainThread) pin(cc, logLevel > 0);
    const { symbols } = Deno.dlopen(framework, frameworkSymbols);
    symbols.setMinLogLevel?.(logLevel);
    symbols.enableTensorFloat32?.(tensorFloat32 ? 1 : 0);
    return { ...symbols, ...Deno.dlopen(cc, ccSymbols).symbols };
  } catch (error) {
    throw new Error(`TensorFlow's libraries in ${dir} could not be loaded: ${(error as Error).message}`);
  }
}

/**
 * Loads a library for good: Deno unloads its own at exit while their threads still run, and the process would crash.
 * TensorFlow logs while it is being loaded, before any setting can reach it; `quiet` sends that nowhere.
 */
function pin(path: string, quiet: boolean): void {
  const RTLD_NOW = 2, RTLD_NODELETE = 0x1000, STDERR = 2, O_WRONLY = 1;
  const dl = Deno.dlopen("libdl.so.2", { dlopen: { parameters: ["buffer", "i32"], result: "pointer" } }).symbols;
  const libc = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup: { parameters: ["i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  }).symbols;
  const terminal = libc.dup(STDERR), nowhere = libc.open(cString("/dev/null"), O_WRONLY);
  if (quiet) libc.dup2(nowhere, STDERR);
  dl.dlopen(cString(path), RTLD_NOW | RTLD_NODELETE);
  libc.dup2(terminal, STDERR);
  libc.close(terminal);
  libc.close(nowhere);
}

const encoder = new TextEncoder();
const strings = new Map<string, Uint8Array<ArrayBuffer>>();

/** A zero-terminated C string; equal strings share one, for op and attribute names come again and again. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  let bytes = strings.get(text);
  if (!bytes) strings.set(text, bytes = encoder.encode(text + "\0"));
  return bytes;
}

/** Reads a zero-terminated string. */
export function fromCString(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

/** int64 dimensions as the C API takes them; never empty, for FFI gives an empty buffer no address. */
export function int64s(values: ArrayLike<number>): BigInt64Array<ArrayBuffer> {
  return BigInt64Array.from(values.length ? Array.from(values, BigInt) : [0n]);
}

function message(tensorflow: Library, status: Deno.PointerValue): string | undefined {
  return tensorflow.TF_GetCode(status) === 0 ? undefined : fromCString(tensorflow.TF_Message(status));
}

let shared: Deno.PointerValue = null;

/**
 * Calls `fn` with a status and throws what it reports.
 *
 * @param doing what was attempted, the beginning of the error's sentence; a function, for it is seldom needed
 */
export function checked<T>(doing: () => string, fn: (tensorflow: Library, status: Deno.PointerValue) => T): T {
  const tensorflow = library();
  // Calls that return before anything else runs can share one status.
  shared ??= tensorflow.TF_NewStatus();
  const result = fn(tensorflow, shared);
  const problem = message(tensorflow, shared);
  if (problem === undefined) return result;
  // Not every function clears a status that another one has set.
  tensorflow.TF_DeleteStatus(shared);
  shared = null;
  throw new TensorFlowError(`${doing()}: ${problem}`);
}

/** As checked(), for a call that runs off the event loop: it has a status of its own. */
export async function checkedAsync<T>(
  doing: () => string,
  fn: (tensorflow: Library, status: Deno.PointerValue) => Promise<T>,
): Promise<T> {
  const tensorflow = library();
  const status = tensorflow.TF_NewStatus();
  try {
    const result = await fn(tensorflow, status);
    const problem = message(tensorflow, status);
    if (problem !== undefined) throw new TensorFlowError(`${doing()}: ${problem}`);
    return result;
  } finally {
    tensorflow.TF_DeleteStatus(status);
  }
}
