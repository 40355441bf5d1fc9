/**
 * The authors' checkpoints, and others of torch.save(): a dictionary of networks, each a state_dict, or one state_dict.
 *
 * @module
 */
import { toSafetensors } from "./convert.ts";
import { findEncoder, type FoundEncoder, HUGGING_FACE_PATCHES, splitPredictor } from "./find_encoder.ts";
import { textKeys } from "./formats/pickle.ts";
import type { StoredTensor } from "./formats/tensors.ts";
import { isStoredTensor, torchFile } from "./formats/torch_file.ts";

/** Dictionaries within one another that are looked into: a state_dict lies in the first or second. */
const DEPTH = 4;

/** The tensors in dictionaries of dictionaries, by their keys joined with dots. Each dictionary is looked into once. */
function tensorsIn(value: unknown): Record<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>(), seen = new Set<unknown>();
  const look = (map: ReadonlyMap<unknown, unknown>, prefix: string, depth: number) => {
    if (seen.has(map) || depth > DEPTH) return;
    seen.add(map);
    for (const [key, held] of map) {
      if (typeof key !== "string") continue;
      if (isStoredTensor(held)) tensors.set(prefix + key, held);
      else if (held instanceof Map) look(held, `${prefix}${key}.`, depth + 1);
    }
  };
  if (value instanceof Map) look(value, "", 1);
  return Object.fromEntries(tensors);
}

/** Whether a value is a state_dict. */
const isStateDict = (value: unknown): boolean =>
  value instanceof Map && value.size > 0 &&
  [...value].every(([name, tensor]) => typeof name === "string" && isStoredTensor(tensor));

/**
 * Opens a .pth.tar: the target encoder, or where there is none the encoder, and the predictor where there is one. The file
 * may be a state_dict itself, or hold one under any name. The optimiser's state is left aside.
 *
 * @throws Error that names the file where it is damaged, asks for more than tensors and containers, or has no encoder
 */
export async function openAuthorsCheckpoint(
  path: string,
): Promise<FoundEncoder & { predictor?: Record<string, StoredTensor> }> {
  const value = await torchFile(path), stored = tensorsIn(value);
  if (Object.keys(stored).length === 0) {
    const found = (value instanceof Map && textKeys(value)) || "no dictionary with names";
    throw new Error(`${path} should hold the state_dict of a "target_encoder" or "encoder"; it holds ${found}.`);
  }
  const { predictor, rest } = splitPredictor(path, stored);
  const found = findEncoder(path, rest);
  if (Object.hasOwn(found.tensors, HUGGING_FACE_PATCHES)) {
    throw new Error(`${path} has transformers' names, which are read from safetensors: ${toSafetensors(path)}`);
  }
  const held = value instanceof Map ? value.get("predictor") : undefined;
  if (held !== undefined && !isStateDict(held)) throw new Error(`${path}: its "predictor" is not a state_dict.`);
  return { ...found, predictor };
}
