/**
 * What a run's representations are worth while it trains: a monitor for pretrain() that measures the encoder on a
 * fixed part of the training images.
 *
 * @module
 */
import { emptyPixels, type Pixels } from "../../datasets/pixels/cut_image.ts";
import { normalisationOf } from "../../datasets/channel_statistics.ts";
import type { Dataset } from "../../datasets/dataset.ts";
import { encode, patchify, pixelTensor } from "../../jepa/encoder.ts";
import type { Parameters } from "../../nn/parameters.ts";
import { randomStream, shuffled } from "../../random.ts";
import { tf } from "../../tensorflow/backend.ts";
import { compile } from "../../tensorflow/compile.ts";
import { decidePrecision } from "../../tensorflow/product_rates.ts";
import { standardised } from "../../methods/parts/standardised.ts";
import type { MethodConfig } from "../../methods/methods.ts";
import type { Monitor } from "../../training/runs/run.ts";
import { lidar, rankMe } from "./collapse.ts";
import type { Features } from "../features/features.ts";
import { knn } from "../probes/knn.ts";
import { linearProbe } from "../probes/linear_probe.ts";

/** What to measure on, and when. */
export interface MonitorOptions {
  /** Steps between measurements; see isMeasured() for the others. */
  every: number;
  /** Images for RankMe, kNN and the linear probe, at least 4; all there are where there are fewer. Default 2,000. */
  images?: number;
  /** Images whose crops LiDAR compares, at least 2; the first of the others. Default 125. */
  lidarImages?: number;
}

/** A monitor, and what its numbers are to be compared with. */
export interface RepresentationMonitor extends Monitor {
  /** Images that kNN and the linear probe are measured on; 0 where there are too few with labels. */
  heldOut: number;
  /** Share of these that belong to their most frequent class, in percent: what an encoder that sees nothing reaches. */
  chance: number;
  /** Frees the compiled encoder. */
  dispose(): void;
}

/** Crops of an image that LiDAR compares. */
const VIEWS = 8;

/** Key of the random stream that draws the images, and from there on down the crops': epochs are keys from 0 on. */
const IMAGES_STREAM = -2, CROPS_STREAM = -3;

/** Images encoded at once. */
const BATCH = 200;

/** As in the table at the end of a run. */
const WEIGHT_DECAY = 1e-3;

/** More classes would leave a probe too few images of each. */
const CLASSES = 20;

/** The images to measure on, in random order: of some classes where two or more have labels, else any. */
function drawImages(dataset: Dataset, count: number, seed: number): { indices: Uint32Array; labelled: boolean } {
  const random = randomStream(seed, IMAGES_STREAM);
  const order = shuffled(dataset.length, random);
  const classes = new Set(shuffled(dataset.classes.length, random).subarray(0, CLASSES));
  const known = order.filter((index) => classes.has(dataset.labels[index])).subarray(0, count);
  const labelled = known.some((index) => dataset.labels[index] !== dataset.labels[known[0]]);
  return { indices: labelled ? known : order.subarray(0, count), labelled };
}

/** Pixels of the images as they are, and of the first ones' crops, an image's in a row. */
async function loadPixels(
  dataset: Dataset,
  { architecture: { image, channels = 3 }, crop, seed }: MethodConfig,
  indices: Uint32Array,
  cropped: number,
): Promise<{ pixels: Pixels; labels: Int32Array }> {
  const length = image * image * channels;
  const centred = await dataset.centred(indices, image);
  const pixels = emptyPixels((indices.length + cropped * VIEWS) * length, channels);
  pixels.set(centred.pixels);
  for (let view = 0; view < VIEWS; view++) {
    const key = { seed, epoch: CROPS_STREAM - view };
    const crops = await dataset.crops(indices.subarray(0, cropped), image, crop, key);
    for (let i = 0; i < cropped; i++) {
      const place = indices.length + i * VIEWS + view;
      pixels.set(crops.pixels.subarray(i * length, (i + 1) * length), place * length);
    }
  }
  return { pixels, labels: centred.labels };
}

/** Share of the most frequent label, in percent. */
function majority(labels: Int32Array): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return 100 * Math.max(...counts.values()) / labels.length;
}

/**
 * A monitor of the kept encoder's average-pooled representations (I-JEPA: the target encoder's), on images of the training
 * set that `config.seed` draws:
 *
 * - `rankMe`: rankMe() of them; `lidar`: lidar() of 8 of the run's own crops each of some of them
 * - `knn` and `linear`, where the images that they are fitted to have labels that differ, of 20 classes at most: accuracy
 *   in percent on every third image, of a kNN classifier (k = 20, or all there are) and a linear probe (weight decay 1e-3)
 *   on the others. Labels reach these alone, never the encoder; but as it was trained on these images too, the numbers are
 *   no test accuracies.
 *
 * Each time 3,000 images are encoded, in some 5 s of one core for CIFAR-10 at width 128 and depth 4 and 13 s at width 192
 * and depth 6, as long as training on 1,000 takes; all else takes 0.3 s. Pixels are decoded once and kept: 9 MB at 32 x 32
 * pixels, 450 MB at 224 x 224.
 *
 * @throws RangeError where there are too few images
 */
export async function representationMonitor(
  config: MethodConfig,
  dataset: Dataset,
  { every, images = 2000, lidarImages = 125 }: MonitorOptions,
): Promise<RepresentationMonitor> {
  const { architecture, seed } = config, { image, patch, channels = 3, width } = architecture;
  const drawn = drawImages(dataset, images, seed), { indices } = drawn;
  const count = indices.length, cropped = Math.min(lidarImages, count);
  if (count < 4 || cropped < 2) {
    throw new RangeError(
      `Measuring takes 4 images and crops of 2; got ${count} and ${cropped} of ${dataset.name}: leave the monitor out (--monitor 0).`,
    );
  }
  const { pixels, labels } = await loadPixels(dataset, config, indices, cropped);
  const fittedLabels = labels.filter((_, i) => i % 3 !== 2);
  const labelled = drawn.labelled && fittedLabels.some((label) => label !== fittedLabels[0]);
  const total = count + cropped * VIEWS, rows = Math.min(BATCH, total), length = image * image * channels;
  const { standardise } = await standardised(config, dataset),
    normalisation = standardise && normalisationOf(standardise);
  const pool = compile(
    (p: Parameters, pixels: tf.Tensor) => tf.mean(encode(p, architecture, patchify(pixels, patch, normalisation)), 1), // [B, D]
    { precision: await decidePrecision(config.precision, width), name: "monitored_features" },
  );

  async function features(targetEncoder: Parameters): Promise<Float32Array<ArrayBuffer>> {
    const values = new Float32Array(total * width);
    for (let next = 0; next < total; next += rows) {
      const start = Math.min(next, total - rows); // the last batch overlaps, so that all are of one size
      const batch = pixelTensor(pixels.subarray(start * length, (start + rows) * length), rows, image);
      const pooled = await pool(targetEncoder, batch);
      values.set(await pooled.data() as Float32Array, start * width);
      tf.dispose([batch, pooled]);
    }
    return values;
  }

  /** The rows that kNN and the probe are fitted to, or the third that they are measured on. */
  const part = (held: boolean, values: Float32Array): Features => {
    const chosen = Array.from({ length: count }, (_, i) => i).filter((i) => (i % 3 === 2) === held);
    const taken = new Float32Array(chosen.length * width);
    chosen.forEach((i, to) => taken.set(values.subarray(i * width, (i + 1) * width), to * width));
    return { values: taken, width, labels: Int32Array.from(chosen, (i) => labels[i]) };
  };

  async function measure(targetEncoder: Parameters): Promise<Record<string, number>> {
    const values = await features(targetEncoder);
    const own = values.subarray(0, count * width), views = values.subarray(count * width);
    const spread = { rankMe: rankMe({ values: own, width }), lidar: lidar({ values: views, width }, { views: VIEWS }) };
    if (!labelled) return spread;
    const fitted = part(false, own), held = part(true, own);
    const neighbours = await knn(fitted, held);
    const probe = await linearProbe(fitted, held, { weightDecay: WEIGHT_DECAY });
    return { ...spread, knn: neighbours.accuracy, linear: probe.accuracy };
  }

  const heldLabels = labels.filter((_, i) => i % 3 === 2);
  return {
    every,
    measure,
    heldOut: labelled ? heldLabels.length : 0,
    chance: labelled ? majority(heldLabels) : 0,
    dispose: () => pool.dispose(),
  };
}
