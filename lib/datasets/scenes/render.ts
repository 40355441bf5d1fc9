/**
 * Pictures of scenes by ray casting, and maps of their depth. The arithmetic is the same to the last bit on every machine:
 * sums, products, quotients and square roots, which IEEE 754 defines; powers are products.
 *
 * @module
 */
import { rayThrough } from "./camera.ts";
import { nearest, type Scene } from "./scene.ts";
import { radiance, stageOf, toStudio } from "./shading.ts";

/** The 8-bit value of linear light: with an exponent of 1/2, as the colours are read with 2. */
const toByte = (light: number): number => Math.min(255, Math.floor(255 * Math.sqrt(light) + 0.5));

interface Sample {
  /** Place in the pixel, in 0 .. 1. */
  u: number;
  v: number;
  /** Place on the lamps, in a disc of radius 1. */
  lamp: readonly [number, number];
}

/** Rays of a pixel that are always cast; the others are where these do not agree. */
const FIRST = 4;

/**
 * The rays of a pixel, on a grid of 4 x 4. The first four have a row and a column each of their own. Neighbouring rays see the
 * lamps from places far apart.
 */
const SAMPLES: readonly Sample[] = [1, 7, 8, 14, 0, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 15].map((place, i) => {
  const onGrid = (k: number) => (k % 4 + 0.5) / 4;
  // On the lamps too the first four have a row and a column each of their own.
  const row = i % 4, column = (Math.floor(i / 4) + 2 * row + (row > 1 ? 1 : 0)) % 4;
  const x = 2 * onGrid(column) - 1, y = 2 * onGrid(row) - 1;
  return {
    u: onGrid(place),
    v: onGrid(Math.floor(place / 4)),
    lamp: [x * Math.sqrt(1 - y * y / 2), y * Math.sqrt(1 - x * x / 2)], // from a square to the disc
  };
});

/**
 * A picture of a scene: uint8 [size, size, 3], antialiased: 4 rays a pixel, and 16 where those do not see the same.
 *
 * @param size width and height in pixels
 * @throws RangeError unless `size` is a whole number from 1 on
 */
export function renderScene(scene: Scene, size: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`A picture has whole pixels; got ${size}.`);
  const { camera } = scene, stage = stageOf(scene);
  const pixels = new Uint8Array(size * size * 3), direction = new Float64Array(3), light = new Float64Array(3);
  const [x, y, z] = camera.position;
  for (let pixel = 0; pixel < size * size; pixel++) {
    const row = Math.floor(pixel / size), column = pixel % size;
    let red = 0, green = 0, blue = 0, rays = 0, what = 0, agreed = true;
    while (rays < FIRST || !agreed && rays < SAMPLES.length) {
      const { u, v, lamp } = SAMPLES[rays];
      rayThrough(camera, (column + u) / size, (row + v) / size, direction);
      const seen = radiance(stage, x, y, z, direction, lamp, false, light);
      if (rays > 0 && seen !== what) agreed = false;
      what = seen;
      // Clipped before the average, or a highlight's edge would be jagged.
      red += Math.min(1, light[0]);
      green += Math.min(1, light[1]);
      blue += Math.min(1, light[2]);
      rays++;
    }
    pixels[3 * pixel] = toByte(red / rays);
    pixels[3 * pixel + 1] = toByte(green / rays);
    pixels[3 * pixel + 2] = toByte(blue / rays);
  }
  return pixels;
}

/**
 * The depth of what is seen: the mean over each field of a grid of the distances from the camera along the optical axis,
 * float32 [grid, grid]. Behind the objects are the floor and the studio's wall, at a depth of at most 21.
 *
 * @param grid fields across the image, e.g. patches
 * @param rays across a field, whose square are averaged. Default 4
 */
export function depthMap({ camera, objects }: Scene, grid: number, rays = 4): Float32Array<ArrayBuffer> {
  const depths = new Float32Array(grid * grid), d = new Float64Array(3), distance = new Float64Array(1);
  const { forward, position: [x, y, z] } = camera, across = grid * rays;
  for (let field = 0; field < grid * grid; field++) {
    const left = (field % grid) * rays, top = Math.floor(field / grid) * rays;
    let sum = 0;
    for (let i = 0; i < rays * rays; i++) {
      const column = left + i % rays, row = top + Math.floor(i / rays);
      rayThrough(camera, (column + 0.5) / across, (row + 0.5) / across, d);
      nearest(objects, x, y, z, d[0], d[1], d[2], distance);
      const t = Math.min(distance[0], toStudio(x, y, z, d[0], d[1], d[2]));
      sum += t * (d[0] * forward[0] + d[1] * forward[1] + d[2] * forward[2]);
    }
    depths[field] = sum / (rays * rays);
  }
  return depths;
}
