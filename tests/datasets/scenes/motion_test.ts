import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { depthMap } from "../../../lib/datasets/scenes/render.ts";
import { move, type Mover } from "../../../lib/datasets/scenes/motion.ts";
import { FENCE, movingSceneOf } from "../../../lib/datasets/scenes/moving_scene.ts";
import { project } from "../../../lib/datasets/scenes/camera.ts";

const mover = (x: number, y: number, vx: number, vy: number, mass = 1, radius = 1): Mover => ({
  x,
  y,
  vx,
  vy,
  mass,
  radius,
});

Deno.test("a solid alone moves in a line", () => {
  const { positions, contacts } = move([mover(-2, 1, 0.25, -0.125)], 5, 100);
  assertEquals([...positions], [-2, 1, -1.75, 0.875, -1.5, 0.75, -1.25, 0.625, -1, 0.5]);
  assertEquals(contacts, []);
});

Deno.test("a head-on contact: the closed form of elastic collisions in one dimension, at its time", () => {
  // Centres 6 apart, radii 1: they meet after 4 / 0.5 = 8 frames. v1' = (m1 - m2) v1 / (m1 + m2), v2' = 2 m1 v1 / (m1 + m2).
  const { velocities, contacts, positions } = move([mover(-3, 0, 0.5, 0, 3), mover(3, 0, 0, 0, 1)], 11, 100);
  assertEquals(contacts, [{ time: 8, solids: [0, 1] }]);
  assertAlmostEquals(velocities[10 * 4], 0.25, 1e-12);
  assertAlmostEquals(velocities[10 * 4 + 2], 0.75, 1e-12);
  assertAlmostEquals(positions[10 * 4 + 2], 3 + 2 * 0.75, 1e-12);
});

Deno.test("solids of one mass that meet off their centres part at a right angle", () => {
  const { velocities } = move([mover(-4, 0.7, 1, 0), mover(0, 0, 0, 0)], 8, 100);
  const [ax, ay, bx, by] = velocities.subarray(7 * 4);
  assert(Math.abs(by) > 0.1);
  assertAlmostEquals(ax * bx + ay * by, 0, 1e-12);
});

Deno.test("the fence mirrors the velocity at the normal", () => {
  // Along the x axis: the centre turns at 10 - 1.
  const { positions, contacts } = move([mover(7, 0, 1, 0)], 5, 10);
  assertEquals(contacts, [{ time: 2, solids: [0] }]);
  assertEquals([...positions.filter((_, i) => i % 2 === 0)], [7, 8, 9, 8, 7]);
});

Deno.test("momentum is kept between contacts with the fence, energy always, and nothing overlaps or leaves", () => {
  let met = 0;
  for (let index = 0; index < 20; index++) {
    const { begun, motion } = movingSceneOf({ seed: 3, split: 0, index }, { frames: 40, objects: [3, 4] });
    const n = begun.length, { positions, velocities, contacts } = motion;
    const energy = (t: number) =>
      begun.reduce((sum, { mass }, i) => {
        const [vx, vy] = velocities.subarray((t * n + i) * 2);
        return sum + mass * (vx * vx + vy * vy);
      }, 0);
    const momentum = (t: number, axis: number) =>
      begun.reduce((sum, { mass }, i) => sum + mass * velocities[(t * n + i) * 2 + axis], 0);
    for (let t = 0; t < 40; t++) {
      assertAlmostEquals(energy(t), energy(0), 1e-9);
      const between = contacts.filter(({ time }) => time > t - 1 && time <= t);
      met += between.filter(({ solids }) => solids.length === 2).length;
      if (t > 0 && between.every(({ solids }) => solids.length === 2)) {
        for (const axis of [0, 1]) assertAlmostEquals(momentum(t, axis), momentum(t - 1, axis), 1e-9);
      }
      for (let i = 0; i < n; i++) {
        const [x, y] = positions.subarray((t * n + i) * 2), { radius } = begun[i];
        assert(Math.hypot(x, y) + radius <= FENCE + 1e-9);
        for (let j = 0; j < i; j++) {
          const [u, v] = positions.subarray((t * n + j) * 2);
          assert(Math.hypot(x - u, y - v) >= radius + begun[j].radius - 1e-9);
        }
      }
    }
  }
  assert(met > 10, `${met} contacts between solids`);
});

Deno.test("the truth's depth is what the renderer sees: a solid's front lies before its centre by at most its reach", () => {
  const { frames, begun } = movingSceneOf({ seed: 0, split: 0, index: 1 }, {
    frames: 8,
    objects: [1, 1],
    cameraMoves: true,
  });
  for (const frame of frames) {
    const [object] = frame.objects, grid = 64, map = depthMap(frame, grid, 1);
    const [column, row] = project(frame.camera, [object.x, object.y, object.z]);
    const seen = map[Math.floor(row * grid) * grid + Math.floor(column * grid)];
    assert(seen < object.depth, `${seen} before ${object.depth}`);
    assert(object.depth - seen < begun[0].radius + object.half, `${seen} too far before ${object.depth}`);
  }
});

Deno.test("solids that overlap, or reach over the fence, are refused", () => {
  assertThrows(() => move([mover(0, 0, 0, 0), mover(1, 0, 0, 0)], 2, 10), RangeError, "Solids 0 and 1 overlap.");
  assertThrows(() => move([mover(9.5, 0, 0, 0)], 2, 10), RangeError, "Solid 0 reaches over the fence");
});
