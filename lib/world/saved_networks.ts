/**
 * Networks as one safetensors file, with what says their sizes in its metadata.
 *
 * @module
 */
import { fromJson, toJson } from "../json.ts";
import type { ParameterShapes } from "../jepa/architectures.ts";
import type { Parameters } from "../nn/parameters.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import type { Networks } from "../training/objective.ts";
import { openSafetensors, writeSafetensors } from "../weights/formats/safetensors.ts";
import { lentRounded, loadTensors } from "../weights/formats/streamed.ts";
import type { StoredTensor } from "../weights/formats/tensors.ts";

/**
 * Writes networks; a tensor's name in the file is its network's and its own.
 *
 * @param path its file
 * @param key of the metadata
 * @param about what the metadata says under it, from which the shapes follow
 * @throws RangeError naming the tensor whose numbers are not finite
 */
export async function saveNetworks(path: string, networks: Networks, key: string, about: unknown): Promise<void> {
  const tensors = Object.entries(networks).flatMap(([network, p]) =>
    Object.entries(p).map(([name, tensor]) => {
      const own = `${network}.${name}`;
      return [
        own,
        lentRounded(tensor, "F32", () => new RangeError(`${path}: tensor ${own} holds numbers that are not finite.`)),
      ];
    })
  );
  await writeSafetensors(path, Object.fromEntries(tensors), { [key]: toJson(about) });
}

/**
 * Reads networks that saveNetworks() wrote.
 *
 * @param what the file should hold, for the message, e.g. "world model"
 * @param shapesOf the networks' shapes by what the metadata says, which it checks
 * @returns what the metadata says, and tensors that are the caller's, float32
 * @throws Error naming the file, and the tensor, where it is no such file or lacks one
 */
export async function loadNetworks<About>(
  file: string,
  { key, what, shapesOf }: { key: string; what: string; shapesOf: (about: About) => Record<string, ParameterShapes> },
): Promise<{ about: About; networks: Networks }> {
  const { tensors, metadata } = await openSafetensors(file);
  if (metadata[key] === undefined) {
    throw new Error(`${file} is no ${what}: its metadata does not say how it was trained.`);
  }
  const about = fromJson<About>(metadata[key]), networks: Networks = {}, shapes = shapesOf(about);
  const read = async (network: string, shapes: ParameterShapes): Promise<Parameters> => {
    const stored = Object.entries(shapes).map(([name, shape]): [string, StoredTensor] => {
      const tensor = tensors[`${network}.${name}`];
      if (!tensor) throw new Error(`${file} lacks tensor ${network}.${name}.`);
      if (`${tensor.shape}` !== `${shape}`) {
        throw new Error(
          `${file}: tensor ${network}.${name} has shape [${tensor.shape}], but should have [${shape}].`,
        );
      }
      return [name, tensor];
    });
    return await loadTensors(Object.fromEntries(stored));
  };
  try {
    for (const [network, own] of Object.entries(shapes)) networks[network] = await read(network, own);
  } catch (error) {
    disposeAll(networks);
    throw error;
  }
  return { about, networks };
}
