/**
 * What is true of the solids in clips of scenes, at the tokens in which they are seen: what a probe is to read from there.
 *
 * @module
 */
import { project, rayThrough } from "../../datasets/scenes/camera.ts";
import type { MovingScene } from "../../datasets/scenes/moving_scene.ts";
import { nearest, type Scene } from "../../datasets/scenes/scene.ts";
import { tokenGrid } from "../../jepa/architectures.ts";
import { mean } from "../../statistics.ts";
import type { VideoArchitecture } from "../../video/presets.ts";

/** A solid in a tubelet, at the token in which its centre is seen. */
export interface SeenSolid {
  /** The token's place among the clip's. */
  token: number;
  /** Of the solid's centre on the floor, x and y, in the scenes' unit; the mean over the tubelet's frames, as the others. */
  position: readonly [number, number];
  /** Units a frame along x and y. */
  velocity: readonly [number, number];
  /** Distance of the centre from the camera along the optical axis. */
  depth: number;
}

/** Whether the ray towards a solid's centre meets no other solid before it. */
function isSeen({ camera, objects }: Scene, solid: number): boolean {
  const { x, y, z } = objects[solid], direction = new Float64Array(3), distance = new Float64Array(1);
  rayThrough(camera, ...project(camera, [x, y, z]), direction);
  const [from, to] = [camera.position, direction];
  return nearest(objects, from[0], from[1], from[2], to[0], to[1], to[2], distance) === solid;
}

/** The solids of a clip in each tubelet in which they are seen from its first to its last frame, and inside the picture. */
export function seenSolids(
  { frames, begun, motion: { velocities } }: MovingScene,
  architecture: Pick<VideoArchitecture, "image" | "patch" | "frames" | "tubelet">,
): SeenSolid[] {
  const { tubelet } = architecture, [times, rows, columns] = tokenGrid(architecture), seen: SeenSolid[] = [];
  for (let time = 0; time < times; time++) {
    const places = Array.from({ length: tubelet }, (_, t) => time * tubelet + t);
    for (let solid = 0; solid < begun.length; solid++) {
      if (!places.every((place) => isSeen(frames[place], solid))) continue;
      const centres = places.map((place) => {
        const { x, y, z } = frames[place].objects[solid];
        return project(frames[place].camera, [x, y, z]);
      });
      const column = Math.floor(mean(centres.map(([across]) => across)) * columns);
      const row = Math.floor(mean(centres.map(([, down]) => down)) * rows);
      if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
      const solids = places.map((place) => frames[place].objects[solid]);
      const speed = (axis: number) =>
        mean(places.map((place) => velocities[(place * begun.length + solid) * 2 + axis]));
      seen.push({
        token: (time * rows + row) * columns + column,
        position: [mean(solids.map(({ x }) => x)), mean(solids.map(({ y }) => y))],
        velocity: [speed(0), speed(1)],
        depth: mean(solids.map(({ depth }) => depth)),
      });
    }
  }
  return seen;
}
