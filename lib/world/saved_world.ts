/**
 * Trained world models as one safetensors file: their networks, and the configuration, which says their sizes.
 *
 * @module
 */
import type { Networks } from "../training/objective.ts";
import { checkWorldConfig } from "./check_config.ts";
import { networkShapes, type WorldConfig } from "./objective.ts";
import { loadNetworks, saveNetworks } from "./saved_networks.ts";

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
  await saveNetworks(path, networks, "world", config);
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
  const shapesOf = (config: WorldConfig) => {
    checkWorldConfig(config, file);
    return networkShapes(config);
  };
  const { about, networks } = await loadNetworks(file, { key: "world", what: "world model", shapesOf });
  return { config: about, networks };
}
