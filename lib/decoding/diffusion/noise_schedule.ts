/**
 * How much of an image is left at each step of a diffusion: DDPM's linear schedule (Ho et al. 2020, arXiv 2006.11239) and
 * the cosine schedule (Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17).
 *
 * @module
 */

/** A schedule by name: "cosine", or "linear", which RCDM (Bordes et al. 2022, arXiv 2112.09164) has. */
export type NoiseSchedule = "cosine" | "linear";

/**
 * alpha-bar of steps 0 .. length - 1, from least noise to most: a noisy image is sqrt(alpha-bar) of the image and
 * sqrt(1 - alpha-bar) of noise.
 *
 * @param length steps of the diffusion, T; the papers' is 1000. The linear schedule's beta then goes from 1e-4 to 0.02; for
 *   other lengths both are multiplied by 1000 / T, so that they end in the same noise
 * @returns strictly falling, in (0, 1)
 * @throws RangeError for fewer than 2 steps, or than 21 of the linear schedule, whose last beta would not be below 1
 */
export function alphaBars(schedule: NoiseSchedule, length: number): Float64Array<ArrayBuffer> {
  const least = schedule === "linear" ? 21 : 2;
  if (!Number.isSafeInteger(length) || length < least) {
    throw new RangeError(`A ${schedule} noise schedule has at least ${least} steps; got ${length}.`);
  }
  const betas = schedule === "linear" ? linearBetas(length) : cosineBetas(length);
  let product = 1;
  return Float64Array.from(betas, (beta) => product *= 1 - beta);
}

function linearBetas(length: number): number[] {
  const scale = 1000 / length;
  return Array.from({ length }, (_, t) => scale * (1e-4 + (0.02 - 1e-4) * t / (length - 1)));
}

/** Of cos^2 with the offset 0.008; the last betas are held at 0.999, as in the paper. */
function cosineBetas(length: number): number[] {
  const left = (t: number) => Math.cos((t / length + 0.008) / 1.008 * Math.PI / 2) ** 2;
  return Array.from({ length }, (_, t) => Math.min(1 - left(t + 1) / left(t), 0.999));
}

/**
 * Steps that a sampler takes in `count` strides: from the last, the noisiest, evenly down to one above the first, after
 * which nothing of the noise is left.
 *
 * @returns falling, `count` of them, the first length - 1
 * @throws RangeError unless 1 <= count <= length
 */
export function samplingSteps(length: number, count: number): number[] {
  if (!Number.isSafeInteger(count) || count < 1 || count > length) {
    throw new RangeError(`A diffusion of ${length} steps is sampled in 1 to ${length}; got ${count}.`);
  }
  return Array.from({ length: count }, (_, i) => Math.round(length * (count - i) / count) - 1);
}
