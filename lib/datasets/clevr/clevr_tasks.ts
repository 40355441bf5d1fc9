/**
 * VTAB's two tasks on CLEVR (Zhai et al. 2019, arXiv 1910.04867): how many objects a picture shows, and how far the
 * closest is, as a class. The paper's table 4 evaluates on both. Classes and thresholds are those of VTAB's code
 * (task_adaptation/data/clevr.py).
 *
 * @module
 */
import type { Dataset } from "../dataset.ts";

/** Pictures of which it is known what they show. */
export interface CountedDataset extends Dataset {
  /** [N]: the number of objects. */
  readonly counts: Int32Array;
  /** [N]: the least depth of an object's centre, its distance from the camera along the optical axis. */
  readonly closest: Float64Array;
}

/** Labels with the names of their classes. */
export interface TaskLabels {
  /** [N], a class's index. */
  labels: Int32Array<ArrayBuffer>;
  /** Names of the classes, by label. */
  classes: readonly string[];
}

/** Between VTAB's six classes of distance; a distance that is equal to one belongs to the class below. */
const THRESHOLDS = [8, 8.5, 9, 9.5, 10];

const DISTANCE_CLASSES = ["up to 8", "8 to 8.5", "8.5 to 9", "9 to 9.5", "9.5 to 10", "above 10"];

/**
 * VTAB's clevr_count_all: a class for each number of objects.
 *
 * @param range least and greatest number; CLEVR's, and the default, are [3, 10], which makes eight classes
 * @throws RangeError where a count is outside
 */
export function countLabels(counts: Int32Array, [least, most]: readonly [number, number] = [3, 10]): TaskLabels {
  const stray = counts.findIndex((count) => count < least || count > most);
  if (stray >= 0) {
    throw new RangeError(
      `Image ${stray} shows ${counts[stray]} objects, but the classes are from ${least} to ${most}: give their range.`,
    );
  }
  const classes = Array.from({ length: most - least + 1 }, (_, i) => `${least + i}`);
  return { labels: Int32Array.from(counts, (count) => count - least), classes };
}

/**
 * VTAB's clevr_closest_object_distance: six classes, cut at 8, 8.5, 9, 9.5 and 10.
 *
 * @param closest depth of the closest object's centre, in CLEVR's unit
 * @throws RangeError where a distance is not above 0 and at most 100
 */
export function distanceLabels(closest: Float64Array): TaskLabels {
  const stray = closest.findIndex((distance) => !(distance > 0 && distance <= 100));
  if (stray >= 0) {
    throw new RangeError(`Image ${stray}'s closest object is at ${closest[stray]}: distances are in 0 .. 100.`);
  }
  const labels = Int32Array.from(closest, (distance) => THRESHOLDS.filter((threshold) => distance > threshold).length);
  return { labels, classes: DISTANCE_CLASSES };
}

/** The data set with the number of objects as labels. */
export function countTask(dataset: CountedDataset, range?: readonly [number, number]): Dataset {
  return withLabels(dataset, countLabels(dataset.counts, range), "count");
}

/** The data set with the class of the closest object's distance as labels. */
export function distanceTask(dataset: CountedDataset): Dataset {
  return withLabels(dataset, distanceLabels(dataset.closest), "distance");
}

/**
 * The same images with other labels. (Features need not be extracted again for them: `{ ...features, labels }`.)
 *
 * @param task is added to the name
 * @throws RangeError unless there is a label for each image; the data set's functions, where another image took the
 *   place of one that cannot be read
 */
export function withLabels(dataset: Dataset, { labels, classes }: TaskLabels, task: string): Dataset {
  if (labels.length !== dataset.length) {
    throw new RangeError(`${dataset.name} has ${dataset.length} images, but there are ${labels.length} labels.`);
  }
  function labelsOf(indices: Uint32Array): Int32Array<ArrayBuffer> {
    if (dataset.skipped?.length) {
      throw new Error(`${dataset.skipped[0]} cannot be read, and the labels of ${task} fit no other image: repair it.`);
    }
    return Int32Array.from(indices, (index) => labels[index]);
  }
  return {
    name: `${dataset.name}, ${task}`,
    length: dataset.length,
    classes,
    labels,
    paths: dataset.paths,
    colours: dataset.colours,
    fingerprint: dataset.fingerprint,
    async crops(indices, size, crop, key) {
      const { pixels } = await dataset.crops(indices, size, crop, key);
      return { pixels, labels: labelsOf(indices) };
    },
    async centred(indices, framing) {
      const { pixels } = await dataset.centred(indices, framing);
      return { pixels, labels: labelsOf(indices) };
    },
  };
}
