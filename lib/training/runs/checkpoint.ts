/**
 * Checkpoints: a run's whole state in one safetensors file, with checksums.
 *
 * @module
 */
import { disposeAll, type Tensor } from "../../tensorflow/backend.ts";
import { openSafetensors, writeSafetensors } from "../../weights/formats/safetensors.ts";
import { lent, loadTensor } from "../../weights/formats/streamed.ts";
import type { Networks } from "../objective.ts";
import type { TrainingState } from "../step.ts";

const FIRST = "first_moment.", SECOND = "second_moment.";

/** A tensor's name in a file, and where it stands in a state. */
type Place = [name: string, part: keyof TrainingState, network: string, parameter: string];

/** Networks and averages go by their own names, moments by a prefix. */
function placesOf(state: TrainingState): Place[] {
  const placesIn = (part: keyof TrainingState, prefix: string): Place[] =>
    Object.entries(state[part]).flatMap(([network, p]) =>
      Object.keys(p).map((name): Place => [`${prefix}${network}.${name}`, part, network, name])
    );
  return [
    ...[placesIn("trained", ""), placesIn("averages", ""), placesIn("first", FIRST), placesIn("second", SECOND)].flat(),
  ];
}

/** How a checkpoint is written or read. */
export interface CheckpointOptions {
  /** Told of the bytes that are done; of all of them only once the file, or the state, is whole. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Writes a state, each tensor named "network.tensor", straight from TensorFlow's memory; the file is replaced when the new
 * one is whole. Steps may be done meanwhile: updates put new tensors in the place of those that are being written.
 *
 * @param state stays the caller's, who keeps it until it is written
 * @throws Error that names the file, how far it came, and why it cannot be written
 */
export async function writeCheckpoint(
  path: string,
  state: TrainingState,
  step: number,
  { onProgress }: CheckpointOptions = {},
): Promise<void> {
  const tensors = placesOf(state).map(([name, part, network, parameter]) => [
    name,
    lent(state[part][network][parameter]),
  ]);
  await writeSafetensors(path, Object.fromEntries(tensors), { step: `${step}` }, { checksums: true, onProgress });
}

/**
 * Reads a state of the same structure as `like`, tensor by tensor into TensorFlow's memory.
 *
 * @param like looked at for names and shapes alone: its tensors may have been disposed of
 * @returns new tensors, the caller's; and the steps done
 * @throws DamagedFileError that names the file, and the tensor, where other bytes were written; Error that does where the
 *   checkpoint does not hold such a state
 */
export async function readCheckpoint(
  path: string,
  like: TrainingState,
  { onProgress }: CheckpointOptions = {},
): Promise<{ state: TrainingState; step: number }> {
  const { tensors, metadata } = await openSafetensors(path);
  const step = Number(metadata.step ?? NaN);
  if (!Number.isSafeInteger(step)) throw new Error(`${path} is not a checkpoint of a run: it does not say its step.`);
  const places = placesOf(like), loaded: Record<string, Tensor> = {};
  for (const [name, part, network, parameter] of places) {
    const tensor = tensors[name], { shape } = like[part][network][parameter];
    if (!tensor) throw new Error(`${path} has no tensor ${name}.`);
    if (tensor.shape.join() !== shape.join()) {
      throw new Error(`${path}: ${name} has shape [${tensor.shape}], but the run needs [${shape}].`);
    }
  }

  const wanted = new Set(places.map(([name]) => name)), bytesOf = (tensor: { size: number }) => 4 * tensor.size;
  const total = places.reduce((sum, [, part, network, name]) => sum + bytesOf(like[part][network][name]), 0);
  let done = 0;
  try {
    // In the file's order, as a disk likes it.
    for (const [name, tensor] of Object.entries(tensors)) {
      if (!wanted.has(name)) continue;
      loaded[name] = await loadTensor(tensor);
      done += bytesOf(loaded[name]);
      if (done < total) onProgress?.(done, total);
    }
  } catch (error) {
    disposeAll(loaded);
    throw error;
  }
  onProgress?.(total, total);
  const state: TrainingState = { trained: {}, averages: {}, first: {}, second: {} };
  for (const part of Object.keys(state) as (keyof TrainingState)[]) {
    state[part] = Object.fromEntries(Object.keys(like[part]).map((network) => [network, {}])) as Networks;
  }
  for (const [name, part, network, parameter] of places) state[part][network][parameter] = loaded[name];
  return { state, step };
}
