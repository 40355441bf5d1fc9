/**
 * Measures of collapse: over how many directions features spread, without labels; and from what values on a run is said
 * to collapse.
 *
 * @module
 */
import type { LogEntry } from "../../methods/pretrain.ts";
import type { Features } from "../features/features.ts";
import { scatter, symmetricEigenvalues, whitened } from "./symmetric_matrix.ts";

/** Features without their labels. */
export type FeatureRows = Pick<Features, "values" | "width">;

/** What both papers add to each share, so that log(0) does not occur. */
const EPSILON = 1e-7;

/** exp of the entropy of the shares that spectrum values have in their sum: how many of them count. 0 where all are 0. */
function effectiveRank(spectrum: Float64Array): number {
  const sum = spectrum.reduce((a, b) => a + b, 0);
  if (sum === 0) return 0;
  const entropy = spectrum.reduce((total, value) => {
    const share = value / sum + EPSILON;
    return total - share * Math.log(share);
  }, 0);
  return Math.exp(entropy);
}

/** The number of rows, all of them finite. */
function rowsOf({ values, width }: FeatureRows): number {
  const rows = values.length / width;
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new RangeError(`${values.length} values are not one or more rows of ${width}: give [N, width] features.`);
  }
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken < 0) return rows;
  throw new RangeError(`Row ${Math.floor(broken / width)} of the features holds ${values[broken]}: it has no rank.`);
}

/**
 * RankMe (Garrido et al. 2023, arXiv 2210.02885, equation 1): the effective rank of the matrix of features [N, D], from
 * 1 (all images on one line through the origin) to min(N, D); 0 where all features are 0. As published the features are
 * not centred, so what all images share counts as the first direction.
 *
 * @throws RangeError where there is no row, or a value is not finite
 */
export function rankMe(features: FeatureRows): number {
  const rows = rowsOf(features), { values, width } = features;
  const squares = symmetricEigenvalues(scatter(values, width, new Float64Array(width)), width);
  // Beyond the rows' number they are rounding errors, some of them negative.
  return effectiveRank(squares.map((square, i) => i < width - rows ? 0 : Math.sqrt(Math.max(0, square))));
}

/** Largest deviation between images, over the features' root mean square, that float32 may have made by rounding. */
const ROUNDING = 1e-6;

/**
 * LiDAR (Thilak et al. 2023, arXiv 2312.04000, section 4): the effective rank of linear discriminant analysis with each
 * image as a class and its augmented views as the class's members. It counts directions that tell images apart however
 * they are cropped: from 1 to min(images - 1, D); 0 where images do not differ at all.
 *
 * With few views the noise of a class's mean, Sigma_w / views, counts as difference between images: compare values of
 * equal numbers of views and images alone.
 *
 * @param features [images * views, D]: the views of an image in successive rows
 * @param options.views of each image, at least 2
 * @param options.delta what is added to the diagonal of Sigma_w; default 1e-4
 * @throws RangeError where the rows are not those of two or more images, or a value is not finite
 */
export function lidar(features: FeatureRows, { views, delta = 1e-4 }: { views: number; delta?: number }): number {
  const rows = rowsOf(features), { values, width } = features, images = rows / views;
  if (!Number.isSafeInteger(views) || views < 2) throw new RangeError(`LiDAR needs 2 or more views; got ${views}.`);
  if (!Number.isSafeInteger(images) || images < 2) {
    throw new RangeError(`${rows} rows are not ${views} views each of 2 or more images.`);
  }
  if (!(delta > 0)) throw new RangeError(`LiDAR's delta must be above 0; got ${delta}.`);
  const means = new Float64Array(images * width), mean = new Float64Array(width), residuals = new Float64Array(values);
  let squares = 0;
  for (let k = 0; k < values.length; k++) {
    const j = k % width;
    means[Math.floor(k / width / views) * width + j] += values[k] / views;
    mean[j] += values[k] / rows;
    squares += values[k] ** 2 / rows;
  }
  for (let k = 0; k < values.length; k++) residuals[k] -= means[Math.floor(k / width / views) * width + k % width];

  const between = scatter(means, width, mean, 1 / images);
  const within = scatter(residuals, width, new Float64Array(width), 1 / rows);
  let spread = 0;
  for (let i = 0; i < width; i++) {
    spread += between[i * width + i];
    within[i * width + i] += delta;
  }
  if (spread <= ROUNDING ** 2 * squares) return 0;
  const eigenvalues = symmetricEigenvalues(whitened(between, within, width), width);
  return effectiveRank(eigenvalues.map((value) => Math.max(0, value)));
}

/** What a run's log says of collapse, and what its kNN accuracy is to be compared with. */
export interface CollapseEvidence {
  /** Share of the most frequent class, in percent. */
  chance: number;
  /** Images that kNN was measured on. */
  heldOut: number;
}

/**
 * One sentence where a step's measures say that the representations collapse, with what to do; undefined where they do
 * not. Any of these says so:
 *
 * - `featureStd` below 0.002; random weights have 0.1 to 0.4, but a scale alone is no collapse: a run with the
 *   invariance term was sound at 0.028 (RankMe 67, where random weights have 8.7)
 * - `rankMe` below 2; or below 4 with `knn` no more than two standard errors above chance
 * - `cosine` above 0.95 and `centredCosine` below 0.05: predictions are right, but of what all images share
 *
 * What it does not see is a collapse that leaves more than this, to a few directions: look at RankMe's and LiDAR's course.
 *
 * @param evidence of the monitor; without it kNN does not count
 */
export function collapseWarning(
  entry: Pick<LogEntry, "step" | "featureStd" | "cosine" | "centredCosine" | "measures">,
  evidence?: CollapseEvidence,
): string | undefined {
  const { step, featureStd, cosine, centredCosine, measures = {} } = entry, { rankMe, knn } = measures;
  const sign = () => {
    if (featureStd < 0.002) return `they differ between images by a standard deviation of ${featureStd.toFixed(4)}`;
    if (rankMe < 2) return `their RankMe is ${rankMe.toFixed(1)}, so that nearly all lies in one direction`;
    if (rankMe < 4 && evidence && evidence.heldOut > 0) {
      const { chance, heldOut } = evidence, error = Math.sqrt(chance * (100 - chance) / heldOut);
      if (knn <= chance + 2 * error) {
        return `their RankMe is ${rankMe.toFixed(1)}, and kNN reaches ${knn.toFixed(1)} %, where chance is ` +
          `${chance.toFixed(1)} %`;
      }
    }
    if (cosine !== undefined && centredCosine !== undefined && cosine > 0.95 && centredCosine < 0.05) {
      return `predictions have a cosine of ${cosine.toFixed(2)} with their targets, but of ${
        centredCosine.toFixed(2)
      } ` +
        "once what all images share is taken off";
    }
  };
  const seen = sign();
  // Of the methods I-JEPA alone logs a cosine.
  const advice = cosine === undefined
    ? "or raise the weight of what holds images apart, where the method has such a term."
    : "start the momentum nearer to 1, or raise the weight of the variance term.";
  return seen && `The representations are collapsing at step ${step}: ${seen}. Lower the learning rate, ${advice}`;
}
