/**
 * Standardised features: how far each lies from the training set's mean, in deviations.
 *
 * @module
 */
import { columnMeans, type Features } from "./features/features.ts";

/**
 * Each column less its mean over its deviation, both of the training set; a constant column becomes zeros.
 *
 * @returns of features of the same width, their standardised values, [N, width]
 */
export function standardiser(train: Features): (features: Features) => Float32Array<ArrayBuffer> {
  const { width, labels } = train;
  const mean = columnMeans(train), scale = new Float64Array(width);
  for (let i = 0; i < train.values.length; i += width) {
    for (let j = 0; j < width; j++) scale[j] += (train.values[i + j] - mean[j]) ** 2;
  }
  for (let j = 0; j < width; j++) {
    const deviation = Math.sqrt(scale[j] / labels.length);
    scale[j] = deviation > 1e-6 * Math.abs(mean[j]) ? 1 / deviation : 0;
  }
  return ({ values }) => {
    const standardised = new Float32Array(values.length);
    for (let i = 0; i < values.length; i += width) {
      for (let j = 0; j < width; j++) standardised[i + j] = (values[i + j] - mean[j]) * scale[j];
    }
    return standardised;
  };
}
