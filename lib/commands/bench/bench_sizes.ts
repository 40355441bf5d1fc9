/**
 * What `deno task bench` measures: two sizes of model and batch, with masks of fixed lengths so that both sides compute
 * the same shapes in every step.
 *
 * @module
 */
import type { Architecture } from "../../jepa/architectures.ts";

/** One size of a training step. */
export interface BenchSize {
  architecture: Architecture;
  /** Images a step, B. */
  batch: number;
  /** Context patches an image, C. */
  context: number;
  /** Patches of each of the four target blocks, T. */
  targets: number;
}

/** Target blocks an image, M. */
export const BLOCKS = 4;

/** The sizes by name: one for small images, and the smallest ViT in common use. */
export const SIZES: Readonly<Record<string, BenchSize>> = {
  cifar: {
    architecture: {
      ...{ image: 32, patch: 4, width: 192, depth: 12, heads: 3, mlpRatio: 4 },
      predictor: { width: 192, depth: 6, heads: 3 },
    },
    ...{ batch: 128, context: 24, targets: 10 },
  },
  "vit-s": {
    architecture: {
      ...{ image: 224, patch: 16, width: 384, depth: 12, heads: 6, mlpRatio: 4 },
      predictor: { width: 384, depth: 6, heads: 6 },
    },
    ...{ batch: 16, context: 64, targets: 30 },
  },
};
