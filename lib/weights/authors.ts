/**
 * The authors' checkpoints: a file of torch.save() with a dictionary of networks, each a state_dict.
 *
 * @module
 */
import { textKeys } from "./pickle.ts";
import type { StoredTensor } from "./tensors.ts";
import { isStoredTensor, torchFile } from "./torch_file.ts";

/** What DistributedDataParallel, in which the authors trained, puts before every name. */
const WRAPPED = "module.";

/** The tensors of a state_dict, or undefined where a value is none. */
function stateDict(value: unknown): Record<string, StoredTensor> | undefined {
  if (!(value instanceof Map) || value.size === 0) return undefined;
  const entries = [...value] as [unknown, unknown][];
  if (!entries.every(([name, tensor]) => typeof name === "string" && isStoredTensor(tensor))) return undefined;
  const tensors = entries as [string, StoredTensor][];
  const wrapped = tensors.every(([name]) => name.startsWith(WRAPPED));
  return Object.fromEntries(tensors.map(([name, tensor]) => [wrapped ? name.slice(WRAPPED.length) : name, tensor]));
}

/**
 * Opens a .pth.tar: the target encoder, or where there is none the encoder, and the predictor where there is one. A file
 * that is itself a state_dict is taken for the encoder's. The optimiser's state and the rest are left aside.
 *
 * @throws Error that names the file where it is damaged, asks for more than tensors and containers, or has no encoder
 */
export async function openAuthorsCheckpoint(
  path: string,
): Promise<{ encoder: Record<string, StoredTensor>; predictor?: Record<string, StoredTensor> }> {
  const value = await torchFile(path);
  const whole = stateDict(value);
  if (whole) return { encoder: whole };
  const held = value instanceof Map ? value : new Map();
  const name = ["target_encoder", "encoder"].find((name) => held.has(name));
  const encoder = name && stateDict(held.get(name));
  if (!encoder) {
    const found = textKeys(held) || "no dictionary with names";
    throw new Error(`${path} should hold the state_dict of a "target_encoder" or "encoder"; it holds ${found}.`);
  }
  if (!held.has("predictor")) return { encoder };
  const predictor = stateDict(held.get("predictor"));
  if (!predictor) throw new Error(`${path}: its "predictor" is not a state_dict.`);
  return { encoder, predictor };
}
