/**
 * pretrainWorld(): a whole run of a world model in a folder, from a configuration to its file.
 *
 * @module
 */
import { disposeAll } from "../tensorflow/backend.ts";
import type { Networks } from "../training/objective.ts";
import { decided } from "../training/runs/decided.ts";
import { type Run, type RunLogEntry, type RunOptions, trainRun } from "../training/runs/run.ts";
import { checkWorldConfig } from "./check_config.ts";
import { type WorldConfig, worldObjective } from "./objective.ts";
import { saveWorld } from "./saved_world.ts";

/** One line of log.jsonl: the loss's terms before their weights. Values that are not finite are written as null. */
export interface WorldLogEntry extends RunLogEntry {
  /** Squared error of the predicted states, averaged over the horizon. */
  prediction: number;
  /** How far the states' deviations are below 1, averaged over dimensions; of the other four terms as of this one. */
  variance?: number;
  /** Squared covariances of different dimensions, averaged over the pairs. */
  covariance?: number;
  /** Squared change of states over `regulariser.lag` frames. */
  smoothness?: number;
  /** Squared error of the action between two states, in units, averaged over x and y. */
  inverseDynamics?: number;
  /** LeWM's statistic, where it is the regulariser. */
  sigreg?: number;
  /** Collapse measure: deviation of the states, averaged over dimensions. */
  stateStd: number;
}

/** What a run leaves. */
export interface WorldResult extends Omit<Run<WorldLogEntry>, "state"> {
  /** Those of networkShapes(); the caller disposes of them. */
  networks: Networks;
  /** The file that holds them. */
  weights: string;
}

/**
 * Trains a world model (eb_jepa's of two rooms, or LeWM's two terms), writing the run into a folder: config.json,
 * log.jsonl, the newest checkpoints, and at the end world.safetensors, which loadWorld() reads. Its episodes are made as
 * it goes.
 *
 * The result depends on the configuration alone: a run that was stopped, by its signal or by a kill, and resumed ends with
 * the same weights, bit for bit, on the same machine.
 *
 * @throws RangeError as checkWorldConfig() does, before anything is written
 * @throws Error where the folder holds another run, where there is nothing to resume, or, with the step, where loss or
 *   gradients are not finite or a checkpoint cannot be written
 */
export async function pretrainWorld(asked: WorldConfig, options: RunOptions<WorldLogEntry>): Promise<WorldResult> {
  checkWorldConfig(asked);
  const config = await decided(asked, asked.networks.width, options);
  const { state, ...run } = await trainRun(worldObjective(config), { config }, options);
  disposeAll([state.first, state.second]);
  const weights = `${options.dir}/world.safetensors`;
  if (run.finished && (options.workers?.rank ?? 0) === 0) await saveWorld(weights, { config, networks: state.trained });
  return { ...run, networks: state.trained, weights };
}
