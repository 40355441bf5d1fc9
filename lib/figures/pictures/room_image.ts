/**
 * Pictures of two rooms in colour.
 *
 * @module
 */
import type { PictureSide } from "../../world/rooms.ts";
import { COLOURS, INK } from "../figure.ts";
import type { GridImage } from "./image_grid.ts";

const rgb = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** The dot's and the walls' colours, on white. */
const DOT = rgb(COLOURS[0]), WALLS = rgb(INK);

/**
 * A picture of rooms as an image: white, with as much of the walls' and then of the dot's colour as their channels have.
 *
 * @param pixels uint8 [side, side, 2], as drawRooms() draws them
 */
export function roomImage(pixels: Uint8Array, side: PictureSide): GridImage {
  const image = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const [dot, walls] = [pixels[2 * i] / 255, pixels[2 * i + 1] / 255];
    for (let c = 0; c < 3; c++) {
      const behind = 255 + walls * (WALLS[c] - 255);
      image[3 * i + c] = Math.round(behind + dot * (DOT[c] - behind));
    }
  }
  return { pixels: image, size: side };
}
