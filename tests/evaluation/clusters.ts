import type { Features } from "../../lib/evaluation/features/features.ts";
import { randomStream } from "../../lib/random.ts";

/** Normal noise; each image's class moves the coordinate of its number by `shift`. The labels follow from the seed alone. */
export function clusters(rows: number, width: number, classes: number, shift: number, seed: number): Features {
  const random = randomStream(seed);
  const labels = Int32Array.from({ length: rows }, () => random.integer(classes));
  const values = Float32Array.from(
    { length: rows * width },
    (_, i) => random.normal() + (labels[Math.floor(i / width)] === i % width ? shift : 0),
  );
  return { values, width, labels };
}
