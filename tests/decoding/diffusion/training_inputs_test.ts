import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { alphaBars } from "../../../lib/decoding/diffusion/noise_schedule.ts";
import { pooledDraws } from "../../../lib/decoding/diffusion/training_inputs.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { POOLED } from "../toy.ts";

/** Draws of several steps as arrays, one after another. */
function drawn(config: typeof POOLED, steps: number[], side = 4, part = 0): Record<string, number[]> {
  const draw = pooledDraws(config, side), all: Record<string, number[]> = {};
  for (const step of steps) {
    const { seen, ...rest } = draw(config.batch, step, part);
    for (const [name, tensor] of Object.entries({ ...rest, ...seen })) {
      (all[name] ??= []).push(...tensor.dataSync());
      tf.dispose(tensor);
    }
  }
  return all;
}

Deno.test("pooledDraws() depend on seed, step and micro-batch alone", () => {
  assertEquals(drawn(POOLED, [7]), drawn(POOLED, [7]));
  const [noise, later, other] = [drawn(POOLED, [7]), drawn(POOLED, [8]), drawn({ ...POOLED, seed: 1 }, [7])];
  assert(noise.noise[0] !== later.noise[0] && noise.noise[0] !== other.noise[0]);
  assert(noise.noise[0] !== drawn(POOLED, [7], 4, 1).noise[0]);
});

Deno.test("pooledDraws() have the distributions that the configuration asks for", () => {
  const steps = Array.from({ length: 40 }, (_, i) => i), count = 40 * POOLED.batch; // 640
  const { time, alphaBar, kept, pooling, noise } = drawn(POOLED, steps);
  const left = alphaBars("cosine", 1000), mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  time.forEach((t, i) => assertAlmostEquals(alphaBar[i], left[t], 1e-6));
  assertAlmostEquals(mean(time), 499.5, 40);
  assert(time.every((t) => Number.isInteger(t) && t >= 0 && t <= 999));
  assertAlmostEquals(mean(kept), 0.9, 0.05);
  assertAlmostEquals(mean(noise), 0, 0.01);
  assertAlmostEquals(mean(noise.map((x) => x * x)), 1, 0.01);

  // A block of the 4 x 4 grid is 2 x 2 patches; else all 16 are averaged.
  const rows = Array.from({ length: count }, (_, i) => pooling.slice(i * 16, (i + 1) * 16));
  rows.forEach((row) => assertAlmostEquals(row.reduce((a, b) => a + b), 1, 1e-6));
  const seen = rows.map((row) => row.filter((x) => x > 0).length);
  assertEquals(new Set(seen), new Set([4, 16]));
  assertAlmostEquals(seen.filter((n) => n === 4).length / count, 0.2, 0.06);
});

Deno.test("pooledDraws() without blocks or without dropping have none, on any grid", () => {
  const { kept, pooling } = drawn({ ...POOLED, blocks: 0, unconditional: 0 }, [0, 1], 1);
  assert(kept.every((x) => x === 1) && pooling.every((x) => x === 1));
  assertThrows(() => pooledDraws({ ...POOLED, blocks: -0.1 }, 4), RangeError, "blocks is a share of the images");
});

Deno.test("pooledDraws() of predictions have the masks of pretraining, of one block each", () => {
  const config = { ...POOLED, of: "predictions", blocks: 0 } as const, side = 8, images = 40 * config.batch;
  const { context, targets, pooling } = drawn(config, Array.from({ length: 40 }, (_, i) => i), side);
  assertEquals(pooling, undefined);
  const [contextLength, targetLength] = [context.length / images, targets.length / images];
  assertEquals([contextLength, targetLength], [17, 12]); // 0.27 and 0.19 of 64
  const places = new Set<number>();
  for (let i = 0; i < images; i++) {
    const seen = new Set(context.slice(i * contextLength, (i + 1) * contextLength));
    const block = targets.slice(i * targetLength, (i + 1) * targetLength);
    assertEquals(seen.size, contextLength);
    assert(block.every((patch) => patch >= 0 && patch < 64 && !seen.has(patch)));
    const rows = new Set(block.map((patch) => patch >> 3)), columns = new Set(block.map((patch) => patch & 7));
    assertEquals(rows.size * columns.size, targetLength, "a rectangle");
    places.add(block[0]);
  }
  assert(places.size > 25, "anywhere");
});
