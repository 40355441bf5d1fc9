/**
 * `--config` and `--set`: a whole configuration from a file, and any part of one.
 *
 * @module
 */
import { fromJson } from "../../json.ts";
import { readJson } from "../../training/runs/run_folder.ts";
import type { TrainingFlags } from "./training_flags.ts";

/** For parseArgs(). */
export const CONFIG_FLAGS = {
  "config": { type: "string", values: "file" },
  "set": { type: "string", multiple: true },
} as const;

/** Their values. */
export interface ConfigFlags {
  config?: string;
  set?: string[];
}

/** What --help says of --set, but for its examples. */
export const SET_HELP =
  "changes a part of either, as often as it is given: a number, true, false, a word, or JSON; null leaves a part out " +
  "(clip=null: no clipping)";

/** A part of a configuration and what it becomes, as it was typed. */
interface Setting {
  text: string;
  path: string;
  value: unknown;
}

/** Whether a part is another, or in it. */
const isIn = (path: string, other: string) => path === other || path.startsWith(`${other}.`);

/** The value that was typed: JSON, a number however it is written, or else a word. */
function valueOf(text: string, path: string): unknown {
  const number = Number(text);
  if (text.trim() !== "" && !Number.isNaN(number)) return number;
  try {
    return fromJson(text);
  } catch (error) {
    if (!/^\s*["[{]/.test(text)) return text;
    throw new Error(
      `--set ${path}=${text}: the value is no JSON (${(error as Error).message.replaceAll(/\s+/g, " ")}).`,
    );
  }
}

/** What --set says, in its order. */
function settingsOf(texts: readonly string[]): Setting[] {
  const settings = texts.map((text) => {
    const [, path, value] = /^([^=.]+(?:\.[^=.]+)*)=(.*)$/s.exec(text) ?? [];
    if (path !== undefined) return { text, path, value: valueOf(value, path) };
    throw new Error(`--set takes PATH=VALUE, such as masks.blocks=1; got "${text}".`);
  });
  settings.forEach(({ text, path }, i) => {
    const replaced = settings.slice(0, i).find((earlier) => isIn(earlier.path, path));
    if (replaced) throw new Error(`--set ${text} replaces what --set ${replaced.text} says: leave one of them out.`);
  });
  return settings;
}

/** A configuration with another value at a place in it. */
function withValue(config: unknown, [name, ...rest]: string[], value: unknown, path = ""): unknown {
  if (config !== undefined && (typeof config !== "object" || config === null || Array.isArray(config))) {
    throw new Error(`--set: ${path} is ${JSON.stringify(config)}, which has no parts: set it as a whole.`);
  }
  const parts = { ...config as Record<string, unknown> }, own = path === "" ? name : `${path}.${name}`;
  if (rest.length > 0) return { ...parts, [name]: withValue(parts[name], rest, value, own) };
  if (value !== null) return { ...parts, [name]: value };
  if (own === "clip") return { ...parts, clip: Infinity }; // as JSON.stringify() writes it
  const { [name]: _, ...others } = parts;
  return others;
}

/** The parts that flags of their own name. */
const FLAG_PARTS: Partial<Record<keyof TrainingFlags, string>> = {
  "epochs": "epochs",
  "batch": "batch",
  "micro-batch": "microBatch",
  "lr": "learningRate.peak",
  "seed": "seed",
  "precision": "precision",
};

/**
 * What `--set` makes of a configuration; the caller checks it.
 *
 * @throws Error where one of its values cannot be read, has no such place, or another flag names the same part
 */
export function changedBySet(config: object, { set = [], ...flags }: ConfigFlags & TrainingFlags): unknown {
  const settings = settingsOf(set);
  for (const [flag, path] of Object.entries(FLAG_PARTS)) {
    const setting = settings.find((setting) => isIn(path, setting.path));
    if (!setting || flags[flag as keyof TrainingFlags] === undefined) continue;
    throw new Error(`--${flag} and --set ${setting.text} name the same part: leave one of them out.`);
  }
  return settings.reduce<unknown>((changed, { path, value }) => withValue(changed, path.split("."), value), config);
}

/**
 * The configuration in a file, unchecked.
 *
 * @throws Error where there is none
 */
export async function readConfigFile(path: string): Promise<object> {
  const config = await readJson(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) throw new Error(`--config: there is no file ${path}.`);
    throw error;
  });
  return config as object;
}
