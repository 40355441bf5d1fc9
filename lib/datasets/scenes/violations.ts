/**
 * What cannot happen: scenes in motion that break a law from their middle on. Each law comes with two scenes that differ in
 * one solid, so that what is possible and what is not hold the same halves, and neither is told by what is easy to predict:
 * IntPhys' matched sets (Riochet et al. 2018, arXiv 1803.07616).
 *
 * @module
 */
import { type Random, randomStream } from "../../random.ts";
import { FENCE, framesOf, type MotionOptions, type MovingScene, movingSceneOf } from "./moving_scene.ts";
import type { Scene } from "./scene.ts";

/** The laws: a solid goes on existing (else it vanishes, or appears), and is where its way leads it (else it jumps). */
export const LAWS = ["existence", "place"] as const;

/** What is broken. */
export type Law = (typeof LAWS)[number];

/** How far a solid jumps at least, in the scenes' unit. */
const JUMP = 2;

/** A frame without one of its solids. */
const without = (scene: Scene, solid: number): Scene => ({
  ...scene,
  objects: scene.objects.filter((_, i) => i !== solid),
});

/** Where a solid could be instead, in the fence, clear of the others in every frame; as a displacement. */
function jumpOf({ frames, begun }: MovingScene, solid: number, random: Random): [number, number] | undefined {
  for (let tries = 0; tries < 200; tries++) {
    const dx = 8 * random.uniform() - 4, dy = 8 * random.uniform() - 4;
    if (Math.hypot(dx, dy) < JUMP) continue;
    const clear = frames.every(({ objects }) => {
      const x = objects[solid].x + dx, y = objects[solid].y + dy, { radius } = begun[solid];
      if (Math.hypot(x, y) + radius > FENCE) return false;
      return objects.every((o, i) => i === solid || Math.hypot(o.x - x, o.y - y) > radius + begun[i].radius);
    });
    if (clear) return [dx, dy];
  }
}

/**
 * The frames of two scenes, [T] each, that differ in one solid alone, by the arguments alone. For "existence" the second is
 * without it; for "place" it goes the same way elsewhere, which is undefined where there is no room.
 *
 * Each goes on as it began; one that goes on as the other, from any frame on, breaks the law: the solid vanishes, appears or
 * jumps.
 */
export function twinScenes(
  law: Law,
  key: { seed: number; split: number; index: number },
  options: MotionOptions,
): readonly [readonly Scene[], readonly Scene[]] | undefined {
  const whole = movingSceneOf(key, options), { frames, begun, motion } = whole;
  const random = randomStream(key.seed, -5, key.split, key.index), solid = random.integer(begun.length);
  if (law === "existence") return [frames, frames.map((scene) => without(scene, solid))];
  const jump = jumpOf(whole, solid, random);
  if (!jump) return undefined;
  const positions = motion.positions.slice();
  for (let t = 0; t < frames.length; t++) {
    positions[(t * begun.length + solid) * 2] += jump[0];
    positions[(t * begun.length + solid) * 2 + 1] += jump[1];
  }
  return [frames, framesOf(frames[0], frames.map(({ camera }) => camera), { positions })];
}
