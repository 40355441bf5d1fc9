/**
 * Two rooms with a wall between them and a door in it, and a dot that moves through them: the world of PLDM (Sobal et
 * al. 2025, arXiv 2502.14819) and of eb_jepa. Places are in units of which the rooms with what is around them measure
 * 65 a side; x grows to the right, y downwards.
 *
 * @module
 */
import type { Random } from "../random.ts";

/** Where the dot is: [x, y]. */
export type Place = readonly [x: number, y: number];

/** A move of the dot: [dx, dy], its length at most LONGEST. */
export type Action = readonly [dx: number, dy: number];

/** Where wall and door are. */
export interface Layout {
  /** x of the wall's middle. */
  wall: number;
  /** y of the door's middle. */
  door: number;
}

/** Pixels a side that a picture of the rooms may have: one of each unit, or of every second. */
export type PictureSide = 65 | 33;

/** Units a side. */
export const SIDE = 65;

/** The outer walls' least and greatest x and y. */
export const LEAST = 4, GREATEST = 60;

/** Half the wall's thickness, half the door's width, and the deviation of the dot as it is drawn. */
export const HALF_WALL = 1, HALF_DOOR = 4, DOT = 1.3;

/** The longest action: the longest that episodes have. eb_jepa's planners may take 2.45, which its model has never seen. */
export const LONGEST = 1.8;

/** eb_jepa's fixed wall. */
export const FIXED: Layout = { wall: 32, door: 18 };

/** A wall in 20 .. 44 and a door in 10 .. 54, whole numbers. */
export function randomLayout(random: Random): Layout {
  return { wall: 20 + random.integer(25), door: 10 + random.integer(45) };
}

const inWall = (x: number, { wall }: Layout) => Math.abs(x - wall) <= HALF_WALL;

const inDoor = (y: number, { door }: Layout) => Math.abs(y - door) <= HALF_DOOR;

/** Whether a place is free: inside the outer walls, and not in the wall but in its door. */
export function isFree(layout: Layout, [x, y]: Place): boolean {
  const inside = x > LEAST && x < GREATEST && y > LEAST && y < GREATEST;
  return inside && (!inWall(x, layout) || inDoor(y, layout));
}

/** Whether a move touches or crosses a line at `at`. */
const meets = (from: number, to: number, at: number) => (from - at) * (to - at) <= 0;

/** Whether a move through the wall's left or right side is through the door there. */
function passesDoor(layout: Layout, [x, y]: Place, [nextX, nextY]: Place): boolean {
  return [layout.wall - HALF_WALL, layout.wall + HALF_WALL].every((side) => {
    if ((side - x) * (side - nextX) >= 0) return true; // not crossed
    return inDoor(y + (nextY - y) * (side - x) / (nextX - x), layout);
  });
}

/** Whether a move leaves the door through one of the wall's ends in it. */
function hitsDoorFrame({ wall, door }: Layout, [x, y]: Place, [nextX, nextY]: Place): boolean {
  const end = nextY > y ? door + HALF_DOOR : door - HALF_DOOR;
  if (nextY === y || (y - end) * (nextY - end) >= 0 || (nextY > y) !== (y < end)) return false;
  const crossing = x + (nextX - x) * (end - y) / (nextY - y);
  return crossing > wall - HALF_WALL && crossing < wall + HALF_WALL;
}

/**
 * Where the dot is after an action: there, or where it was if something is in the way. This is how eb_jepa makes its
 * sequences; its planners' dot stops where it hits, and is pushed off by a random half unit.
 *
 * @throws RangeError where the action is longer than 1.8
 */
export function moveDot(layout: Layout, place: Place, [dx, dy]: Action): Place {
  const length = Math.hypot(dx, dy);
  if (!(length <= LONGEST + 1e-5)) {
    throw new RangeError(
      `An action is at most ${LONGEST} units long; got [${dx}, ${dy}], which has a length of ${length}.`,
    );
  }
  const next: Place = [place[0] + dx, place[1] + dy];
  const hitsBorder = [0, 1].some((axis) =>
    meets(place[axis], next[axis], LEAST) || meets(place[axis], next[axis], GREATEST)
  );
  if (hitsBorder || hitsDoorFrame(layout, place, next)) return place;
  return passesDoor(layout, place, next) ? next : place;
}

/** Draws the walls of a picture, 0 or 255, and no dot. */
function drawWalls(layout: Layout, side: PictureSide, into: Uint8Array): void {
  const step = (SIDE - 1) / (side - 1), places = Array.from({ length: side }, (_, i) => i * step);
  const outer = places.map((at) => at === LEAST || at === GREATEST);
  const wall = places.map((at) => inWall(at, layout)), door = places.map((at) => inDoor(at, layout));
  let i = 0;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      into[i++] = 0;
      into[i++] = outer[row] || outer[column] || wall[column] && !door[row] ? 255 : 0;
    }
  }
}

/** How far from its middle the dot is above 0 of 255. */
const REACH = DOT * Math.sqrt(2 * Math.log(255));

/** Draws the dot into a picture that has none. */
function drawDot([x, y]: Place, side: PictureSide, into: Uint8Array): void {
  const step = (SIDE - 1) / (side - 1), bell = (d: number) => Math.exp(-d * d / (2 * DOT * DOT));
  const around = (at: number) => [Math.ceil((at - REACH) / step), Math.floor((at + REACH) / step)];
  const [left, right] = around(x), [top, bottom] = around(y);
  for (let row = Math.max(top, 0); row <= Math.min(bottom, side - 1); row++) {
    const down = 255 * bell(row * step - y);
    for (let column = Math.max(left, 0); column <= Math.min(right, side - 1); column++) {
      into[2 * (row * side + column)] = down * bell(column * step - x);
    }
  }
}

/**
 * Draws pictures of the same rooms: two channels a pixel, the dot (a normal density, 255 at its middle) and the walls (0
 * or 255).
 *
 * @param places of the dot, one for each picture
 * @param into uint8 [places, side, side, 2]
 */
export function drawRooms(layout: Layout, places: readonly Place[], side: PictureSide, into: Uint8Array): void {
  const size = side * side * 2, walls = into.subarray(0, size);
  drawWalls(layout, side, walls);
  for (let i = 1; i < places.length; i++) into.set(walls, i * size);
  places.forEach((place, i) => drawDot(place, side, into.subarray(i * size, (i + 1) * size)));
}
