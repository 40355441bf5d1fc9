import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { loadCameraClips } from "../../../lib/datasets/clips/camera_clips.ts";
import { project } from "../../../lib/datasets/scenes/camera.ts";
import {
  cameraOf,
  cameraWalkOf,
  GREATEST_TURN,
  HIGHEST,
  LOWEST,
  poseOf,
  turnCamera,
} from "../../../lib/datasets/scenes/camera_walk.ts";
import { renderScene } from "../../../lib/datasets/scenes/render.ts";
import { withFolder } from "../../with_folder.ts";

const WALK = { frames: 4 };

Deno.test("a camera on the x axis, a quarter turn on, stands on the y axis, and 30 degrees up at half its distance", () => {
  const near = (values: readonly number[], expected: readonly number[]) =>
    expected.forEach((value, i) => assertAlmostEquals(values[i], value, 1e-12));
  near(cameraOf({ azimuth: 0, elevation: 0, distance: 8 }).position, [8, 0, 0]);
  near(cameraOf({ azimuth: 90, elevation: 0, distance: 8 }).position, [0, 8, 0]);
  near(cameraOf({ azimuth: 90, elevation: 30, distance: 8 }).position, [0, 8 * Math.sqrt(3) / 2, 4]);
});

Deno.test("poseOf() is the inverse of cameraOf()", () => {
  const pose = poseOf(cameraOf({ azimuth: -71, elevation: 33, distance: 11 }));
  assertAlmostEquals(pose.azimuth, -71, 1e-10);
  assertAlmostEquals(pose.elevation, 33, 1e-10);
  assertAlmostEquals(pose.distance, 11, 1e-10);
});

Deno.test("a walk's cameras stand where its actions lead: by the sums of the actions and plain trigonometry", () => {
  for (let index = 0; index < 20; index++) {
    const { frames, poses: [{ azimuth, elevation, distance }], actions } = cameraWalkOf(
      { seed: 3, split: 0, index },
      WALK,
    );
    frames.forEach(({ camera, objects }, t) => {
      const sum = (axis: 0 | 1) => actions.slice(0, t).reduce((all, action) => all + action[axis], 0);
      const a = (azimuth + sum(0)) * Math.PI / 180, e = (elevation + sum(1)) * Math.PI / 180;
      assertAlmostEquals(camera.position[0], distance * Math.cos(e) * Math.cos(a), 1e-9);
      assertAlmostEquals(camera.position[1], distance * Math.cos(e) * Math.sin(a), 1e-9);
      assertAlmostEquals(camera.position[2], distance * Math.sin(e), 1e-9);
      assertEquals(project(camera, [0, 0, 0]).map((share) => Math.round(1e9 * share) / 1e9), [0.5, 0.5]);
      // The solids stand still, and their depths are the camera's.
      objects.forEach((object, i) => {
        const { x, y, z } = frames[0].objects[i];
        assertEquals([object.x, object.y, object.z], [x, y, z]);
        const away = Math.hypot(...camera.position.map((value, axis) => value - [x, y, z][axis]));
        assert(object.depth <= away && object.depth > 0.8 * away);
      });
    });
    actions.forEach(([around, up]) => assert(Math.hypot(around, up) <= GREATEST_TURN));
  }
});

Deno.test("turnCamera() refuses an action that is too long by its numbers, and stops at the lowest and the highest", () => {
  const pose = { azimuth: 10, elevation: 60, distance: 11 };
  assertThrows(
    () => turnCamera(pose, [12, -16]),
    RangeError,
    "An action turns the camera by at most 15 degrees, azimuth and elevation together; got [12, -16], which has a length of 20.",
  );
  assertThrows(() => turnCamera(pose, [NaN, 0]), RangeError, "got [NaN, 0]");
  assertEquals(turnCamera(pose, [9, 12]), { azimuth: 19, elevation: HIGHEST, distance: 11 });
  assertEquals(turnCamera({ ...pose, elevation: 12 }, [0, -12]).elevation, LOWEST);
});

Deno.test("walks are drawn by their key alone, and differ", () => {
  const at = (index: number, split = 0) => cameraWalkOf({ seed: 1, split, index }, WALK);
  assertEquals(at(2), at(2));
  assert(at(2).actions[0][0] !== at(3).actions[0][0] && at(2).actions[0][0] !== at(2, 1).actions[0][0]);
});

Deno.test("sequences are the walks' pictures and actions, and are read again as they were rendered", async () => {
  await withFolder(async (dir) => {
    const options = { clips: 2, frames: 3, size: 8, objects: [1, 2] as const }, bytes = 8 * 8 * 3;
    const made = await loadCameraClips(dir, options);
    const walk = made.truth(1);
    assertEquals([...made.actions.subarray(4)], walk.actions.flat());
    assertEquals(made.pixels.subarray(5 * bytes), renderScene(walk.frames[2], 8));
    const [path] = Array.from(Deno.readDirSync(`${dir}/clips`), ({ name }) => name).filter((name) =>
      name.endsWith(".u8")
    );
    assertEquals((await loadCameraClips(dir, options)).pixels, made.pixels);
    Deno.writeFileSync(`${dir}/clips/${path}`, new Uint8Array(2 * 3 * bytes));
    const error = await loadCameraClips(dir, options).then(() => undefined, (error) => error);
    assert(error instanceof Error && error.message.includes(path));
  });
});
