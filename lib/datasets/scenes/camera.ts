/**
 * The camera of a scene: it stands where CLEVR's does. Its image is square where CLEVR's is 4:3, so its lens is a little
 * longer: a focal length of 40 over a sensor of 32, where CLEVR has 35.
 *
 * @module
 */

/** A point or a direction, z upwards. */
export type Vector = readonly [number, number, number];

/** Where it stands and how it is turned; it looks at the origin. */
export interface Camera {
  /** Where it stands. */
  position: Vector;
  /** To the image's right, of length 1, as the other two directions. */
  right: Vector;
  /** To the image's top. */
  up: Vector;
  /** Into the image: the optical axis. */
  forward: Vector;
}

/** Half the image's width over its distance from the eye. */
export const HALF_WIDTH = 16 / 40;

const scaled = ([x, y, z]: Vector): Vector => {
  const length = Math.sqrt(x * x + y * y + z * z);
  return [x / length, y / length, z / length];
};

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** A camera that looks from `position` at the origin, upright; it must not stand on the vertical axis. */
export function cameraAt(position: Vector): Camera {
  const forward = scaled([-position[0], -position[1], -position[2]]);
  const right = scaled([forward[1], -forward[0], 0]); // forward x the vertical
  return { position, right, up: cross(right, forward), forward };
}

/** Depth of a point: its distance from the camera along the optical axis, CLEVR's `pixel_coords[2]`. */
export function depthOf({ position, forward }: Camera, [x, y, z]: Vector): number {
  return (x - position[0]) * forward[0] + (y - position[1]) * forward[1] + (z - position[2]) * forward[2];
}

/**
 * Where a point is seen: [column, row], as shares of the image's width and height from its upper left corner, both in
 * 0 .. 1 where it is inside. The point must lie before the camera.
 */
export function project(camera: Camera, point: Vector): [number, number] {
  const { position, right, up } = camera, depth = depthOf(camera, point);
  const along = (axis: Vector) => point.reduce((sum, value, i) => sum + (value - position[i]) * axis[i], 0) / depth;
  return [(1 + along(right) / HALF_WIDTH) / 2, (1 - along(up) / HALF_WIDTH) / 2];
}

/**
 * The direction, of length 1, of the ray through a place of the image: the inverse of project(). The ray's length times
 * the share along `forward` is its end's depth.
 *
 * @param column share of the width, from the left
 * @param row share of the height, from the top
 * @param out [3], is written
 */
export function rayThrough({ right, up, forward }: Camera, column: number, row: number, out: Float64Array): void {
  const u = (2 * column - 1) * HALF_WIDTH, v = (1 - 2 * row) * HALF_WIDTH;
  const scale = 1 / Math.sqrt(1 + u * u + v * v); // the axes are perpendicular
  out[0] = (forward[0] + u * right[0] + v * up[0]) * scale;
  out[1] = (forward[1] + u * right[1] + v * up[1]) * scale;
  out[2] = (forward[2] + u * right[2] + v * up[2]) * scale;
}
