/**
 * What a world model learns from: sequences of pictures and of the actions between them, made as they are needed, and
 * the starts and goals that it is measured on.
 *
 * @module
 */
import { type Random, randomStream } from "../random.ts";
import {
  type Action,
  DOT,
  drawRooms,
  FIXED,
  GREATEST,
  HALF_WALL,
  isFree,
  type Layout,
  LEAST,
  moveDot,
  type PictureSide,
  type Place,
  randomLayout,
} from "./rooms.ts";

/** Which rooms there are, and what happens in them. */
export interface RoomsConfig {
  /** Pixels a side of a picture. */
  picture: PictureSide;
  /** Whether all rooms have eb_jepa's fixed wall, or each episode one of its own. */
  layout: "fixed" | "random";
  /** Pictures of an episode. */
  frames: number;
  /** Share of the episodes that are made to lead through the door, in 0 .. 1; others do so by chance. */
  crossing: number;
  /** Episodes of a step, one after another, that happen in the same rooms; divides the batch. eb_jepa has 1. */
  sharing: number;
}

/** A walk: `places` is one longer than `actions`. */
export interface Episode {
  /** Its rooms. */
  layout: Layout;
  /** Where the dot was, the start first. */
  places: Place[];
  /** What it was told to do at each place but the last. */
  actions: Action[];
}

/** von Mises' distribution around 0 with this concentration (Best and Fisher 1979). */
function vonMises(random: Random, concentration: number): number {
  const a = 1 + Math.sqrt(1 + 4 * concentration * concentration);
  const b = (a - Math.sqrt(2 * a)) / (2 * concentration), r = (1 + b * b) / (2 * b);
  for (;;) {
    const z = Math.cos(Math.PI * random.uniform()), f = (1 + r * z) / (r + z), c = concentration * (r - f);
    const u = 1 - random.uniform();
    if (c * (2 - c) > u || Math.log(c / u) + 1 >= c) return Math.sign(random.uniform() - 0.5) * Math.acos(f);
  }
}

/** Normal around 1 with deviation 0.4, cut off at 0.2 and 1.8. */
function stepLength(random: Random): number {
  for (;;) {
    const length = 1 + 0.4 * random.normal();
    if (length >= 0.2 && length <= 1.8) return length;
  }
}

/** Actions whose direction turns by von Mises' distribution of concentration 5 from one to the next. */
export function wander(random: Random, count: number, direction: number): Action[] {
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) direction += vonMises(random, 5);
    const length = stepLength(random);
    return [length * Math.cos(direction), length * Math.sin(direction)];
  });
}

const between = (random: Random, least: number, greatest: number) => least + (greatest - least) * random.uniform();

/** Anywhere in the rooms, each place as likely. */
export function anywhere(random: Random, layout: Layout): Place {
  for (;;) {
    const place: Place = [between(random, LEAST, GREATEST), between(random, LEAST, GREATEST)];
    if (isFree(layout, place)) return place;
  }
}

/** Steps that eb_jepa's walks have before a part is cut out of them, at most. */
const LEAD = 73;

/** A place in the door, and one so far from it that the actions lead through it at a step of theirs. */
function throughDoor(random: Random, layout: Layout, count: number): { start: Place; actions: Action[] } {
  const towards = between(random, -Math.PI / 4, Math.PI / 4) + (random.uniform() < 0.5 ? Math.PI : 0);
  const actions = wander(random, count, towards), before = actions.slice(0, random.integer(count + 1));
  const cut = (at: number) => Math.min(Math.max(at, LEAST + 0.01), GREATEST - 0.01);
  const x = layout.wall + between(random, -HALF_WALL, HALF_WALL), y = layout.door + between(random, -3, 3);
  const start: Place = [
    cut(before.reduce((at, [dx]) => at - dx, x)),
    cut(before.reduce((at, [, dy]) => at - dy, y)),
  ];
  return { start: isFree(layout, start) ? start : anywhere(random, layout), actions };
}

/** An episode of so many pictures in given rooms. */
export function episode(
  layout: Layout,
  { frames, crossing }: Pick<RoomsConfig, "frames" | "crossing">,
  random: Random,
): Episode {
  const count = frames - 1;
  const crosses = random.uniform() < crossing;
  let { start, actions } = crosses ? throughDoor(random, layout, count) : {
    start: anywhere(random, layout),
    actions: wander(random, random.integer(LEAD + 1) + count, between(random, 0, 2 * Math.PI)),
  };
  const lead = actions.slice(0, actions.length - count);
  start = lead.reduce((place, action) => moveDot(layout, place, action), start);
  actions = actions.slice(lead.length);
  const places = [start];
  for (const action of actions) places.push(moveDot(layout, places[places.length - 1], action));
  return { layout, places, actions };
}

/** Episodes as arrays. */
export interface EpisodeBatch {
  /** uint8 [B, T, side, side, 2] */
  pictures: Uint8Array<ArrayBuffer>;
  /** [B, T-1, 2] */
  actions: Float32Array<ArrayBuffer>;
  /** [B, T, 2] */
  places: Float32Array<ArrayBuffer>;
}

/** Key of the rooms' random streams; those of the episodes have the step there. */
const ROOMS_STREAM = -6;

/** Rooms of a kind. */
export const layoutOf = ({ layout }: Pick<RoomsConfig, "layout">, random: Random) =>
  layout === "fixed" ? FIXED : randomLayout(random);

/** The episodes from `from` on of a step; each follows from the seed, the step and its place in the step alone. */
export function episodeBatch(
  config: RoomsConfig,
  seed: number,
  step: number,
  { from, count }: { from: number; count: number },
): EpisodeBatch {
  const { frames, picture, sharing } = config, size = picture * picture * 2;
  const pictures = new Uint8Array(count * frames * size);
  const actions = new Float32Array(count * (frames - 1) * 2), places = new Float32Array(count * frames * 2);
  for (let i = 0; i < count; i++) {
    const rooms = Math.floor((from + i) / sharing),
      layout = layoutOf(config, randomStream(seed, ROOMS_STREAM, step, rooms));
    const own = episode(layout, config, randomStream(seed, step, from + i));
    drawRooms(layout, own.places, picture, pictures.subarray(i * frames * size, (i + 1) * frames * size));
    places.set(own.places.flat(), i * frames * 2);
    actions.set(own.actions.flat(), i * (frames - 1) * 2);
  }
  return { pictures, actions, places };
}

/** From where to where the dot is to go. */
export interface Task {
  /** The rooms. */
  layout: Layout;
  /** In one room. */
  start: Place;
  /** In the other. */
  goal: Place;
}

/** Distance from the goal, in units, below which it is reached. */
export const REACHED = 4.5;

/** Whether a place is at the goal. */
export function isReached(place: Place, goal: Place): boolean {
  return Math.hypot(place[0] - goal[0], place[1] - goal[1]) < REACHED;
}

/** What starts and goals keep clear of walls: two deviations of the dot. */
const CLEAR = 2 * DOT;

/**
 * Starts and goals in different rooms, 2.6 units or more from all walls, as eb_jepa draws them: the start is to the
 * left as often as to the right. None is reached where it starts, for the wall is between them.
 *
 * @param seed the i-th task follows from it and i alone
 */
export function planningTasks(layout: RoomsConfig["layout"], seed: number, count: number): Task[] {
  return Array.from({ length: count }, (_, i) => {
    const random = randomStream(seed, i), own = layoutOf({ layout }, random);
    const across = (least: number, greatest: number): Place => [
      between(random, least, greatest),
      between(random, LEAST + CLEAR, GREATEST - CLEAR),
    ];
    const left = across(LEAST + CLEAR, own.wall - HALF_WALL - CLEAR);
    const right = across(own.wall + HALF_WALL + CLEAR, GREATEST - CLEAR);
    const [start, goal] = random.uniform() < 0.5 ? [left, right] : [right, left];
    return { layout: own, start, goal };
  });
}
