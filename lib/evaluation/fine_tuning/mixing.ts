/**
 * Mixup (Zhang et al. 2018, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899) as timm's Mixup draws them for
 * a whole batch: each image is mixed with the one that stands as far from the batch's other end, and so are their labels.
 *
 * @module
 */
import type { Random } from "../../random.ts";
import { type Tensor, tf } from "../../tensorflow/backend.ts";

/** How images are mixed. */
export interface Mixing {
  /** alpha: mixup's share of an image is drawn from Beta(alpha, alpha). 0 for no mixup. */
  mixup: number;
  /** alpha of CutMix; 0 for none. Where both are above 0, each is done to half of the batches. */
  cutmix: number;
}

/** A number from Beta(alpha, alpha), alpha > 0 (Joehnk 1964). */
export function betaDraw(alpha: number, random: Random): number {
  while (true) {
    const x = random.uniform() ** (1 / alpha), y = random.uniform() ** (1 / alpha);
    if (x + y <= 1 && x + y > 0) return x / (x + y);
  }
}

/** What every pixel of a mixup batch keeps of its own image, [side * side]. */
export function mixupShares(lambda: number, side: number): Float32Array<ArrayBuffer> {
  return new Float32Array(side * side).fill(lambda);
}

/** 1 for each pixel that stays, 0 in the box of about 1 - lambda of the area about `centre` [y, x]: [side * side]. */
export function cutmixShares(
  lambda: number,
  [y, x]: readonly [number, number],
  side: number,
): Float32Array<ArrayBuffer> {
  const cut = Math.trunc(side * Math.sqrt(1 - lambda));
  const inside = (place: number, centre: number) =>
    place >= centre - Math.floor(cut / 2) && place < centre + Math.floor((cut + 1) / 2);
  return Float32Array.from(
    { length: side * side },
    (_, i) => inside(Math.floor(i / side), y) && inside(i % side, x) ? 0 : 1,
  );
}

/** What each pixel of a batch keeps of its own image, float32 [side * side]; their mean is what a label keeps. */
export function drawShares({ mixup, cutmix }: Mixing, side: number, random: Random): Float32Array<ArrayBuffer> {
  const cuts = cutmix > 0 && (mixup === 0 || random.uniform() < 0.5);
  if (!cuts) return mixupShares(mixup > 0 ? betaDraw(mixup, random) : 1, side);
  const lambda = betaDraw(cutmix, random);
  return cutmixShares(lambda, [random.integer(side), random.integer(side)], side);
}

/** shares * x + (1 - shares) * (x from its other end): x [B, ...], shares that go with one of it. */
export function mixed(x: Tensor, shares: Tensor): Tensor {
  return tf.add(tf.mul(x, shares), tf.mul(tf.reverse(x, 0), tf.sub(1, shares)));
}
