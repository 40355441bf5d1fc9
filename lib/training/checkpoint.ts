/**
 * Checkpoints: a run's whole state in one safetensors file, and the networks alone as what a run hands over.
 *
 * @module
 */
import type { Parameters } from "../nn/parameters.ts";
import { tf } from "../tensorflow/backend.ts";
import { type HostTensor, readSafetensors, toFloat32, writeSafetensors } from "../weights/safetensors.ts";
import type { TrainingState } from "./step.ts";

/** The parts of a state, under the authors' names for the networks. */
function parts(state: TrainingState): Record<string, Parameters> {
  return {
    "encoder": state.contextEncoder,
    "predictor": state.predictor,
    "target_encoder": state.targetEncoder,
    "first_moment.encoder": state.contextMoments.first,
    "second_moment.encoder": state.contextMoments.second,
    "first_moment.predictor": state.predictorMoments.first,
    "second_moment.predictor": state.predictorMoments.second,
  };
}

async function toHost(prefix: string, parameters: Parameters): Promise<[string, HostTensor][]> {
  return await Promise.all(
    Object.entries(parameters).map(async ([name, tensor]): Promise<[string, HostTensor]> => [
      `${prefix}${name}`,
      { dtype: "F32", shape: tensor.shape, data: await tensor.data() as Float32Array<ArrayBuffer> },
    ]),
  );
}

/** Writes a run's state as groups of tensors, each named "group.tensor"; the file is replaced when the new one is whole. */
export async function writeGroups(path: string, groups: Record<string, Parameters>, step: number): Promise<void> {
  const tensors = await Promise.all(
    Object.entries(groups).map(([prefix, parameters]) => toHost(`${prefix}.`, parameters)),
  );
  await writeSafetensors(path, Object.fromEntries(tensors.flat()), { step: `${step}` });
}

/**
 * Reads groups of tensors of the same names and shapes as `like`.
 *
 * @returns new tensors, the caller's; and the steps done
 * @throws Error naming the file and the tensor where the checkpoint does not hold such groups
 */
export async function readGroups(
  path: string,
  like: Record<string, Parameters>,
): Promise<{ groups: Record<string, Parameters>; step: number }> {
  const { tensors, metadata } = await readSafetensors(path);
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step)) throw new Error(`${path} is not a checkpoint of a run: it does not say its step.`);
  const read = (prefix: string, shapes: Parameters): Parameters =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, { shape }]) => {
        const tensor = tensors[`${prefix}.${name}`];
        if (!tensor) throw new Error(`${path} has no tensor ${prefix}.${name}.`);
        if (tensor.shape.join() !== shape.join()) {
          throw new Error(`${path}: ${prefix}.${name} has shape [${tensor.shape}], but the run needs [${shape}].`);
        }
        return [name, tf.tensor(toFloat32(tensor), shape, "float32")];
      }),
    );
  return {
    step,
    groups: Object.fromEntries(Object.entries(like).map(([prefix, shapes]) => [prefix, read(prefix, shapes)])),
  };
}

/** Writes a state; the file is replaced when the new one is whole. */
export async function writeCheckpoint(path: string, state: TrainingState, step: number): Promise<void> {
  await writeGroups(path, parts(state), step);
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
  const { groups, step } = await readGroups(path, parts(like));
  return {
    step,
    state: {
      contextEncoder: groups["encoder"],
      predictor: groups["predictor"],
      targetEncoder: groups["target_encoder"],
      contextMoments: { first: groups["first_moment.encoder"], second: groups["second_moment.encoder"] },
      predictorMoments: { first: groups["first_moment.predictor"], second: groups["second_moment.predictor"] },
    },
  };
}
