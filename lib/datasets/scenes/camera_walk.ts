/**
 * Still scenes around which the camera is turned by actions: from each picture to the next, one action, exactly.
 *
 * Poses become places by sines and cosines, whose last bit may differ between machines; all else is as in other scenes.
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import { type Camera, cameraAt } from "./camera.ts";
import { framesOf } from "./moving_scene.ts";
import { drawScene, type Scene } from "./scene.ts";

/** Where a camera stands that looks at the origin; angles in degrees. */
export interface CameraPose {
  /** Around the vertical axis, from the x axis towards the y axis; not cut off at a whole turn. */
  azimuth: number;
  /** Above the floor. */
  elevation: number;
  /** From the origin, which no action changes. */
  distance: number;
}

/** A turn of the camera, in degrees, its length at most GREATEST_TURN. */
export type CameraAction = readonly [azimuth: number, elevation: number];

/** The longest action, the root of both angles' squares, in degrees. */
export const GREATEST_TURN = 15;

/** Where the camera stops, in degrees above the floor. */
export const LOWEST = 10, HIGHEST = 65;

/** Between which a walk begins, in degrees and CLEVR's unit: around where CLEVR's camera stands. */
const BEGUN = { azimuth: [-80, 0], elevation: [20, 45], distance: [10.8, 11.8] } as const;

/** Begins the keys of the walks' random streams; -3 .. -5 are other scenes'. */
const WALK_STREAM = -8;

const DEGREE = Math.PI / 180;

/** The pose of a camera. */
export function poseOf({ position: [x, y, z] }: Pick<Camera, "position">): CameraPose {
  const distance = Math.hypot(x, y, z);
  return { azimuth: Math.atan2(y, x) / DEGREE, elevation: Math.asin(z / distance) / DEGREE, distance };
}

/** The camera that stands so. */
export function cameraOf({ azimuth, elevation, distance }: CameraPose): Camera {
  const along = distance * Math.cos(elevation * DEGREE); // on the floor
  return cameraAt([
    along * Math.cos(azimuth * DEGREE),
    along * Math.sin(azimuth * DEGREE),
    distance * Math.sin(elevation * DEGREE),
  ]);
}

/**
 * The pose after an action; the elevation stops at LOWEST and HIGHEST, and the azimuth goes on.
 *
 * @throws RangeError where the action is longer than GREATEST_TURN, or is not two numbers
 */
export function turnCamera({ azimuth, elevation, distance }: CameraPose, [around, up]: CameraAction): CameraPose {
  const length = Math.hypot(around, up);
  if (!(length <= GREATEST_TURN * (1 + 1e-6))) {
    throw new RangeError(
      `An action turns the camera by at most ${GREATEST_TURN} degrees, azimuth and elevation together; got ` +
        `[${around}, ${up}], which has a length of ${length}.`,
    );
  }
  return { azimuth: azimuth + around, elevation: Math.min(Math.max(elevation + up, LOWEST), HIGHEST), distance };
}

/** How far apart two poses of one distance are, in degrees, as actions are long. */
export function turnBetween(a: CameraPose, b: CameraPose): number {
  return Math.hypot(a.azimuth - b.azimuth, a.elevation - b.elevation);
}

const between = (low: number, high: number, random: Random) => low + (high - low) * random.uniform();

/** An action uniform in the disc of those that are allowed, that stops at neither end. Its numbers are float32's. */
function drawAction({ elevation }: CameraPose, random: Random): CameraAction {
  for (;;) {
    const around = Math.fround(between(-GREATEST_TURN, GREATEST_TURN, random));
    const up = Math.fround(between(-GREATEST_TURN, GREATEST_TURN, random));
    const reached = elevation + up;
    if (Math.hypot(around, up) <= GREATEST_TURN && reached >= LOWEST && reached <= HIGHEST) return [around, up];
  }
}

/** Which walks to draw. */
export interface CameraWalkOptions {
  /** Pictures of a walk, T. */
  frames: number;
  /** Least and greatest number of solids. Default [2, 4]. */
  objects?: readonly [number, number];
}

/** The way of a camera. */
export interface CameraWay {
  /** Where it stands in each picture, [T]. */
  poses: readonly CameraPose[];
  /** What turned it from each to the next, [T-1]. */
  actions: readonly CameraAction[];
}

/** A still scene with a camera that is turned. */
export interface CameraWalk extends CameraWay {
  /** The scene as each picture shows it, [T]: the same solids with their depths there. */
  frames: readonly Scene[];
}

/** What a walk follows from. */
export interface WalkKey {
  /** Of all of them. */
  seed: number;
  /** Which set it is of. */
  split: number;
  /** Its place in the set. */
  index: number;
}

/** A scene as a camera in each of these poses sees it. */
export function seenFrom(scene: Scene, poses: readonly CameraPose[]): Scene[] {
  const places = scene.objects.flatMap(({ x, y }) => [x, y]);
  const positions = Float64Array.from(poses.flatMap(() => places)); // [T, n, 2]
  return framesOf(scene, poses.map(cameraOf), { positions });
}

/** The camera's way in one walk, by the arguments alone; it takes no drawing of the scene. */
export function cameraWayOf({ seed, split, index }: WalkKey, frames: number): CameraWay {
  const random = randomStream(seed, WALK_STREAM, split, index);
  const poses: CameraPose[] = [{
    azimuth: between(...BEGUN.azimuth, random),
    elevation: between(...BEGUN.elevation, random),
    distance: between(...BEGUN.distance, random),
  }];
  const actions: CameraAction[] = [];
  for (let t = 1; t < frames; t++) {
    const action = drawAction(poses[t - 1], random);
    actions.push(action);
    poses.push(turnCamera(poses[t - 1], action));
  }
  return { poses, actions };
}

/**
 * One walk, by the arguments alone.
 *
 * @throws RangeError where so many solids have no room
 */
export function cameraWalkOf(key: WalkKey, { frames, objects: [least, most] = [2, 4] }: CameraWalkOptions): CameraWalk {
  const random = randomStream(key.seed, WALK_STREAM, key.split, key.index, 1), way = cameraWayOf(key, frames);
  const scene = drawScene(least + random.integer(most - least + 1), random);
  return { frames: seenFrom(scene, way.poses), ...way };
}
