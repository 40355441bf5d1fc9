import { createHash } from "node:crypto";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { cameraAt, depthOf, HALF_WIDTH, project, type Vector } from "../../../lib/datasets/scenes/camera.ts";
import { depthMap, renderScene } from "../../../lib/datasets/scenes/render.ts";
import { type Scene, type SceneObject, sceneOf, visibleRays } from "../../../lib/datasets/scenes/scene.ts";

const camera = cameraAt([7.5, -6.5, 5.3]);
const lamps: Scene["lamps"] = { key: [6.4, -2.9, 4.3], fill: [-4.7, -4, 3], back: [-1.2, 2.6, 5.8] };

function object(x: number, y: number, looks: Partial<SceneObject> = {}): SceneObject {
  const half = looks.half ?? 0.7, z = looks.z ?? half;
  return {
    ...{ shape: "sphere", x, y, z, half, cos: 1, sin: 0, size: "large", material: "rubber", colour: "red" },
    ...{ depth: depthOf(camera, [x, y, z]) },
    ...looks,
  } as SceneObject;
}

const scene = (...objects: SceneObject[]): Scene => ({ camera, lamps, objects });

/** The pixel at a point's place. */
function pixelAt(pixels: Uint8Array, size: number, point: Vector): number[] {
  const [column, row] = project(camera, point).map((share) => Math.floor(share * size));
  return [...pixels.subarray((row * size + column) * 3, (row * size + column) * 3 + 3)];
}

const sum = (values: number[]) => values.reduce((a, b) => a + b);

Deno.test("a sphere on the optical axis is seen as the disc that its radius and distance make", () => {
  const grid = 300, radius = 0.6, distance = Math.hypot(...camera.position);
  const [seen] = visibleRays(scene(object(0, 0, { z: 0, half: radius })), grid);
  const share = Math.tan(Math.asin(radius / distance)) / (2 * HALF_WIDTH); // of the image's width
  assertAlmostEquals(seen, Math.PI * (share * grid) ** 2, 0.01 * seen);
});

Deno.test("depthMap() is the distance along the axis to the sphere, and to the floor beside it", () => {
  const size = 401, sphere = object(0.5, -1), map = depthMap(scene(sphere), size, 1);
  const at = (point: Vector) => {
    const [column, row] = project(camera, point).map((share) => Math.floor(share * size));
    return map[row * size + column];
  };
  // Towards the centre the surface is a radius nearer, of which the ray's slant leaves the cosine.
  const centre: Vector = [sphere.x, sphere.y, sphere.z];
  const ray = Math.hypot(...centre.map((value, i) => value - camera.position[i]));
  const depth = depthOf(camera, centre);
  assertAlmostEquals(at(centre), depth * (ray - sphere.half) / ray, 2e-3);
  for (const point of [[-2, -2, 0], [2, 1, 0], [2.5, -2.5, 0]] as Vector[]) {
    assertAlmostEquals(at(point), depthOf(camera, point), 0.05);
  }
});

Deno.test("depthMap() of coarse fields is the mean of the fine ones in them", () => {
  const drawn = sceneOf({ seed: 1, split: 0, index: 0 }, [3, 10]), fine = depthMap(drawn, 32, 1);
  depthMap(drawn, 8, 4).forEach((depth, field) => {
    const [row, column] = [Math.floor(field / 8) * 4, field % 8 * 4];
    let mean = 0;
    for (let i = 0; i < 16; i++) mean += fine[(row + Math.floor(i / 4)) * 32 + column + i % 4] / 16;
    assertAlmostEquals(depth, mean, 1e-5);
  });
});

Deno.test("an object darkens the floor away from the key lamp, and not the floor before it", () => {
  const size = 128, tower = object(0, 0, { shape: "cylinder" });
  const [bare, shaded] = [scene(), scene(tower)].map((s) => renderScene(s, size));
  const [kx, ky] = lamps.key, away = Math.hypot(kx, ky);
  const beside = (distance: number): Vector => [-kx / away * distance, -ky / away * distance, 0];
  for (const distance of [1, 1.2]) { // its shadow ends at 0.7 + (0.7 + 7.0) * 1.4 / (4.3 - 1.4) = 1.6 and more
    const [without, within] = [bare, shaded].map((pixels) => sum(pixelAt(pixels, size, beside(distance))));
    assertLess(within, 0.8 * without);
  }
  const [open, before] = [bare, shaded].map((pixels) => sum(pixelAt(pixels, size, beside(-2.5))));
  assertAlmostEquals(before, open, 0.06 * open);
});

Deno.test("the nearer of two objects hides the other, in whichever order they are listed", () => {
  const [dx, dy] = [camera.forward[0], camera.forward[1]];
  const near = object(-dx, -dy, { colour: "blue", half: 0.6 });
  const far = object(1.5 * dx, 1.5 * dy, { colour: "yellow", half: 0.5 });
  const pictures = [scene(near, far), scene(far, near)].map((s) => renderScene(s, 96));
  assertEquals(pictures[0], pictures[1]);
  const [r, g, b] = pixelAt(pictures[0], 96, [near.x, near.y, near.z]);
  assert(b > 2 * r && b > g, `${[r, g, b]} should be blue`);
  const alone = renderScene(scene(far), 96);
  const [fr, fg, fb] = pixelAt(alone, 96, [far.x, far.y, far.z]);
  assert(fr > 2 * fb && fg > 2 * fb, `${[fr, fg, fb]} should be yellow`);
});

Deno.test("metal mirrors its neighbour, rubber does not", () => {
  for (const [material, mirrors] of [["metal", true], ["rubber", false]] as const) {
    const ball = object(0, 0, { material, colour: "cyan" });
    const [px, py] = [camera.right[0], camera.right[1]];
    const other = object(1.6 * px, 1.6 * py, { colour: "red" });
    const [alone, beside] = [scene(ball), scene(ball, other)].map((s) => renderScene(s, 200));
    // Where the ball's normal lies between the eye and the neighbour.
    const point: Vector = [0.6 * px, 0.6 * py, 0.85];
    const [before, after] = [alone, beside].map((pixels) => pixelAt(pixels, 200, point));
    const change = Math.abs(after[1] - before[1]) / before[1];
    assert(mirrors ? change > 0.1 : change < 0.1, `${material}: ${before} without the neighbour, ${after} with it`);
  }
});

Deno.test("renderScene() averages rays where a pixel sees several things", () => {
  const drawn = scene(object(0, 0, { colour: "yellow" })),
    [fine, coarse] = [256, 32].map((size) => renderScene(drawn, size));
  let differs = 0;
  for (let i = 0; i < coarse.length; i++) {
    const row = Math.floor(i / 96) * 8, column = Math.floor(i % 96 / 3) * 8;
    let light = 0; // averages are of light, of which 8-bit values are roots
    for (let k = 0; k < 64; k++) {
      light += (fine[((row + Math.floor(k / 8)) * 256 + column + k % 8) * 3 + i % 3] / 255) ** 2 / 64;
    }
    differs = Math.max(differs, Math.abs(255 * Math.sqrt(light) - coarse[i]));
  }
  assertLess(differs, 16);
});

Deno.test("renderScene() gives these bytes on every machine", () => {
  const hash = createHash("sha256");
  for (let index = 0; index < 12; index++) hash.update(renderScene(sceneOf({ seed: 0, split: 0, index }, [3, 10]), 32));
  assertEquals(hash.digest("hex"), "87076f24aec0c2a5c36c91e6455a802c1d0692aca94866323ab8fd2c5b479123");
});

Deno.test("renderScene() needs whole pixels", () => {
  assertThrows(() => renderScene(scene(), 0), RangeError, "whole pixels; got 0");
  assertThrows(() => renderScene(scene(), 7.5), RangeError, "got 7.5");
  assertEquals(renderScene(scene(), 1).length, 3);
});
