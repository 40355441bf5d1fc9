/**
 * A configuration that leaves open how images of bands are standardised, with what was measured of them.
 *
 * @module
 */
import type { Dataset } from "../../datasets/dataset.ts";
import { measureChannels } from "../../datasets/channel_statistics.ts";
import type { RunOptions } from "../../training/runs/run.ts";
import { readConfig } from "../../training/runs/run_folder.ts";
import type { CommonConfig } from "../config.ts";

/** What of a configuration says it. */
type Standardised = Pick<CommonConfig, "architecture" | "standardise">;

/**
 * Holds that an encoder takes a data set's images, and that they are standardised in each channel.
 *
 * @throws RangeError
 */
export function checkChannels({ architecture: { channels = 3 }, standardise }: Standardised, dataset: Dataset): void {
  const { name, channels: own = 3 } = dataset;
  if (own !== channels) {
    throw new RangeError(
      `The images of ${name} have ${own} channels, and architecture.channels is ${channels}: set it to ${own}.`,
    );
  }
  if (standardise && standardise.mean.length !== channels) {
    throw new RangeError(
      `standardise has ${standardise.mean.length} channels, and architecture.channels is ${channels}.`,
    );
  }
}

/**
 * The configuration with a mean and deviation where its images have other than three channels: its own, the run's that goes
 * on, or what is measured of the images. The same of each of several workers, who see the same images.
 */
export async function standardised<Config extends Standardised>(
  config: Config,
  dataset: Dataset,
  { dir, resume }: Partial<Pick<RunOptions, "dir" | "resume">> = {},
): Promise<Config> {
  const { architecture: { image, channels = 3 } } = config;
  if (channels === 3 || config.standardise) return config;
  const kept = resume && dir !== undefined ? (await readConfig<Config>(dir)).standardise : undefined;
  return { ...config, standardise: kept ?? await measureChannels(dataset, image) };
}
