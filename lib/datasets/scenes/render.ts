/**
 * Pictures of scenes by ray casting: three lamps with soft shadows, matt rubber with a faint sheen, and metal that mirrors
 * what is around it. Like all of the scenes' arithmetic it is the same to the last bit on every machine: powers are
 * products, and 8-bit values are square roots.
 *
 * @module
 */
import { rayThrough, type Vector } from "./camera.ts";
import { COLOURS, nearest, type Scene, type SceneObject } from "./scene.ts";
import { entry, normalAt, reach } from "./solids.ts";

/** The studio's back wall: this far behind the origin, seen from where the camera is without jitter. */
const WALL = 9;

/** The horizontal direction, of length 1, to the wall. */
const BEHIND = [-0.7544902, 0.6563113] as const;

/** Within this distance before the wall the floor takes the wall's look, so that no edge is seen between the two. */
const FADE = 8;

/** Linear radiance of the wall, and the share of light that the floor gives back. */
const WALL_RADIANCE = 0.25, FLOOR = 0.42;

/** Light from everywhere: from above, and how much of that comes from below. */
const AMBIENT = 0.2, FROM_BELOW = 0.35;

/** The lamps' colours and strengths at a distance of 8, their radii, and how much of them metal and rubber mirror. */
const LAMPS = {
  key: { colour: [1, 0.93, 0.83], radius: 0.5 },
  fill: { colour: [0.25, 0.28, 0.34], radius: 1 },
  back: { colour: [0.32, 0.32, 0.32], radius: 1 },
} as const satisfies Record<string, { colour: Vector; radius: number }>;

/** How far a ray starts above the surface that it leaves. */
const LIFT = 1e-3;

interface Lamp {
  position: Vector;
  colour: Vector;
  radius: number;
  /** [objects, 4]: least x, greatest x, least y and greatest y of the floor that an object can shade. */
  shades: Float64Array;
}

/** A scene as the renderer holds it. */
interface Stage {
  objects: readonly SceneObject[];
  /** [objects]: each one's colour in linear light. */
  albedos: readonly Vector[];
  lamps: readonly Lamp[];
  /** Where functions write what they return beside a number, so that nothing is allocated for a ray: [1], and thrice [3]. */
  distance: Float64Array;
  normal: Float64Array;
  away: Float64Array;
  image: Float64Array;
}

/** Linear light of an 8-bit value, and back: with an exponent of 2, near the 2.2 that sRGB has on average. */
const squared = (x: number): number => x * x;
const toLinear = ([r, g, b]: Vector): Vector => [squared(r / 255), squared(g / 255), squared(b / 255)];
const toByte = (light: number): number => Math.min(255, Math.floor(255 * Math.sqrt(light) + 0.5));

function power(x: number, doublings: number): number {
  for (let i = 0; i < doublings; i++) x *= x;
  return x;
}

/** Distances from a point to the floor and the wall along a ray; Infinity where it points away from both. */
function toStudio(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number {
  const floor = dz < 0 ? -oz / dz : Infinity;
  const towards = dx * BEHIND[0] + dy * BEHIND[1];
  const wall = towards > 0 ? (WALL - ox * BEHIND[0] - oy * BEHIND[1]) / towards : Infinity;
  return Math.min(floor, wall);
}

/** How much of the light from above reaches a point past the objects: 1 in the open, less beside and under them. */
function openness(stage: Stage, self: number, x: number, y: number, z: number, n: Float64Array): number {
  let open = 1;
  for (let i = 0; i < stage.objects.length; i++) {
    if (i === self) continue;
    const o = stage.objects[i], px = o.x - x, py = o.y - y, pz = o.z - z;
    const square = px * px + py * py + pz * pz, size = o.half * o.half;
    if (square > 36 * size) continue;
    const cosine = (px * n[0] + py * n[1] + pz * n[2]) / Math.sqrt(square);
    // The solid angle of a sphere of its size, as a share of the half sphere, less what it is at the limit.
    if (cosine > 0) open *= 1 - Math.min(1, cosine * (size / square - 1 / 36));
  }
  return open;
}

/**
 * Light that the lamps send from a point to the eye. `sample` is the place on the lamps, in a disc of radius 1, from which
 * this ray takes it: over the rays of a pixel, shadows are soft. Returns which lamps are seen, a bit for each.
 */
function lit(
  stage: Stage,
  self: number,
  x: number,
  y: number,
  z: number,
  n: Float64Array,
  view: Float64Array,
  albedo: Vector,
  gloss: { strength: number; doublings: number; metal: boolean },
  sample: readonly [number, number],
  out: Float64Array,
): number {
  const { objects, lamps } = stage;
  const ambient = AMBIENT * openness(stage, self, x, y, z, n) * (FROM_BELOW + (1 - FROM_BELOW) * (1 + n[2]) / 2);
  const matt = gloss.metal ? 0.35 : 1;
  for (let k = 0; k < 3; k++) out[k] = matt * ambient * albedo[k];
  const sx = x + LIFT * n[0], sy = y + LIFT * n[1], sz = z + LIFT * n[2];
  let seen = 0;
  for (let l = 0; l < lamps.length; l++) {
    const { position, colour, radius, shades } = lamps[l];
    // The lamp's disc lies level.
    let lx = position[0] + radius * sample[0] - sx, ly = position[1] + radius * sample[1] - sy, lz = position[2] - sz;
    const square = lx * lx + ly * ly + lz * lz, distance = Math.sqrt(square);
    lx /= distance;
    ly /= distance;
    lz /= distance;
    const cosine = n[0] * lx + n[1] * ly + n[2] * lz;
    if (cosine <= 0) continue;
    let dark = false;
    for (let i = 0; i < objects.length && !dark; i++) {
      // A convex solid casts no shadow on the side of it that is turned to the lamp.
      if (i === self) continue;
      if (self < 0 && (x < shades[4 * i] || x > shades[4 * i + 1] || y < shades[4 * i + 2] || y > shades[4 * i + 3])) {
        continue;
      }
      dark = entry(objects[i], sx, sy, sz, lx, ly, lz) < distance;
    }
    if (dark) continue;
    seen |= 1 << l;
    const strength = 100 / (52 + 0.75 * square); // falls with the square, but does not blind what is near
    // Blinn's half vector, between the lamp and the eye.
    const hx = lx - view[0], hy = ly - view[1], hz = lz - view[2];
    const half = Math.max(0, (n[0] * hx + n[1] * hy + n[2] * hz) / Math.sqrt(hx * hx + hy * hy + hz * hz));
    const shine = gloss.strength * power(half, gloss.doublings);
    for (let k = 0; k < 3; k++) {
      const tint = gloss.metal ? 0.4 + 0.6 * albedo[k] : 1;
      out[k] += strength * colour[k] * (matt * cosine * albedo[k] + shine * tint);
    }
  }
  return seen;
}

/** Of a coordinate, the range in which a box from the floor to `top` shades the floor under a lamp whose disc is higher. */
function shade(at: number, reach: number, top: number, lamp: number, radius: number, height: number): [number, number] {
  const stretch = top / (height - top); // a point at the top is carried on by this share of its distance from the lamp
  const low = at - reach, high = at + reach;
  return [
    Math.min(low, low + (low - lamp - radius) * stretch) - LIFT,
    Math.max(high, high + (high - lamp + radius) * stretch) + LIFT,
  ];
}

function shadesOf(objects: readonly SceneObject[], [x, y, height]: Vector, radius: number): Float64Array {
  return Float64Array.from(objects.flatMap((object) => {
    const side = reach(object), top = 2 * object.half;
    return [...shade(object.x, side, top, x, radius, height), ...shade(object.y, side, top, y, radius, height)];
  }));
}

const GLOSS = {
  floor: { strength: 0, doublings: 0, metal: false },
  rubber: { strength: 0.16, doublings: 4, metal: false },
  metal: { strength: 4, doublings: 7, metal: true },
};
const FLOOR_ALBEDO: Vector = [FLOOR, FLOOR, FLOOR];
const UP = Float64Array.of(0, 0, 1);

/**
 * The light that comes along a ray, from its end to its start: `out` [3], linear. Returns a number that is the same for
 * rays that end on the same thing under the same lamps.
 */
function radiance(
  stage: Stage,
  ox: number,
  oy: number,
  oz: number,
  direction: Float64Array,
  sample: readonly [number, number],
  mirrored: boolean,
  out: Float64Array,
): number {
  const dx = direction[0], dy = direction[1], dz = direction[2];
  const first = nearest(stage.objects, ox, oy, oz, dx, dy, dz, stage.distance);
  const around = toStudio(ox, oy, oz, dx, dy, dz);
  if (first < 0 || around < stage.distance[0]) {
    if (around === Infinity) {
      // The half of the studio behind the camera and above: dim, brighter towards the lamps' height.
      const sky = 0.16 + 0.3 * Math.max(0, dz);
      for (let k = 0; k < 3; k++) out[k] = sky;
      return -1;
    }
    const x = ox + around * dx, y = oy + around * dy;
    const behind = x * BEHIND[0] + y * BEHIND[1];
    const fade = Math.min(1, Math.max(0, (behind - (WALL - FADE)) / FADE)), wall = fade * fade * (3 - 2 * fade);
    let seen = 0;
    for (let k = 0; k < 3; k++) out[k] = 0;
    if (wall < 1) seen = lit(stage, -1, x, y, 0, UP, direction, FLOOR_ALBEDO, GLOSS.floor, sample, out);
    for (let k = 0; k < 3; k++) out[k] += wall * (WALL_RADIANCE - out[k]);
    return seen;
  }
  const object = stage.objects[first], t = stage.distance[0], albedo = stage.albedos[first];
  const x = ox + t * dx, y = oy + t * dy, z = oz + t * dz, n = stage.normal;
  normalAt(object, x, y, z, n);
  const seen = lit(stage, first, x, y, z, n, direction, albedo, GLOSS[object.material], sample, out);
  const what = 8 * (first + 1) + seen;
  if (object.material === "rubber" || mirrored) return what;
  const facing = dx * n[0] + dy * n[1] + dz * n[2];
  const { away, image } = stage;
  away[0] = dx - 2 * facing * n[0];
  away[1] = dy - 2 * facing * n[1];
  away[2] = dz - 2 * facing * n[2];
  const mirroredWhat = radiance(stage, x + LIFT * n[0], y + LIFT * n[1], z + LIFT * n[2], away, sample, true, image);
  // Schlick's approximation: metal mirrors in its colour, and everything at a grazing angle.
  const grazing = power(1 - Math.min(1, Math.abs(facing)), 2) * (1 - Math.min(1, Math.abs(facing)));
  for (let k = 0; k < 3; k++) {
    const tint = 0.12 + 0.88 * albedo[k];
    out[k] += 0.7 * (tint + (1 - tint) * grazing) * image[k];
  }
  return what + 1024 * (mirroredWhat + 2);
}

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
  // The first four see one quarter of the lamps each, as all four of the columns and rows come in equal numbers.
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
export function renderScene({ camera, lamps, objects }: Scene, size: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`A picture has whole pixels; got ${size}.`);
  const stage: Stage = {
    objects,
    albedos: objects.map(({ colour }) => toLinear(COLOURS[colour])),
    lamps: (["key", "fill", "back"] as const).map((name) => {
      const { colour, radius } = LAMPS[name], position = lamps[name];
      return { position, colour, radius, shades: shadesOf(objects, position, radius) };
    }),
    distance: new Float64Array(1),
    normal: new Float64Array(3),
    away: new Float64Array(3),
    image: new Float64Array(3),
  };
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
