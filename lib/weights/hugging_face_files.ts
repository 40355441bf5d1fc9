/**
 * The files of a folder in the Hugging Face layout: JSON, and tensors in model.safetensors or in several files that an
 * index lists.
 *
 * @module
 */
import { fileKind, KIND_BYTES } from "./formats/file_kind.ts";
import { openSafetensors } from "./formats/safetensors.ts";
import type { StoredTensor } from "./formats/tensors.ts";

/** A JSON file that holds an object. */
export async function readObject(path: string): Promise<Record<string, unknown>> {
  const text = await Deno.readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const kind = fileKind(new TextEncoder().encode(text).subarray(0, KIND_BYTES));
    throw new Error(`${path} is not JSON${kind ? `: ${kind}` : ""}.`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${path} is not a JSON object.`);
}

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** The tensors' places by name, of a folder's index where there is one. */
async function readIndex(folder: string): Promise<{ path: string; places?: Record<string, unknown> }> {
  const path = `${folder}/model.safetensors.index.json`;
  if (!await exists(path)) return { path };
  const places = (await readObject(path)).weight_map;
  if (typeof places === "object" && places !== null && !Array.isArray(places)) {
    return { path, places: places as Record<string, unknown> };
  }
  throw new Error(`${path} has no weight_map.`);
}

/** Whether a folder's index says that a file has a part of the tensors. */
export async function isShard(folder: string, file: string): Promise<boolean> {
  return Object.values((await readIndex(folder)).places ?? {}).includes(file);
}

/**
 * The tensors of a file, or where it is one of those that model.safetensors.index.json lists, of all of them. As in
 * transformers, model.safetensors goes before an index.
 *
 * @throws Error that names the file, and the tensor if there is one, where one is missing or the index is wrong
 */
export async function openShards(folder: string, file?: string): Promise<Record<string, StoredTensor>> {
  const whole = `${folder}/${file ?? "model.safetensors"}`;
  const isWhole = !file || file === "model.safetensors";
  if (isWhole && await exists(whole)) return (await openSafetensors(whole)).tensors;
  const { path, places } = await readIndex(folder);
  if (!places || (file && !Object.values(places).includes(file))) return (await openSafetensors(whole)).tensors;
  const placed = Object.entries(places);
  const stray = placed.find(([, file]) => typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file));
  if (stray) throw new Error(`${path} places tensor "${stray[0]}" in no safetensors file of its folder.`);
  const files = [...new Set(Object.values(places as Record<string, string>))], missing: string[] = [];
  for (const file of files) if (!await exists(`${folder}/${file}`)) missing.push(file);
  if (missing.length) {
    const many = missing.length > 1 ? `, and ${missing.length - 1} more` : "";
    throw new Error(
      `${folder} lacks ${missing[0]}${many}, of the ${files.length} files that ${path} lists: download all of them.`,
    );
  }
  const tensors = new Map<string, StoredTensor>();
  for (const file of files) {
    for (const [name, tensor] of Object.entries((await openSafetensors(`${folder}/${file}`)).tensors)) {
      if (places[name] !== file) {
        throw new Error(`${folder}/${file} holds tensor "${name}", which ${path} does not place there.`);
      }
      tensors.set(name, tensor);
    }
  }
  const lost = placed.find(([name]) => !tensors.has(name));
  if (lost) throw new Error(`${folder}/${lost[1]} lacks tensor "${lost[0]}", which ${path} places there.`);
  return Object.fromEntries(tensors);
}
