/**
 * What light comes along a ray through a scene: three lamps with soft shadows, matt rubber with a faint sheen, and metal
 * that mirrors what is around it, on the floor of a studio whose back wall has no visible edge.
 *
 * @module
 */
import type { Vector } from "./camera.ts";
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

/** The lamps' colours times strengths at a distance of 8, and their radii. */
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

/** A scene prepared for its rays. */
export interface Stage {
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

function power(x: number, doublings: number): number {
  for (let i = 0; i < doublings; i++) x *= x;
  return x;
}

/** How far it is along a ray to the floor or the wall; Infinity where it points away from both. */
export function toStudio(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number {
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

/** Makes a scene ready for its rays. */
export function stageOf({ objects, lamps }: Scene): Stage {
  return {
    objects,
    // Linear light of 8-bit values: with an exponent of 2, near the 2.2 that sRGB has on average.
    albedos: objects.map(({ colour }) => {
      const [r, g, b] = COLOURS[colour];
      return [power(r / 255, 1), power(g / 255, 1), power(b / 255, 1)];
    }),
    lamps: (["key", "fill", "back"] as const).map((name) => {
      const { colour, radius } = LAMPS[name], position = lamps[name];
      return { position, colour, radius, shades: shadesOf(objects, position, radius) };
    }),
    distance: new Float64Array(1),
    normal: new Float64Array(3),
    away: new Float64Array(3),
    image: new Float64Array(3),
  };
}

/** How strongly surfaces mirror the lamps, and by how many squarings the highlight is narrowed. */
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
 *
 * @param ox where it starts, as oy and oz
 * @param direction [3], of length 1
 * @param sample where on the lamps its light comes from, in a disc of radius 1
 * @param mirrored whether it comes from metal: metal that it meets does not mirror again
 */
export function radiance(
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
