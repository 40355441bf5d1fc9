/**
 * data2vec 2.0's masks: a few square blocks stay visible, all else is hidden (Baevski et al. 2023, arXiv 2212.07525, section
 * 3.3; the numbers are its code's).
 *
 * @module
 */
import type { Grid } from "../../jepa/masks.ts";
import { type Random, shuffled } from "../../random.ts";

/** The masks of one batch. */
export interface InverseBlockMasks {
  /** Visible patches of a mask, C. */
  visibleLength: number;
  /** [masks, C], ascending in each row. */
  visible: Int32Array<ArrayBuffer>;
  /** [masks, N]: where each patch stands among the visible ones, 0 .. C - 1, followed by the hidden ones in ascending order. */
  places: Int32Array<ArrayBuffer>;
}

/** Side of the blocks in patches, and what is added to the visible share because blocks overlap. */
const BLOCK = 3, ADJUST = 0.07;

/**
 * Masks that hide a share of the patches. Blocks of 3 x 3 around random patches, cut where they leave the grid, are visible:
 * as many as would make up the visible share and 0.07 if none overlapped. Then random patches are hidden, or made
 * visible, until there are as many as the share says, rounded down.
 *
 * @param hidden share of the patches, in (0, 1)
 * @throws RangeError where no patch is left visible, or none hidden
 */
export function inverseBlockMasks(
  { grid, hidden }: { grid: Grid; hidden: number },
): (masks: number, random: Random) => InverseBlockMasks {
  const [height, width] = grid, patches = height * width;
  const visibleLength = Math.floor(patches * (1 - hidden) + 1e-9);
  if (!(visibleLength >= 1 && visibleLength < patches)) {
    throw new RangeError(
      `Hiding ${hidden} of ${patches} patches leaves ${visibleLength} visible: it must lie between.`,
    );
  }
  const blocks = Math.floor(patches * (1 - hidden + ADJUST) / BLOCK ** 2 + 1e-9), reach = (BLOCK - 1) / 2;

  /** Whether each patch is visible. */
  function draw(random: Random): Uint8Array {
    const seen = new Uint8Array(patches);
    for (let i = 0; i < blocks; i++) {
      const centre = random.integer(patches), row = Math.floor(centre / width), column = centre % width;
      for (let r = Math.max(0, row - reach); r <= Math.min(height - 1, row + reach); r++) {
        for (let c = Math.max(0, column - reach); c <= Math.min(width - 1, column + reach); c++) {
          seen[r * width + c] = 1;
        }
      }
    }
    let surplus = seen.reduce((sum, s) => sum + s, 0) - visibleLength;
    for (const patch of shuffled(patches, random)) {
      if (surplus === 0) break;
      if (seen[patch] !== (surplus > 0 ? 1 : 0)) continue;
      seen[patch] = 1 - seen[patch];
      surplus -= Math.sign(surplus);
    }
    return seen;
  }

  return (masks, random) => {
    const visible = new Int32Array(masks * visibleLength), places = new Int32Array(masks * patches);
    for (let m = 0; m < masks; m++) {
      let shown = 0, away = visibleLength;
      draw(random).forEach((seen, patch) => {
        if (seen) visible[m * visibleLength + shown] = patch;
        places[m * patches + patch] = seen ? shown++ : away++;
      });
    }
    return { visibleLength, visible, places };
  };
}
