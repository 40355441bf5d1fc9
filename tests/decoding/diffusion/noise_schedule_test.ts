import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { alphaBars, samplingSteps } from "../../../lib/decoding/diffusion/noise_schedule.ts";
import fixture from "./fixtures/diffusion.json" with { type: "json" };

Deno.test("alphaBars() are the papers' at a thousand steps", () => {
  for (const name of ["linear", "cosine"] as const) {
    const left = alphaBars(name, 1000);
    fixture.places.forEach((t, i) => {
      const expected = fixture.alphaBars[name][i];
      assertAlmostEquals(left[t], expected, 1e-8 * expected + 1e-14, `${name} at ${t}`);
    });
  }
});

Deno.test("alphaBars() fall from nearly 1 to nearly 0, at any length", () => {
  for (const name of ["linear", "cosine"] as const) {
    for (const length of [21, 100, 1000, 4000]) {
      const left = alphaBars(name, length);
      assertEquals(left.length, length);
      assert(left[0] < 1 && left[length - 1] > 0);
      assert(left.every((x, t) => t === 0 || x < left[t - 1]), `${name} of ${length} falls`);
      assert(left[length - 1] < 1e-3, `${name} of ${length} ends at ${left[length - 1]}`);
    }
    assert(alphaBars(name, 1000)[0] > 0.9998);
  }
});

Deno.test("alphaBars() refuses lengths that are no schedule", () => {
  assertThrows(() => alphaBars("cosine", 1), RangeError, "at least 2 steps; got 1");
  assertThrows(() => alphaBars("linear", 20), RangeError, "at least 21 steps; got 20");
  assertThrows(() => alphaBars("cosine", 2.5), RangeError, "got 2.5");
});

Deno.test("samplingSteps() are evenly spread from the noisiest on", () => {
  assertEquals(samplingSteps(1000, 4), [999, 749, 499, 249]);
  assertEquals(samplingSteps(5, 5), [4, 3, 2, 1, 0]);
  assertEquals(samplingSteps(1000, 1), [999]);
  const steps = samplingSteps(1000, 77);
  assertEquals(new Set(steps).size, 77);
  for (const count of [0, 1001, 1.5]) assertThrows(() => samplingSteps(1000, count), RangeError, `got ${count}`);
});
