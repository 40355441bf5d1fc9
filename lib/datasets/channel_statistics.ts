/**
 * The mean and deviation by which images are standardised, where these are not a photo's: given, or measured.
 *
 * @module
 */
import { list, number, record, type Shape } from "../shapes.ts";
import type { Dataset } from "./dataset.ts";
import { defaultPreprocessing, type Preprocessing } from "./pixels/preprocessing.ts";

/** What is taken off, and what the rest is divided by, for each channel, in the files' own numbers (bytes: 0 to 255). */
export interface ChannelStatistics {
  /** Of each channel. */
  mean: number[];
  /** Of each channel, above 0. */
  deviation: number[];
}

/** What of a configuration they are. */
export const statisticsShape: Shape = record<ChannelStatistics>({
  mean: list(number()),
  deviation: list(number({ above: 0 })),
}, ({ mean, deviation }, path) => {
  if (mean.length === deviation.length) return;
  throw new RangeError(`${path}.mean and ${path}.deviation must have a number for each channel, and so as many.`);
});

/** The same of numbers / 255, as patchify() and a preprocessing have it. */
export function normalisationOf({ mean, deviation }: ChannelStatistics): { mean: number[]; deviation: number[] } {
  const scaled = (values: number[]) => values.map((value) => value / 255);
  return { mean: scaled(mean), deviation: scaled(deviation) };
}

/** The kit's own preprocessing of images that are standardised so; undefined where nothing is given. */
export function standardisedPreprocessing(image: number, standardise?: ChannelStatistics): Preprocessing | undefined {
  return standardise && { ...defaultPreprocessing(image), ...normalisationOf(standardise) };
}

/** Images that are measured, at most, and at once. */
const MEASURED = 1000, AT_ONCE = 50;

/**
 * Mean and deviation of each channel's numbers, over the images' centred squares of `size` pixels: all of up to a thousand
 * images, of more a thousand at even distances.
 *
 * @throws Error naming the data set where a channel is the same everywhere
 */
export async function measureChannels(dataset: Dataset, size: number): Promise<ChannelStatistics> {
  const { name, length, channels = 3 } = dataset, count = Math.min(length, MEASURED);
  const sums = new Float64Array(channels), squares = new Float64Array(channels);
  for (let first = 0; first < count; first += AT_ONCE) {
    const rows = { length: Math.min(AT_ONCE, count - first) };
    const indices = Uint32Array.from(rows, (_, i) => Math.floor((first + i) * length / count));
    const { pixels } = await dataset.centred(indices, size);
    for (let i = 0; i < pixels.length; i++) {
      sums[i % channels] += pixels[i];
      squares[i % channels] += pixels[i] ** 2;
    }
  }
  const numbers = count * size ** 2, mean = Array.from(sums, (sum) => sum / numbers);
  const deviation = Array.from(squares, (sum, channel) => Math.sqrt(Math.max(0, sum / numbers - mean[channel] ** 2)));
  const flat = deviation.findIndex((value, channel) => !(value > 1e-6 * Math.abs(mean[channel])));
  if (flat < 0) return { mean, deviation };
  throw new Error(
    `Channel ${flat} of ${name} is ${
      mean[flat]
    } everywhere, and has no deviation to be standardised by: leave it out of ` +
      "the files, or give the configuration's standardise.",
  );
}
