/**
 * What is in a scene: objects on a floor, a camera and three lamps, drawn as CLEVR's are (Johnson et al., CVPR 2017,
 * arXiv 1612.06890, and its generator).
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import { type Camera, cameraAt, depthOf, project, rayThrough, type Vector } from "./camera.ts";
import { entry, reach, type Shape, type Solid } from "./solids.ts";

/** What a surface is made of: rubber is matt, metal mirrors. */
export type Material = "rubber" | "metal";

/** One of CLEVR's eight colours. */
export type Colour = "gray" | "red" | "blue" | "green" | "brown" | "purple" | "cyan" | "yellow";

/** The colours, 8-bit sRGB. */
export const COLOURS: Readonly<Record<Colour, Vector>> = {
  gray: [87, 87, 87],
  red: [173, 35, 35],
  blue: [42, 75, 215],
  green: [29, 105, 20],
  brown: [129, 74, 25],
  purple: [129, 38, 192],
  cyan: [41, 208, 208],
  yellow: [255, 238, 51],
};

/** A solid on the floor. */
export interface SceneObject extends Solid {
  /** A large object is twice as high as a small one. */
  size: "small" | "large";
  /** What it is made of. */
  material: Material;
  /** Which colour it has. */
  colour: Colour;
  /** Of its centre: the distance from the camera along the optical axis, CLEVR's `pixel_coords[2]`. */
  depth: number;
}

/** A scene; lengths are in CLEVR's unit, in which the objects lie on a square of 6 x 6 around the origin. */
export interface Scene {
  /** From where it is seen. */
  camera: Camera;
  /** Where the lamps hang. */
  lamps: { key: Vector; fill: Vector; back: Vector };
  /** In the order in which they were placed. */
  objects: readonly SceneObject[];
}

/** Half the height of a large object, and of a small one. */
const SIZES = { large: 0.7, small: 0.35 };

/** Cubes are made a little smaller, as they would else be the greatest of their size. */
const CUBE = 0.8;

/** Objects lie within this of the middle, in both directions. */
const FIELD = 3;

/** Free floor between any two objects. */
const GAP = 0.25;

/** Least difference of two objects' places from left to right and from front to back, so that both are plain to see. */
const MARGIN = 0.4;

/** Where the camera and the lamps are, on average, and by how much each coordinate is moved at random. */
const STUDIO = {
  camera: { at: [7.48113, -6.50764, 5.34367], jitter: 0.5 },
  key: { at: [6.44671, -2.90517, 4.2584], jitter: 1 },
  fill: { at: [-4.67112, -4.0136, 3.01122], jitter: 1 },
  back: { at: [-1.1685, 2.64602, 5.81574], jitter: 1 },
} as const satisfies Record<string, { at: Vector; jitter: number }>;

/** Rays across the image by which it is decided whether an object can be seen. */
const LOOK = 64;

/** Of these rays an object must catch this many: the solid angle of 200 pixels in CLEVR, its least. */
const LEAST_SEEN = 11;

/** Share of the image's width that objects' centres keep from its edges. */
const EDGE = 0.04;

/** Tries to place an object, as in CLEVR, and to make a whole scene. */
const PLACES = 50, SCENES = 10_000;

/** Begins the keys of the scenes' random streams; those of the images' crops have the epoch there. */
const SCENE_STREAM = -3;

const SHAPES: readonly Shape[] = ["cube", "sphere", "cylinder"];
const MATERIALS: readonly Material[] = ["rubber", "metal"];
const NAMES = Object.keys(COLOURS) as Colour[];

const pick = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)];
const between = (low: number, high: number, random: Random) => low + (high - low) * random.uniform();

function moved({ at, jitter }: { at: Vector; jitter: number }, random: Random): Vector {
  const [x, y, z] = at.map((value) => value + between(-jitter, jitter, random));
  return [x, y, z];
}

/** A uniformly random direction in the plane, without a sine. */
function turn(random: Random): { cos: number; sin: number } {
  for (;;) {
    const x = between(-1, 1, random), y = between(-1, 1, random), square = x * x + y * y;
    if (square > 0.01 && square <= 1) return { cos: x / Math.sqrt(square), sin: y / Math.sqrt(square) };
  }
}

/** Whether an object is in the picture and has room among others: no overlap, and the margin in both directions. */
function fits(object: Solid, others: readonly Solid[], camera: Camera): boolean {
  const { right } = camera, [column] = project(camera, [object.x, object.y, object.z]);
  if (column < EDGE || column > 1 - EDGE) return false;
  return others.every((other) => {
    const dx = object.x - other.x, dy = object.y - other.y;
    if (Math.sqrt(dx * dx + dy * dy) - reach(object) - reach(other) < GAP) return false;
    return Math.abs(dx * right[0] + dy * right[1]) >= MARGIN && Math.abs(dx * right[1] - dy * right[0]) >= MARGIN;
  });
}

function place(others: readonly Solid[], camera: Camera, random: Random): SceneObject | undefined {
  const shape = pick(SHAPES, random), size = pick(["small", "large"] as const, random);
  const look = { size, material: pick(MATERIALS, random), colour: pick(NAMES, random) };
  const half = SIZES[size] * (shape === "cube" ? CUBE : 1), heading = turn(random);
  for (let i = 0; i < PLACES; i++) {
    const x = between(-FIELD, FIELD, random), y = between(-FIELD, FIELD, random);
    const object = { shape, x, y, z: half, half, ...heading, ...look, depth: depthOf(camera, [x, y, half]) };
    if (fits(object, others, camera)) return object;
  }
}

/** The index of the first solid on a ray's way, or -1; `out` [1] is how far it is. */
export function nearest(
  solids: readonly Solid[],
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
  out: Float64Array,
): number {
  let first = -1, distance = Infinity;
  for (let i = 0; i < solids.length; i++) {
    const t = entry(solids[i], ox, oy, oz, dx, dy, dz);
    if (t < distance) {
      first = i;
      distance = t;
    }
  }
  out[0] = distance;
  return first;
}

/** [objects]: how many of grid x grid rays through the image meet each object first. */
export function visibleRays({ camera, objects }: Scene, grid: number): Uint32Array<ArrayBuffer> {
  const seen = new Uint32Array(objects.length), d = new Float64Array(3), distance = new Float64Array(1);
  const [x, y, z] = camera.position;
  for (let row = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++) {
      rayThrough(camera, (column + 0.5) / grid, (row + 0.5) / grid, d);
      const first = nearest(objects, x, y, z, d[0], d[1], d[2], distance);
      if (first >= 0) seen[first]++;
    }
  }
  return seen;
}

/**
 * A random scene of so many objects: shapes, sizes, materials, colours, places and turns are uniformly random among
 * those where no two objects touch, places differ plainly in both directions, and enough of each object is seen.
 *
 * @param count how many objects; CLEVR has 3 to 10
 * @throws RangeError where `count` is no whole number, or so many have no room
 */
export function drawScene(count: number, random: Random): Scene {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`A scene has a whole number of objects; got ${count}.`);
  }
  const camera = cameraAt(moved(STUDIO.camera, random));
  const [key, fill, back] = [STUDIO.key, STUDIO.fill, STUDIO.back].map((lamp) => moved(lamp, random));
  for (let i = 0; i < SCENES; i++) {
    const objects: SceneObject[] = [];
    while (objects.length < count) {
      const object = place(objects, camera, random);
      if (!object) break;
      objects.push(object);
    }
    const scene: Scene = { camera, lamps: { key, fill, back }, objects };
    if (objects.length === count && visibleRays(scene, LOOK).every((rays) => rays >= LEAST_SEEN)) return scene;
  }
  throw new RangeError(`There is no room for ${count} objects in a scene (${SCENES} tries): ask for fewer.`);
}

/** The scene of one image; it depends on the arguments alone. The count is uniform in the range. */
export function sceneOf(
  key: { seed: number; split: number; index: number },
  [least, most]: readonly [number, number],
): Scene {
  const random = randomStream(key.seed, SCENE_STREAM, key.split, key.index);
  return drawScene(least + random.integer(most - least + 1), random);
}
