/**
 * What evaluations need of their images: what can be known of it before anything is computed.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";

/**
 * Holds that there are labels to be told apart.
 *
 * @param labels the images', where they are not the data set's own
 * @throws RangeError with the data set's name
 */
export function checkLabelled({ name, labels: own }: Dataset, labels: Int32Array = own, least: number = 2): void {
  if (labels.length === 0) throw new RangeError(`${name} holds no images.`);
  if (labels.some((label) => label < 0)) {
    throw new RangeError(`${name} has images without a label: sort them into classes.`);
  }
  const classes = new Set(labels).size;
  if (classes >= least) return;
  throw new RangeError(
    `${name} has images of one class alone, where there is nothing to tell apart: take more classes.`,
  );
}

/** Training images that leave some when a tenth is held out. */
const TENTH = 10;

/** Holds that a tenth of the training images can be held out, to choose by; throws a RangeError with their name. */
export function checkTenth({ name, length }: Dataset): void {
  if (length >= TENTH) return;
  throw new RangeError(
    `${name} has ${length} images, too few to hold out a tenth and choose by it: take ${TENTH} or more.`,
  );
}

/** Holds that each class has so many images; throws a RangeError with the one that has the fewest. */
export function checkPerClass({ name, classes, labels }: Dataset, most: number): void {
  const counts = new Uint32Array(labels.reduce((a, b) => Math.max(a, b), -1) + 1);
  for (const label of labels) counts[label]++;
  const fewest = counts.reduce((a, b) => Math.min(a, b)), label = counts.indexOf(fewest);
  if (fewest >= most) return;
  throw new RangeError(
    `${name} has ${fewest} images of the class ${
      classes[label] ?? label
    }, fewer than the ${most} labels that are to be ` +
      "drawn of each: take fewer labels a class.",
  );
}

/** The classes that one of two data sets has alone, by their names. */
export function differingClasses(train: Dataset, test: Dataset): string[] {
  const lacking = (a: Dataset, b: Dataset) => a.classes.filter((name) => !b.classes.includes(name));
  return [...lacking(train, test), ...lacking(test, train)];
}

/** Holds that two data sets have the same classes; throws a RangeError with those that one has alone. */
export function checkSameClasses(train: Dataset, test: Dataset): void {
  const only = differingClasses(train, test);
  if (only.length === 0) return;
  throw new RangeError(
    `${train.name} and ${test.name} do not have the same classes: ${only.join(", ")} are in one of them alone. Give ` +
      "both the same folders.",
  );
}
