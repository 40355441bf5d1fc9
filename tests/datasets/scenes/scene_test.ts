import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { COLOURS, drawScene, type Scene, sceneOf, visibleRays } from "../../../lib/datasets/scenes/scene.ts";
import { randomStream } from "../../../lib/random.ts";

const scenes: Scene[] = Array.from(
  { length: 60 },
  (_, index) => sceneOf({ seed: 5, split: 0, index }, [3, 10]),
);

Deno.test("drawScene() has as many objects as asked for", () => {
  for (const count of [0, 1, 3, 10]) assertEquals(drawScene(count, randomStream(count)).objects.length, count);
  assertThrows(() => drawScene(2.5, randomStream(0)), RangeError, "whole number of objects; got 2.5");
  assertThrows(() => drawScene(-1, randomStream(0)), RangeError, "got -1");
});

Deno.test("drawScene() says where so many have no room", () => {
  assertThrows(() => drawScene(60, randomStream(0)), RangeError, "There is no room for 60 objects");
});

Deno.test("objects stand on the floor, inside CLEVR's field, and do not touch", () => {
  for (const { objects } of scenes) {
    for (const [i, a] of objects.entries()) {
      assertEquals(a.z, a.half);
      assert(Math.abs(a.x) <= 3 && Math.abs(a.y) <= 3);
      assertAlmostEquals(Math.hypot(a.cos, a.sin), 1, 1e-12);
      for (const b of objects.slice(0, i)) {
        const [ra, rb] = [a, b].map(({ shape, half }) => shape === "cube" ? Math.sqrt(2) * half : half);
        assert(Math.hypot(a.x - b.x, a.y - b.y) >= ra + rb + 0.25 - 1e-12);
      }
    }
  }
});

Deno.test("objects keep CLEVR's margin from left to right and from front to back", () => {
  for (const { objects, camera } of scenes) {
    const level = Math.hypot(camera.forward[0], camera.forward[1]);
    const front = [camera.forward[0] / level, camera.forward[1] / level];
    for (const [i, a] of objects.entries()) {
      for (const b of objects.slice(0, i)) {
        const [dx, dy] = [a.x - b.x, a.y - b.y];
        assert(Math.abs(dx * front[0] + dy * front[1]) >= 0.4 - 1e-12);
        assert(Math.abs(dx * camera.right[0] + dy * camera.right[1]) >= 0.4 - 1e-12);
      }
    }
  }
});

Deno.test("each object can be seen, also by rays that are not those it was chosen by", () => {
  for (const scene of scenes) {
    const seen = visibleRays(scene, 150);
    // CLEVR's 200 pixels of 320 x 240, at a focal length of 35 / 32 widths, less what the coarser grid cannot tell.
    const least = 200 * (150 / 320) ** 2 * (40 / 35) ** 2;
    assert(seen.every((rays) => rays > 0.8 * least), `${seen}`);
  }
});

Deno.test("an object's depth is its centre's distance along the optical axis", () => {
  for (const { objects, camera: { position } } of scenes) {
    const distance = Math.hypot(...position);
    for (const { x, y, z, depth } of objects) {
      const along = -(x * position[0] + y * position[1] + z * position[2]) / distance;
      assertAlmostEquals(depth, along + distance, 1e-12);
    }
  }
});

Deno.test("sceneOf() depends on seed, split and index alone, and draws everything that there is", () => {
  const key = { seed: 5, split: 0, index: 7 };
  assertEquals(sceneOf(key, [3, 10]), scenes[7]);
  for (const other of [{ ...key, seed: 6 }, { ...key, split: 1 }, { ...key, index: 8 }]) {
    assertNotEquals(sceneOf(other, [3, 10]).camera, scenes[7].camera);
  }
  assertEquals(new Set(scenes.map(({ objects }) => objects.length)).size, 8, "counts");
  const all = scenes.flatMap(({ objects }) => objects);
  assertEquals(new Set(all.map((o) => [o.shape, o.size, o.material].join())).size, 12);
  assertEquals(new Set(all.map((o) => o.colour)).size, Object.keys(COLOURS).length);
});

Deno.test("camera and lamps are CLEVR's within their jitter", () => {
  for (const { camera, lamps } of scenes) {
    [7.48113, -6.50764, 5.34367].forEach((at, i) => assertAlmostEquals(camera.position[i], at, 0.5));
    [6.44671, -2.90517, 4.2584].forEach((at, i) => assertAlmostEquals(lamps.key[i], at, 1));
  }
  assertEquals(new Set(scenes.map(({ camera }) => camera.position[0])).size, scenes.length);
});
