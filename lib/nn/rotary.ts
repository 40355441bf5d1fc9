/**
 * Rotary positions of clips (Su et al. 2021, arXiv 2104.09864, in three dimensions as in V-JEPA 2, arXiv 2506.09985): a
 * token's place turns its queries and keys, so that attention sees how far two tokens are apart in time, down and across.
 *
 * @module
 */
import { type Tensor, tf } from "../tensorflow/backend.ts";
import { fused } from "../tensorflow/fused.ts";

/**
 * Which frequency the numbers 2i and 2i + 1 of a third of a head, which are a plane, turn by: both by the i-th
 * ("interleaved", V-JEPA 2.1), or by those of the list laid twice one after another ("tiled", V-JEPA 2, whose numbers of a
 * plane so turn by different ones). Weights are of one or the other.
 */
export type RotaryPairing = "tiled" | "interleaved";

/** How far tokens are turned: cosines and sines. */
export interface Rotation {
  /** float32 [B or 1, 1, N, d], of a head's numbers. */
  cos: Tensor;
  /** Likewise. */
  sin: Tensor;
}

/**
 * The angles of all places of a clip, [times * rows * columns, d]: each of time, row and column turns 2 floor(d / 6) numbers
 * by frequencies 10000^(-i / floor(d / 6)); the last numbers of a head are not turned.
 *
 * @param d numbers of a head
 * @throws RangeError where they are odd, or fewer than 6
 */
export function rotaryAngles(
  [times, rows, columns]: readonly [number, number, number],
  d: number,
  pairing: RotaryPairing,
): Float32Array<ArrayBuffer> {
  if (d < 6 || d % 2 !== 0) {
    throw new RangeError(`Rotary positions need heads of an even number of numbers, 6 or more; got ${d}.`);
  }
  const half = Math.floor(d / 6), angles = new Float32Array(times * rows * columns * d);
  for (let place = 0; place < times * rows * columns; place++) {
    const column = place % columns,
      row = Math.floor(place / columns) % rows,
      time = Math.floor(place / (columns * rows));
    [time, row, column].forEach((coordinate, part) => {
      for (let j = 0; j < 2 * half; j++) {
        const i = pairing === "tiled" ? j % half : Math.floor(j / 2);
        angles[place * d + part * 2 * half + j] = coordinate / 10000 ** (i / half);
      }
    });
  }
  return angles;
}

/** The rotation of the tokens from `from` on. */
export function rotationFrom({ cos, sin }: Rotation, from: number): Rotation {
  const rest = (x: Tensor) => tf.slice(x, [0, 0, from, 0]);
  return { cos: rest(cos), sin: rest(sin) };
}

const turned = fused(
  "rotate",
  (x: Tensor, cos: Tensor, sin: Tensor) => {
    const [even, odd] = tf.unstack(tf.reshape(x, [...x.shape.slice(0, -1), x.shape.at(-1)! / 2, 2]), -1);
    const across = tf.reshape(tf.stack([tf.neg(odd), even], -1), x.shape); // a quarter turn of each plane
    return tf.add(tf.mul(x, cos), tf.mul(across, sin));
  },
  "activation",
  2,
);

/** Queries or keys [B, H, N, d], turned. */
export const rotate = (x: Tensor, { cos, sin }: Rotation): Tensor => turned(x, cos, sin);
