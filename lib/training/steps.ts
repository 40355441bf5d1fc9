/**
 * How many steps a run has, and how many micro-batches a step.
 *
 * @module
 */

/**
 * Micro-batches in a step.
 *
 * @throws RangeError where they do not divide the batch
 */
export function partsOf({ batch, microBatch = batch }: { batch: number; microBatch?: number }): number {
  const parts = batch / microBatch;
  if (Number.isSafeInteger(microBatch) && microBatch >= 1 && Number.isInteger(parts)) return parts;
  throw new RangeError(`A batch of ${batch} images cannot be cut into micro-batches of ${microBatch}.`);
}

/**
 * Steps of a whole run, whose batches are shuffled anew each epoch and drop what is left at its end.
 *
 * @param images of the data set
 * @param views crops of each image that a batch counts. Default 1
 * @throws RangeError where there is none, or a micro-batch has nothing to compare
 */
export function stepsOf(
  config: { batch: number; microBatch?: number; epochs: number },
  images: number,
  views = 1,
): number {
  const { epochs, batch } = config, own = batch / partsOf(config), apart = batch / views;
  if (!(own >= 2)) throw new RangeError(`A step needs at least 2 images, to compare them; got a batch of ${own}.`);
  if (images < apart) throw new RangeError(`${images} images are fewer than a batch of ${apart}: lower the batch.`);
  const steps = Math.round(epochs * Math.floor(images / apart));
  if (steps >= 1) return steps;
  throw new RangeError(`${epochs} epochs of ${images} images make no step of ${batch} images: raise the epochs.`);
}
