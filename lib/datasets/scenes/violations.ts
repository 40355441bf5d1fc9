/**
 * What cannot happen: scenes in motion that break a law from one frame on, each beside one that does not and is the same until
 * then.
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import { FENCE, framesOf, type MotionOptions, type MovingScene, movingSceneOf } from "./moving_scene.ts";
import type { Scene } from "./scene.ts";

/** The laws: a solid goes on existing ("vanish", and "appear", which is the same backwards), and does not jump. */
export const VIOLATIONS = ["vanish", "appear", "jump"] as const;

/** What is broken. */
export type Violation = (typeof VIOLATIONS)[number];

/** Frames of the same scene, up to `frame` alike. */
export interface Pair {
  /** What can happen, [T]. */
  possible: readonly Scene[];
  /** What cannot, [T]. */
  impossible: readonly Scene[];
}

/** How far a solid jumps at least, in the scenes' unit. */
const JUMP = 2;

/** A frame without one of its solids. */
const without = (scene: Scene, solid: number): Scene => ({
  ...scene,
  objects: scene.objects.filter((_, i) => i !== solid),
});

/** Where a solid could be instead, in the fence, clear of the others in every frame from `frame` on; as a displacement. */
function jumpOf(
  { frames, begun }: MovingScene,
  solid: number,
  frame: number,
  random: Random,
): [number, number] | undefined {
  for (let tries = 0; tries < 200; tries++) {
    const dx = 8 * random.uniform() - 4, dy = 8 * random.uniform() - 4;
    if (Math.hypot(dx, dy) < JUMP) continue;
    const clear = frames.slice(frame).every(({ objects }) => {
      const x = objects[solid].x + dx, y = objects[solid].y + dy, { radius } = begun[solid];
      if (Math.hypot(x, y) + radius > FENCE) return false;
      return objects.every((o, i) => i === solid || Math.hypot(o.x - x, o.y - y) > radius + begun[i].radius);
    });
    if (clear) return [dx, dy];
  }
}

/**
 * A pair of one violation from frame `frame` on, by the arguments alone; undefined where a solid has no place to jump to.
 * "vanish" and "appear" are two halves of one test: what prefers fewer solids is right in one and wrong in the other.
 */
export function violationPair(
  kind: Violation,
  key: { seed: number; split: number; index: number },
  options: MotionOptions & { frame: number },
): Pair | undefined {
  const whole = movingSceneOf(key, options), { frames } = whole, { frame } = options;
  const random = randomStream(key.seed, -5, key.split, key.index), solid = random.integer(whole.begun.length);
  const gone = frames.map((scene) => without(scene, solid));
  const join = (
    before: readonly Scene[],
    after: readonly Scene[],
  ) => [...before.slice(0, frame), ...after.slice(frame)];
  if (kind === "vanish") return { possible: frames, impossible: join(frames, gone) };
  if (kind === "appear") return { possible: gone, impossible: join(gone, frames) };
  const jump = jumpOf(whole, solid, frame, random);
  if (!jump) return undefined;
  const moved = { ...whole.motion, positions: whole.motion.positions.slice() };
  for (let t = frame; t < frames.length; t++) {
    moved.positions[(t * whole.begun.length + solid) * 2] += jump[0];
    moved.positions[(t * whole.begun.length + solid) * 2 + 1] += jump[1];
  }
  return { possible: frames, impossible: join(frames, framesOf(frames[0], frames.map(({ camera }) => camera), moved)) };
}
