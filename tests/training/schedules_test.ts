/** @module Tests of lib/training/schedules.ts. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { cosine, linear, runSchedules, warmupCosine } from "../../lib/training/schedules.ts";

Deno.test("linear() is a straight line that stays at its ends", () => {
  const momentum = linear({ start: 0.996, final: 1, totalSteps: 400 });
  assertEquals([momentum(0), momentum(400), momentum(500), momentum(-1)], [0.996, 1, 1, 0.996]);
  for (let k = 0; k <= 400; k++) assertAlmostEquals(momentum(k), 0.996 + k * (1 - 0.996) / 400, 1e-12);
});

Deno.test("cosine() follows its closed form upwards and downwards", () => {
  for (const [start, final] of [[0.04, 0.4], [1e-3, 1e-6]]) {
    const schedule = cosine({ start, final, totalSteps: 100 });
    assertAlmostEquals(schedule(0), start, 1e-12);
    assertAlmostEquals(schedule(50), (start + final) / 2, 1e-12);
    assertEquals([schedule(100), schedule(101)], [final, final]);
    // 1/2 (1 + cos x) = cos^2(x / 2)
    for (let k = 0; k <= 100; k++) {
      assertAlmostEquals(schedule(k), final + (start - final) * Math.cos(Math.PI * k / 200) ** 2, 1e-12);
    }
  }
});

Deno.test("warmupCosine() rises linearly, meets its peak without a jump and falls to its end", () => {
  const rate = warmupCosine({ start: 1e-4, peak: 1e-3, final: 1e-6, warmupSteps: 15, totalSteps: 300 });
  assertAlmostEquals(rate(0), 1e-4, 1e-15);
  assertAlmostEquals(rate(5), 4e-4, 1e-15);
  assertAlmostEquals(rate(15), 1e-3, 1e-15);
  assertAlmostEquals(rate(15 - 1e-9), rate(15), 1e-12);
  assertAlmostEquals(rate(15 + 285 / 2), (1e-3 + 1e-6) / 2, 1e-15);
  assertAlmostEquals(rate(300), 1e-6, 1e-15);
  assertAlmostEquals(rate(310), 1e-6, 1e-15);
  for (let k = 0; k < 300; k++) assert(k < 15 ? rate(k + 1) > rate(k) : rate(k + 1) < rate(k), `step ${k}`);
});

Deno.test("warmupCosine() without warm-up starts at its peak", () => {
  const rate = warmupCosine({ start: 0, peak: 1, final: 0, warmupSteps: 0, totalSteps: 10 });
  assertEquals(rate(0), 1);
  assertAlmostEquals(rate(1), (1 + Math.cos(Math.PI / 10)) / 2, 1e-15);
});

Deno.test("every schedule stays between its least and its greatest value", () => {
  const value = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(value, value, value, fc.integer({ min: -5, max: 120 }), (start, peak, final, step) => {
    const schedules = [
      linear({ start, final, totalSteps: 100 }),
      cosine({ start, final, totalSteps: 100 }),
      warmupCosine({ start, peak, final, warmupSteps: 30, totalSteps: 100 }),
    ];
    const values = [start, peak, final];
    schedules.forEach((schedule, i) => {
      const ends = i < 2 ? [start, final] : values;
      assert(schedule(step) >= Math.min(...ends) - 1e-12 && schedule(step) <= Math.max(...ends) + 1e-12);
    });
  }));
});

Deno.test("the schedules refuse impossible lengths", () => {
  const ramp = { start: 0, final: 1, totalSteps: 0 };
  assertThrows(() => linear(ramp), RangeError, "needs a positive number of steps; got totalSteps = 0");
  assertThrows(() => cosine(ramp), RangeError, "needs a positive number of steps");
  assertThrows(
    () => warmupCosine({ ...ramp, peak: 1, warmupSteps: 10, totalSteps: 10 }),
    RangeError,
    "got 10 warm-up steps of 10 in all",
  );
});

Deno.test("a run's weight decay is the authors' cosine, or the paper's line where it is asked for", () => {
  const learningRate = { start: 0, peak: 1, final: 0, warmup: 0 }, ends = { start: 0.04, final: 0.4 };
  const at = (weightDecay: typeof ends & { shape?: "cosine" | "linear" }) =>
    runSchedules({ learningRate, weightDecay }, 4)(0).weightDecay; // the first of four updates
  const quarter = 0.04 + 0.36 * Math.sin(Math.PI / 8) ** 2;
  assertAlmostEquals(at(ends), quarter, 1e-12);
  assertAlmostEquals(at({ ...ends, shape: "cosine" }), quarter, 1e-12);
  assertAlmostEquals(at({ ...ends, shape: "linear" }), 0.13, 1e-12);
});
