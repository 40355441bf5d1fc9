/**
 * Checkpoints: a run's whole state in one safetensors file.
 *
 * @module
 */
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import { type HostTensor, readSafetensors, toFloat32, writeSafetensors } from "../weights/safetensors.ts";
import type { Networks } from "./objective.ts";
import type { TrainingState } from "./step.ts";

const FIRST = "first_moment.", SECOND = "second_moment.";

/** The parts of a state as a checkpoint names them: networks and averages by their own names, moments by a prefix. */
function groupsOf({ trained, averages, first, second }: TrainingState): Networks {
  const prefixed = (prefix: string, networks: Networks) =>
    Object.fromEntries(Object.entries(networks).map(([network, p]) => [`${prefix}${network}`, p]));
  return { ...trained, ...averages, ...prefixed(FIRST, first), ...prefixed(SECOND, second) };
}

async function toHost(prefix: string, parameters: Parameters): Promise<[string, HostTensor][]> {
  return await Promise.all(
    Object.entries(parameters).map(async ([name, tensor]): Promise<[string, HostTensor]> => [
      `${prefix}.${name}`,
      { dtype: "F32", shape: tensor.shape, data: await tensor.data() as Float32Array<ArrayBuffer> },
    ]),
  );
}

/** Writes a state, each tensor named "network.tensor"; the file is replaced when the new one is whole. */
export async function writeCheckpoint(path: string, state: TrainingState, step: number): Promise<void> {
  const tensors = await Promise.all(Object.entries(groupsOf(state)).map(([group, p]) => toHost(group, p)));
  await writeSafetensors(path, Object.fromEntries(tensors.flat()), { step: `${step}` });
}

/**
 * Reads a state of the same structure as `like`.
 *
 * @returns new tensors, the caller's; and the steps done
 * @throws Error naming the file and the tensor where the checkpoint does not hold such a state
 */
export async function readCheckpoint(
  path: string,
  like: TrainingState,
): Promise<{ state: TrainingState; step: number }> {
  const { tensors, metadata } = await readSafetensors(path);
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step)) throw new Error(`${path} is not a checkpoint of a run: it does not say its step.`);
  const read = (group: string, shapes: Parameters): Parameters =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, { shape }]) => {
        const tensor = tensors[`${group}.${name}`];
        if (!tensor) throw new Error(`${path} has no tensor ${group}.${name}.`);
        if (tensor.shape.join() !== shape.join()) {
          throw new Error(`${path}: ${group}.${name} has shape [${tensor.shape}], but the run needs [${shape}].`);
        }
        return [name, tf.tensor(toFloat32(tensor), shape, "float32")];
      }),
    );
  const readAll = (prefix: string, networks: Networks): Networks =>
    Object.fromEntries(Object.entries(networks).map(([network, p]) => [network, read(`${prefix}${network}`, p)]));
  const { trained, averages, first, second } = like;
  return {
    step,
    state: {
      trained: readAll("", trained),
      averages: readAll("", averages),
      first: readAll(FIRST, first),
      second: readAll(SECOND, second),
    },
  };
}
