import { assertAlmostEquals, assertEquals } from "@std/assert";
import { cameraAt } from "../../../lib/datasets/scenes/camera.ts";
import { framesOf, type MovingScene } from "../../../lib/datasets/scenes/moving_scene.ts";
import type { SceneObject } from "../../../lib/datasets/scenes/scene.ts";
import { seenSolids } from "../../../lib/evaluation/video/seen_solids.ts";

/** A camera that looks at the origin along x, from 10 units away, but for a little height. */
const camera = cameraAt([10, 0, 1e-6]);

const ball = (x: number, y: number): SceneObject => ({
  ...{ shape: "sphere", x, y, z: 0, half: 0.5, cos: 1, sin: 0, depth: 10 - x },
  ...{ size: "large", material: "rubber", colour: "red" },
});

/** Balls that go on in straight lines over two frames. */
function moving(balls: { at: [number, number]; by: [number, number] }[]): MovingScene {
  const objects = balls.map(({ at }) => ball(...at));
  const positions = Float64Array.from(
    [0, 1].flatMap((t) => balls.flatMap(({ at, by }) => at.map((x, k) => x + t * by[k]))),
  );
  const velocities = Float64Array.from([0, 1].flatMap(() => balls.flatMap(({ by }) => by)));
  const lamps = { key: [0, 0, 9], fill: [0, 0, 9], back: [0, 0, 9] } as const;
  const motion = { positions, velocities, contacts: [] };
  const begun = objects.map(({ x, y }) => ({ x, y, vx: 0, vy: 0, radius: 0.5, mass: 1 }));
  return { frames: framesOf({ camera, lamps, objects }, [camera, camera], motion), begun, motion };
}

/** The picture is 8 units wide at a depth of 10: fields of 2 units. */
const size = { image: 16, patch: 4, frames: 2, tubelet: 2 };

Deno.test("seenSolids() says where a solid is seen, and the means of what is true of it over the tubelet", () => {
  const [only, ...others] = seenSolids(moving([{ at: [0, 2.9], by: [0, 0.2] }]), size);
  assertEquals(others, []);
  // y grows to the right: 3 units from the middle is the fourth column; the height of the camera is the third row.
  assertEquals(only.token, 4 * 2 + 3);
  [[only.position[0], 0], [only.position[1], 3], [only.velocity[0], 0], [only.velocity[1], 0.2]]
    .forEach(([value, expected]) => assertAlmostEquals(value, expected, 1e-9));
  assertAlmostEquals(only.depth, 10, 1e-5);
});

Deno.test("seenSolids() leaves out what another solid hides in one of the frames, and what is outside the picture", () => {
  const hidden = moving([{ at: [0, 0], by: [0, 0] }, { at: [3, 0.8], by: [0, -0.8] }]);
  assertEquals(seenSolids(hidden, size).map(({ position: [x] }) => x), [3]);
  assertEquals(seenSolids(moving([{ at: [0, 5], by: [0, 0] }]), size), []);
});
