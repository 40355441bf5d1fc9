/**
 * Batches for training on labels: random resized crops, half of them mirrored, with RandAugment.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type { Batch, CropRange, Dataset } from "../../datasets/dataset.ts";
import { colourPixels } from "../../datasets/pixels/cut_image.ts";
import { mirror } from "../../datasets/pixels/geometric.ts";
import { randAugment, type RandAugmentOptions } from "../../datasets/pixels/rand_augment.ts";
import { randomStream, shuffled } from "../../random.ts";

/** What the batches are to hold. */
export interface SupervisedBatchOptions {
  /** Images of the data set to take, by index. */
  indices: Uint32Array;
  /** Images in a batch. */
  batch: number;
  /** Batches in all. */
  steps: number;
  /** Width and height of the crops, in pixels. */
  size: number;
  /** Range of the random resized crops. */
  crop: CropRange;
  /** Done to each crop. */
  augment: RandAugmentOptions;
  /** Order, crops and augmentations follow from it. */
  seed: number;
}

/** A batch, and in which pass over the images it begins. */
export type SupervisedBatch = Batch & { epoch: number };

/**
 * Batches for so many steps, the next one being read while the consumer works on its own. They are cut from one endless
 * stream, pass after pass over the images, each in an order of its own: where a pass ends within a batch, the next one fills
 * it up, so that batches are of one size and no image is left out. What an image looks like depends on (seed, pass, index)
 * alone.
 *
 * @throws Error where an image has no label
 */
export async function* supervisedBatches(
  dataset: Dataset,
  { indices, batch, steps, size, crop, augment, seed }: SupervisedBatchOptions,
): AsyncGenerator<SupervisedBatch, void, void> {
  const bytes = size * size * 3;
  let order: { epoch: number; places: Uint32Array } | undefined;

  /** The images in a part of a pass. */
  async function part(epoch: number, first: number, last: number): Promise<Batch> {
    if (order?.epoch !== epoch) order = { epoch, places: shuffled(indices.length, randomStream(seed, epoch)) };
    const chosen = order.places.subarray(first, last).map((place) => indices[place]);
    const { labels, ...cut } = await dataset.crops(chosen, size, crop, { seed, epoch });
    const pixels = colourPixels(cut.pixels); // which RandAugment changes
    chosen.forEach((index, i) => {
      if (labels[i] < 0) throw new Error(`Image ${index} of ${dataset.name} has no label: leave such images out.`);
      // A stream that the crop, whose key is one number shorter, does not share.
      const random = randomStream(seed, epoch, index, 0), own = pixels.subarray(i * bytes, (i + 1) * bytes);
      const facing = random.integer(2) === 0 ? own : mirror(own, size);
      own.set(randAugment(facing, size, random, augment));
    });
    return { pixels, labels };
  }

  async function load(step: number): Promise<SupervisedBatch> {
    await setImmediate(); // One turn of the event loop: the consumer sets off its own step first.
    const pixels = new Uint8Array(batch * bytes), labels = new Int32Array(batch);
    const first = step * batch, images = indices.length;
    for (let filled = 0; filled < batch;) {
      const epoch = Math.floor((first + filled) / images), from = (first + filled) % images;
      const next = await part(epoch, from, Math.min(images, from + batch - filled));
      pixels.set(next.pixels, filled * bytes);
      labels.set(next.labels, filled);
      filled += next.labels.length;
    }
    return { pixels, labels, epoch: Math.floor(first / images) };
  }

  let ahead: Promise<SupervisedBatch> | undefined;
  try {
    for (let step = 0; step < steps; step++) {
      const own = await (ahead ?? load(step));
      ahead = step + 1 < steps ? load(step + 1) : undefined;
      ahead?.catch(() => {}); // The consumer meets it at its own step.
      yield own;
    }
  } finally {
    await Promise.allSettled([ahead]);
  }
}
