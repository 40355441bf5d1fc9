/**
 * Pictures of what representations hold (the paper's figures 6 to 8): images beside what is decoded of them.
 *
 * @module
 */
import { contextOf, type Grid, type Masks, targetBlock } from "../../jepa/masks.ts";
import type { Figure } from "../figure.ts";
import { type GridImage, imageGrid } from "./image_grid.ts";

/** Images of one size, one after another. */
export interface Pictures {
  /** uint8 [N, size, size, 3]. */
  pixels: Uint8Array;
  /** In pixels. */
  size: number;
}

const countOf = ({ pixels, size }: Pictures) => pixels.length / (size * size * 3);

const picture = ({ pixels, size }: Pictures, i: number): GridImage => ({
  pixels: pixels.subarray(i * size * size * 3, (i + 1) * size * size * 3),
  size,
});

/** Columns of as many pictures of each of `rows` rows, and the pictures of a row. */
function columnsOf(name: string, pictures: Pictures, rows: number) {
  const each = countOf(pictures) / rows;
  if (!Number.isInteger(each)) {
    throw new RangeError(`${countOf(pictures)} pictures "${name}" are not as many for each of ${rows} rows.`);
  }
  return {
    names: Array.from({ length: each }, (_, k) => `${name} ${k + 1}`),
    row: (i: number) => Array.from({ length: each }, (_, k) => picture(pictures, i * each + k)),
  };
}

/**
 * A row for each image: itself, what the patch decoder makes of its tokens, samples for its representation, and other
 * images that the encoder finds alike. What the samples share is what the representation holds.
 *
 * @param images [B], those that were represented
 * @param samples [B * K], as sampleEach() gives them
 * @param beside.decoded [B], as reconstruct() gives them
 * @param beside.neighbours [B * k], each image's from the nearest on
 * @throws RangeError where there is no image, or a set holds not as many pictures for each
 */
export function samplesFigure(
  images: Pictures,
  samples: Pictures,
  { decoded, neighbours }: { decoded?: Pictures; neighbours?: Pictures } = {},
): Figure {
  const count = countOf(images), groups = [columnsOf("Sample", samples, count)];
  if (neighbours) groups.push(columnsOf("Neighbour", neighbours, count));
  const rows = Array.from({ length: count }, (_, i) => [
    picture(images, i),
    ...(decoded ? [picture(decoded, i)] : []),
    ...groups.flatMap(({ row }) => row(i)),
  ]);
  return imageGrid(["Image", ...(decoded ? ["Patches"] : []), ...groups.flatMap(({ names }) => names)], rows);
}

/**
 * A row for each image: one of its target blocks outlined, the context from which it is predicted, and samples for what the
 * predictor says of it (the paper's figure 6).
 *
 * @param images [B]
 * @param predicted.grid patches down and across an image
 * @param predicted.masks of the B images
 * @param predicted.block which of each image's target blocks; default the first
 * @param samples [B * K], as sampleEach() gives them
 * @throws RangeError where there is no image, masks are of other than B, or not as many samples for each
 */
export function predictionsFigure(
  images: Pictures,
  { grid, masks, block = 0 }: { grid: Grid; masks: Masks; block?: number },
  samples: Pictures,
): Figure {
  const count = countOf(images), { names, row } = columnsOf("Sample", samples, count);
  if (count !== masks.batch) throw new RangeError(`${count} images have no masks for ${masks.batch}.`);
  const rows = Array.from({ length: count }, (_, i) => {
    const own = picture(images, i), outlined = targetBlock(masks, block, i);
    return [
      { ...own, part: { grid, outlined } },
      { ...own, part: { grid, shown: contextOf(masks, i), outlined } },
      ...row(i),
    ];
  });
  return imageGrid(["Target", "Context", ...names], rows);
}

/**
 * A row for each image and the next: samples on the way from the one's representation to the other's, between the two.
 *
 * @param images [B], at least 2
 * @param samples [(B - 1) * points], as sampleBetween() gives them
 * @throws RangeError where there are fewer images, or not as many samples for each pair
 */
export function interpolationFigure(images: Pictures, samples: Pictures): Figure {
  const pairs = countOf(images) - 1, { names, row } = columnsOf("Sample", samples, Math.max(pairs, 1));
  const rows = Array.from({ length: pairs }, (_, i) => [picture(images, i), ...row(i), picture(images, i + 1)]);
  const shares = names.map((_, k) => `${Math.round(100 * k / (names.length - 1))} %`);
  return imageGrid(["From", ...shares, "To"], rows);
}
