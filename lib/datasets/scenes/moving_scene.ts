/**
 * Scenes in motion: drawn as scenes are, with a velocity for each solid and, where it is wanted, for the camera. What is true
 * of each frame is known exactly.
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import { type Camera, cameraAt, depthOf } from "./camera.ts";
import { type Motion, move, type Mover } from "./motion.ts";
import { drawScene, type Scene, type SceneObject } from "./scene.ts";
import { reach } from "./solids.ts";

/** Radius of the fence around the floor: what is inside it is in the picture. */
export const FENCE = 3.8;

/** How far a solid goes in a frame, at least and at most. */
const SPEED = [0.05, 0.4] as const;

/** How far a moving camera goes along each axis over a whole clip, at most. */
const CAMERA_WAY = 1.5;

/** Begins the keys of the streams that scenes in motion are drawn from. */
const MOTION_STREAM = -4;

/** Scenes drawn before it is said that there is no room. */
const TRIES = 1000;

/** Which scenes in motion to draw. */
export interface MotionOptions {
  /** Frames of a clip, T. */
  frames: number;
  /** Least and greatest number of solids. Default [2, 4]. */
  objects?: readonly [number, number];
  /** Whether the camera moves, in a straight line, and keeps looking at the middle. Default false. */
  cameraMoves?: boolean;
}

/** A scene in motion. */
export interface MovingScene {
  /** The scene of each frame, with every solid's place and depth, [T]. */
  frames: readonly Scene[];
  /** How the solids begin. */
  begun: readonly Mover[];
  /** Where they go, and when they meet. */
  motion: Motion;
}

const between = (low: number, high: number, random: Random) => low + (high - low) * random.uniform();

/** A velocity whose direction is uniform. */
function velocity(random: Random): [number, number] {
  for (;;) {
    const x = between(-1, 1, random), y = between(-1, 1, random), square = x * x + y * y;
    if (square > 1 || square < 0.01) continue;
    const speed = between(...SPEED, random) / Math.sqrt(square);
    return [speed * x, speed * y];
  }
}

/** A solid as it begins to move: its mass is its size's cube. */
export function moverOf(object: SceneObject, [vx, vy]: readonly [number, number]): Mover {
  return { x: object.x, y: object.y, vx, vy, radius: reach(object), mass: object.half ** 3 };
}

/** A still scene's frames, in which the solids and the camera have gone their ways. */
export function framesOf(
  { lamps, objects }: Scene,
  cameras: readonly Camera[],
  { positions }: Pick<Motion, "positions">,
): Scene[] {
  return cameras.map((camera, t) => ({
    camera,
    lamps,
    objects: objects.map((object, i) => {
      const [x, y] = positions.subarray((t * objects.length + i) * 2);
      return { ...object, x, y, depth: depthOf(camera, [x, y, object.z]) };
    }),
  }));
}

/**
 * The scene in motion of one clip, by the arguments alone.
 *
 * @throws RangeError where so many solids have no room inside the fence
 */
export function movingSceneOf(
  key: { seed: number; split: number; index: number },
  { frames, objects: [least, most] = [2, 4], cameraMoves = false }: MotionOptions,
): MovingScene {
  const random = randomStream(key.seed, MOTION_STREAM, key.split, key.index);
  const count = least + random.integer(most - least + 1);
  for (let i = 0; i < TRIES; i++) {
    const scene = drawScene(count, random), begun = scene.objects.map((object) => moverOf(object, velocity(random)));
    if (begun.some(({ x, y, radius }) => Math.sqrt(x * x + y * y) + radius > FENCE)) continue;
    const from = scene.camera.position;
    const way = from.map(() => cameraMoves ? between(-CAMERA_WAY, CAMERA_WAY, random) : 0);
    const cameras = Array.from({ length: frames }, (_, t) => {
      const share = frames > 1 ? t / (frames - 1) : 0;
      return cameraAt([from[0] + share * way[0], from[1] + share * way[1], from[2] + share * way[2]]);
    });
    const motion = move(begun, frames, FENCE);
    return { frames: framesOf(scene, cameras, motion), begun, motion };
  }
  throw new RangeError(`There is no room for ${count} solids inside the fence (${TRIES} tries): ask for fewer.`);
}
