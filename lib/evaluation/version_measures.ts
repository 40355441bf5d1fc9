/**
 * An image world model's mean reciprocal ranks as measures of an evaluation: of versions of an image that differ by crop and
 * light, by crop alone, and by light alone.
 *
 * @module
 */
import type { Dataset } from "../datasets/dataset.ts";
import { defaultPreprocessing } from "../datasets/pixels/preprocessing.ts";
import { subsetOf } from "../datasets/subset.ts";
import type { ViewRange } from "../methods/parts/image_views.ts";
import { reciprocalRanks } from "./probes/mean_reciprocal_rank.ts";
import type { Measure, ProtocolOptions } from "./protocol.ts";
import type { Subject } from "./subjects.ts";

/** Versions of an image that are told apart, as in IWM's paper, and images of which there are so many. */
export const VERSIONS = 256, VERSIONED_IMAGES = 24;

const ANY_BOX: ViewRange["crop"] = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };
const ANY_LIGHT: ViewRange["jitter"] = { brightness: 0.4, contrast: 0.4, saturation: 0.4 };

/** What versions differ by. */
const RANGES: Readonly<Record<string, ViewRange>> = {
  "crop and light": { crop: ANY_BOX, jitter: ANY_LIGHT },
  "crop": { crop: ANY_BOX, jitter: { brightness: 0, contrast: 0, saturation: 0 } },
  "light": { crop: { scale: [1, 1], aspect: [1, 1] }, jitter: ANY_LIGHT },
};

/** The ranks on the first of some images, in percent; none of a subject whose predictor is told no transformation. */
export async function versionMeasures(
  { encoder }: Subject,
  test: Dataset,
  { seed = 0, onProgress }: ProtocolOptions,
): Promise<Measure[]> {
  if (!encoder?.predictor?.size.conditions) return [];
  const { size, parameters, predictor, preprocessing = defaultPreprocessing(size.image) } = encoder;
  const count = Math.min(VERSIONED_IMAGES, test.length), ranges = Object.entries(RANGES);
  const images = subsetOf(test, Uint32Array.from({ length: count }, (_, i) => i)), measures: Measure[] = [];
  for (const [name, range] of ranges) {
    const score = 100 * await reciprocalRanks({ size, parameters, predictor, preprocessing }, images, {
      ...{ versions: VERSIONS, range, seed },
      onProgress: (done) => onProgress?.(measures.length * count + done, ranges.length * count),
    });
    measures.push({ name, score, details: { images: count, versions: VERSIONS } });
  }
  return measures;
}
