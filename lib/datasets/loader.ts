/**
 * The endless stream of training batches: shuffled epoch by epoch, decoded ahead of the consumer, and the same from any
 * step on, so that a run resumes where it stopped.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { randomStream, shuffled } from "../random.ts";
import { type Batch, type CropRange, type CropSource, type CropView, cropViews } from "./dataset.ts";
import { emptyPixels, type Pixels } from "./pixels/cut_image.ts";
import { mirror } from "./pixels/geometric.ts";

/** Further crops of each image, of a size and a range of their own: the "local" ones of methods with several crops. */
export interface LocalCrops {
  /** Crops of each image. */
  views: number;
  /** Width and height, in pixels. */
  size: number;
  /** Range of the random resized crops. */
  crop: CropRange;
}

/** What `batches` is to deliver. */
export interface BatchOptions {
  /** Crops in a batch, the local ones not counted. */
  batch: number;
  /** Crops of each image: they are drawn apart, and lie batch / views rows apart. Default 1. */
  views?: number;
  /** Width and height of the crops, in pixels. */
  size: number;
  /** Range of the random resized crops. */
  crop: CropRange;
  /** Crops of another size beside them. Default none. */
  local?: LocalCrops;
  /** Mirrors half of all crops, left to right. Default false: crops are the paper's only augmentation. */
  flip?: boolean;
  /** Order, crops and flips follow from it. */
  seed: number;
  /** The first step to deliver; 0 unless a run is resumed. */
  start?: number;
  /** Of the equal parts that each batch is cut into, those to deliver: `from` up to `to` - 1. Default the whole in one. */
  share?: { parts: number; from: number; to: number };
}

/** A batch, or a part of one, and its place in the run. */
export type TrainingBatch = Batch & {
  /** Steps before this one since the run began. */
  step: number;
  /** Which part of the step's batch, from 0 on. */
  part: number;
  /** Whole passes over the data before this one. */
  epoch: number;
  /** The local crops where they were asked for, [images * views, size, size, channels]: the first of each image, the second, ... */
  local?: Pixels;
};

/** Batches, or parts of them, that are decoded, or being decoded, while the consumer works on its own. */
const AHEAD = 2;

/**
 * Batches of random resized crops, for ever: break when done. Each epoch takes the images in a new order, which depends
 * on (seed, epoch) alone, and drops what is left at its end when the batch does not divide the number of images: at most
 * batch - 1 images, other ones each epoch. An error in decoding is thrown once, at the step it belongs to.
 *
 * @throws RangeError at once, if the data set has fewer images than one batch.
 */
export function batches(dataset: CropSource, options: BatchOptions): AsyncGenerator<TrainingBatch, void, void> {
  const { batch, views = 1, start = 0, share = { parts: 1, from: 0, to: 1 } } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new RangeError(`The batch must hold at least one image; got ${batch}.`);
  }
  for (const count of [views, options.local?.views ?? 1]) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`There are 1, 2, ... crops of each image; got ${count}.`);
    }
  }
  if (batch % views !== 0) {
    throw new RangeError(`${views} crops of each image need a batch that ${views} divides; got ${batch}.`);
  }
  if (batch % (views * share.parts) !== 0) {
    throw new RangeError(`A batch of ${batch} cannot be cut into ${share.parts} parts of whole images.`);
  }
  if (!Number.isSafeInteger(start) || start < 0) {
    throw new RangeError(`The first step must be a whole number from 0 on; got ${start}.`);
  }
  if (dataset.length < batch / views) {
    throw new RangeError(
      `${dataset.name} has ${dataset.length} images, fewer than a batch of ${batch}: lower the batch.`,
    );
  }
  return stream(dataset, { flip: false, ...options, views, start, share });
}

/** Batches one after another. */
function joined(parts: readonly Batch[], channels: number): Batch {
  if (parts.length === 1) return parts[0];
  const pixels = emptyPixels(parts.reduce((size, part) => size + part.pixels.length, 0), channels);
  parts.reduce((at, part) => (pixels.set(part.pixels, at), at + part.pixels.length), 0);
  return { pixels, labels: Int32Array.from(parts.flatMap(({ labels }) => [...labels])) };
}

async function* stream(
  dataset: CropSource,
  { batch, views, size, crop, local, flip, seed, start, share }: Required<Omit<BatchOptions, "local">> & BatchOptions,
): AsyncGenerator<TrainingBatch, void, void> {
  const images = batch / views, stepsPerEpoch = Math.floor(dataset.length / images);
  const { channels = 3 } = dataset, own = share.to - share.from, imagesPerPart = images / share.parts;
  let order: { epoch: number; indices: Uint32Array } | undefined;
  let stopped = false;

  /** What the crops with number `view` are. Seeds and epochs of runs are not negative and small: no two share a stream. */
  const viewOf = (epoch: number, view: number): CropView => ({
    ...view < views ? { size, crop } : { size: local!.size, crop: local!.crop },
    key: { seed: view % 2 === 0 ? seed : -1 - seed, epoch: epoch + Math.floor(view / 2) * 2 ** 32 },
  });

  /** Mirrors half of a view's crops. */
  function mirrorSome(indices: Uint32Array, { pixels }: Batch, { size, key }: CropView) {
    const length = size * size * channels;
    indices.forEach((index, i) => {
      // A stream that the crop, whose key is one number shorter, does not share.
      if (randomStream(key.seed, key.epoch, index, 1).integer(2) === 0) return;
      const own = pixels.subarray(i * length, (i + 1) * length);
      own.set(mirror(own, size, channels));
    });
  }

  async function load(place: number, previous?: Promise<TrainingBatch>): Promise<TrainingBatch> {
    await previous;
    // One turn of the event loop: the consumer sets off its own step first, and this work runs beside it.
    await setImmediate();
    if (stopped) throw new Error("The consumer has stopped.");
    const step = Math.floor(place / own), part = share.from + place % own;
    const epoch = Math.floor(step / stepsPerEpoch), first = (step % stepsPerEpoch) * images + part * imagesPerPart;
    if (order?.epoch !== epoch) order = { epoch, indices: shuffled(dataset.length, randomStream(seed, epoch)) };
    const indices = order.indices.subarray(first, first + imagesPerPart);
    const all = Array.from({ length: views + (local?.views ?? 0) }, (_, view) => viewOf(epoch, view));
    const taken = await cropViews(dataset, indices, all);
    if (flip) taken.forEach((batch, view) => mirrorSome(indices, batch, all[view]));
    const global = taken.slice(0, views), small = taken.slice(views);
    return {
      ...joined(global, channels),
      ...local ? { local: joined(small, channels).pixels } : {},
      step,
      part,
      epoch,
    };
  }

  const ahead: Promise<TrainingBatch>[] = [];
  let next = start * own;
  try {
    while (true) {
      while (ahead.length < AHEAD + 1) {
        const promise = load(next++, ahead.at(-1));
        // The consumer meets the rejection when it comes to that step; until then it is no unhandled one.
        promise.catch(() => {});
        ahead.push(promise);
      }
      yield await ahead.shift()!;
    }
  } finally {
    stopped = true;
    await Promise.allSettled(ahead);
  }
}
