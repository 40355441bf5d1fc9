/**
 * Trained world models as one safetensors file: their networks, and the configuration, which says their sizes.
 *
 * @module
 */
import { fromJson, toJson } from "../json.ts";
import type { Parameters } from "../nn/parameters.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import type { Networks } from "../training/objective.ts";
import { openSafetensors, writeSafetensors } from "../weights/formats/safetensors.ts";
import { lentRounded, loadTensors } from "../weights/formats/streamed.ts";
import type { StoredTensor } from "../weights/formats/tensors.ts";
import { checkWorldConfig } from "./check_config.ts";
import { networkShapes, type WorldConfig } from "./objective.ts";

/** A world model that was trained. */
export interface TrainedWorld {
  /** How it was trained; its sizes are among it. */
  config: WorldConfig;
  /** Those of networkShapes(); whoever has them disposes of them. */
  networks: Networks;
}

/**
 * Writes a world model.
 *
 * @param path its file
 * @throws RangeError naming the tensor whose numbers are not finite
 */
export async function saveWorld(path: string, { config, networks }: TrainedWorld): Promise<void> {
  const tensors = Object.entries(networks).flatMap(([network, p]) =>
    Object.entries(p).map(([name, tensor]) => {
      const own = `${network}.${name}`;
      return [
        own,
        lentRounded(tensor, "F32", () => new RangeError(`${path}: tensor ${own} holds numbers that are not finite.`)),
      ];
    })
  );
  await writeSafetensors(path, Object.fromEntries(tensors), { world: toJson(config) });
}

/**
 * Reads a world model that saveWorld() wrote.
 *
 * @param path the file, or a run's folder, in which it is world.safetensors
 * @returns tensors that are the caller's, float32
 * @throws Error naming the file, and the tensor, where it is no such file or lacks one
 */
export async function loadWorld(path: string): Promise<TrainedWorld> {
  const file = path.endsWith(".safetensors") ? path : `${path}/world.safetensors`;
  const { tensors, metadata } = await openSafetensors(file);
  if (metadata.world === undefined) {
    throw new Error(`${file} is no world model: its metadata does not say how it was trained.`);
  }
  const config = fromJson<WorldConfig>(metadata.world), networks: Networks = {};
  checkWorldConfig(config, file);
  const read = async (network: string, shapes: Record<string, readonly number[]>): Promise<Parameters> => {
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
    for (const [network, shapes] of Object.entries(networkShapes(config))) {
      networks[network] = await read(network, shapes);
    }
  } catch (error) {
    disposeAll(networks);
    throw error;
  }
  return { config, networks };
}
