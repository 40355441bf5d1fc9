/**
 * Which classes are taken for which.
 *
 * @module
 */

/**
 * Row by row, for each class, the share of its images that were given each label, in percent; a class without images has
 * zeros. Of several predictions of the same images, the draws of lowShot() say, it is the mean.
 *
 * @param labels [N], the true ones
 * @param predictions [N] each, labels too
 * @param classes how many there are
 * @returns [classes, classes], row-major: true class, label that was given
 * @throws {RangeError} where there are no predictions, one is not as long as the labels, or a label is none of the classes
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: readonly ArrayLike<number>[],
  classes: number,
): Float64Array<ArrayBuffer> {
  if (predictions.length === 0) throw new RangeError("A confusion matrix needs predictions; got none.");
  const shares = new Float64Array(classes * classes), images = new Uint32Array(classes);
  const check = (label: number, i: number) => {
    if (Number.isInteger(label) && label >= 0 && label < classes) return label;
    throw new RangeError(`Image ${i} has the label ${label}, which is none of ${classes} classes.`);
  };
  for (let i = 0; i < labels.length; i++) images[check(labels[i], i)]++;
  for (const given of predictions) {
    if (given.length !== labels.length) {
      throw new RangeError(`There are ${given.length} predictions for ${labels.length} labels.`);
    }
    for (let i = 0; i < labels.length; i++) {
      const part = 100 / (images[labels[i]] * predictions.length);
      shares[labels[i] * classes + check(given[i], i)] += part;
    }
  }
  return shares;
}
