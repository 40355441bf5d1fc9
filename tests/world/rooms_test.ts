import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { episode, episodeBatch, isReached, planningTasks, type RoomsConfig } from "../../lib/world/episodes.ts";
import { drawRooms, FIXED, isFree, LONGEST, moveDot, type Place, randomLayout } from "../../lib/world/rooms.ts";
import { randomStream } from "../../lib/random.ts";
import reference from "./fixtures/world.json" with { type: "json" };

Deno.test("the dot moves and stops as eb_jepa's own code has it", () => {
  let stopped = 0;
  for (const { wall, door, actions, places } of reference.walks) {
    let place: Place = [places[0], places[1]];
    for (let t = 0; t < actions.length / 2; t++) {
      const next = moveDot({ wall, door }, place, [actions[2 * t], actions[2 * t + 1]]);
      assertAlmostEquals(next[0], places[2 * t + 2], 1e-4);
      assertAlmostEquals(next[1], places[2 * t + 3], 1e-4);
      if (next === place) stopped++;
      place = [places[2 * t + 2], places[2 * t + 3]]; // theirs are float32
    }
  }
  assert(stopped > 30, `${stopped} moves were stopped`);
});

Deno.test("dot and walls are drawn as eb_jepa's own code does, and at 33 pixels every second one of them", () => {
  const picture = new Uint8Array(65 * 65 * 2), layout = { wall: 30, door: 20 }, place: Place = [20.3, 30.6];
  drawRooms(layout, [place], 65, picture);
  const at = (row: number, column: number, channel: number) => picture[2 * (65 * row + column) + channel];
  const dot = Array.from({ length: 36 }, (_, i) => at(28 + Math.floor(i / 6), 18 + i % 6, 0));
  dot.forEach((value, i) => assert(Math.abs(value - reference.dot[i]) <= 1)); // theirs is cut off in float32
  const columns = Array.from({ length: 65 }, (_, x) => Array.from({ length: 65 }, (_, y) => at(y, x, 1)));
  assertEquals(columns.map((values) => values.reduce((sum, value) => sum + value, 0)), reference.walls);
  const small = new Uint8Array(33 * 33 * 2);
  drawRooms(layout, [place], 33, small);
  small.forEach((value, i) => {
    const pixel = i >> 1;
    assertEquals(value, at(2 * Math.floor(pixel / 33), 2 * (pixel % 33), i & 1));
  });
});

Deno.test("moveDot() refuses an action that is too long, or no number", () => {
  const layout = { wall: 32, door: 18 };
  assertThrows(() => moveDot(layout, [10, 10], [LONGEST, 0.5]), RangeError, "at most 1.8 units long");
  assertThrows(() => moveDot(layout, [10, 10], [NaN, 0]), RangeError, "got [NaN, 0]");
});

const ROOMS: RoomsConfig = { picture: 33, layout: "random", frames: 9, crossing: 0.35, sharing: 1 };

Deno.test("an episode follows from seed, step and place alone, whoever makes it", () => {
  const whole = episodeBatch(ROOMS, 3, 5, { from: 0, count: 4 }),
    part = episodeBatch(ROOMS, 3, 5, { from: 2, count: 2 });
  assertEquals(part.pictures, whole.pictures.slice(whole.pictures.length / 2));
  assertEquals(part.actions, whole.actions.slice(whole.actions.length / 2));
});

Deno.test("as many episodes one after another as share their rooms have the same walls, and others have others", () => {
  const { pictures } = episodeBatch({ ...ROOMS, sharing: 2 }, 3, 5, { from: 2, count: 4 }), size = pictures.length / 4;
  const walls = Array.from({ length: 4 }, (_, i) => pictures.slice(i * size, (i + 1) * size).filter((_, j) => j % 2));
  assertEquals(walls[1], walls[0]);
  assertEquals(walls[3], walls[2]);
  assert(walls[2].some((value, j) => value !== walls[0][j]));
});

Deno.test("episodes stay in free places, take each of their steps, and pass the door as often as they are told to", () => {
  const passing = (crossing: number) => {
    let passed = 0;
    for (let i = 0; i < 400; i++) {
      const random = randomStream(1, i), layout = randomLayout(random);
      const { places, actions } = episode(layout, { frames: 17, crossing }, random);
      assertEquals([places.length, actions.length], [17, 16]);
      assert(places.every((place) => isFree(layout, place)));
      assert(actions.every(([dx, dy]) => Math.hypot(dx, dy) >= 0.2 && Math.hypot(dx, dy) <= LONGEST));
      const sides = new Set(places.map(([x]) => Math.sign(x - layout.wall)));
      if (sides.has(1) && sides.has(-1)) passed++;
    }
    return passed / 400;
  };
  assert(passing(0) < 0.1);
  assert(passing(1) > 0.5);
});

Deno.test("directions turn by von Mises' distribution: its mean cosine is I1(5) / I0(5), and lengths have a mean of 1", () => {
  let cosines = 0, lengths = 0, turns = 0;
  for (let i = 0; i < 300; i++) {
    const { actions } = episode(FIXED, { frames: 17, crossing: 0 }, randomStream(2, i));
    for (let t = 1; t < actions.length; t++, turns++) {
      const [[ax, ay], [bx, by]] = [actions[t - 1], actions[t]], [a, b] = [Math.hypot(ax, ay), Math.hypot(bx, by)];
      cosines += (ax * bx + ay * by) / (a * b);
      lengths += b;
    }
  }
  assertAlmostEquals(cosines / turns, 0.8934, 0.01); // I1(5) / I0(5) = 24.3356 / 27.2399
  assertAlmostEquals(lengths / turns, 1, 0.02);
});

Deno.test("the list of starts and goals is fixed, lies in different rooms, clear of walls, and none is reached where it starts", () => {
  const list = planningTasks("random", 0, 100);
  assertEquals(list, planningTasks("random", 0, 200).slice(0, 100));
  for (const { layout, start, goal } of list) {
    assert(!isReached(start, goal));
    assert((start[0] - layout.wall) * (goal[0] - layout.wall) < 0);
    for (const place of [start, goal]) {
      assert(isFree(layout, place) && Math.abs(place[0] - layout.wall) >= 3.6);
      assert(place.every((at) => at >= 6.6 && at <= 57.4));
    }
  }
  assert(planningTasks("fixed", 0, 10).every(({ layout }) => layout.wall === 32 && layout.door === 18));
  const sum = list.reduce((total, { start: [x, y], goal: [gx, gy] }) => total + x + 2 * y + 3 * gx + 4 * gy, 0);
  assertAlmostEquals(sum, SUM, 1e-6);
});

/** Of the list that all numbers in weights/EXPERIMENTS.md are of. */
const SUM = 31415.150963928194;
