import "../../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { addNoise, ddimStep, guide, imageOf, velocity } from "../../../lib/decoding/diffusion/diffusion.ts";
import { alphaBars, samplingSteps } from "../../../lib/decoding/diffusion/noise_schedule.ts";
import { randomStream } from "../../../lib/random.ts";
import { type Tensor, tf } from "../../../lib/tensorflow/backend.ts";
import { largestDifference } from "../../training/reference/reference.ts";

const random = randomStream(3);
const uniform = () => tf.tensor3d(Float32Array.from({ length: 48 }, () => 2 * random.uniform() - 1), [2, 3, 8]);
const normal = () => tf.tensor3d(Float32Array.from({ length: 48 }, () => random.normal()), [2, 3, 8]);
const scalars = (values: number[]) => tf.tensor3d(values, [values.length, 1, 1]);

Deno.test("addNoise() mixes image and noise by the square roots of alpha-bar and the rest", () => {
  const noisy = addNoise(tf.fill([2, 1, 2], 10), tf.fill([2, 1, 2], 100), scalars([0.64, 0.36]));
  assertLess(largestDifference(noisy, [68, 68, 86, 86]), 1e-4);
});

Deno.test("addNoise() keeps the variance of what has variance 1", () => {
  const draw = () => tf.tensor3d(Float32Array.from({ length: 20000 }, () => random.normal()), [1, 1, 20000]);
  for (const left of [0.05, 0.5, 0.99]) {
    const noisy = addNoise(draw(), draw(), scalars([left]));
    assertAlmostEquals(tf.mean(tf.square(noisy)).dataSync()[0], 1, 0.05);
  }
});

Deno.test("imageOf() finds the image in what noise and velocity say, at any noise level", () => {
  for (const left of [1e-6, 0.3, 0.999]) {
    const image = uniform(), noise = normal(), alphaBar = scalars([left, left]);
    const found = imageOf(addNoise(image, noise, alphaBar), velocity(image, noise, alphaBar), alphaBar);
    assertLess(largestDifference(found, image.dataSync()), 1e-5, `${left}`);
  }
});

Deno.test("ddimStep() with exact predictions comes to the image, in one step and in many", () => {
  for (const schedule of ["cosine", "linear"] as const) {
    const left = alphaBars(schedule, 1000);
    for (const count of [1, 2, 10, 100]) {
      const image = uniform(), noise = normal(), places = samplingSteps(1000, count);
      let x: Tensor = addNoise(image, noise, tf.scalar(left[999]));
      places.forEach((t, i) => {
        const alphaBar = tf.scalar(left[t]), next = i + 1 < count ? left[places[i + 1]] : 1;
        x = ddimStep(x, velocity(image, noise, alphaBar), alphaBar, tf.scalar(next));
        // On the way it is the image with less of the very same noise.
        assertLess(largestDifference(x, addNoise(image, noise, tf.scalar(next)).dataSync()), 2e-4);
      });
      assertLess(largestDifference(x, image.dataSync()), 1e-4, `${schedule}, ${count} steps`);
    }
  }
});

Deno.test("ddimStep() holds the image within what pixels can be", () => {
  const x = ddimStep(tf.fill([1, 1, 2], 3), tf.tensor3d([-9, 9], [1, 1, 2]), tf.scalar(0.5), tf.scalar(1));
  assertEquals([...x.dataSync()], [1, -1]);
});

Deno.test("guide() of 1 is the conditional prediction, of 0 the unconditional, and beyond 1 lies further on", () => {
  const conditional = tf.tensor3d([4, 1], [1, 1, 2]), unconditional = tf.tensor3d([2, 2], [1, 1, 2]);
  const at = (scale: number) => [...guide(conditional, unconditional, tf.scalar(scale)).dataSync()];
  assertEquals(at(1), [4, 1]);
  assertEquals(at(0), [2, 2]);
  assertEquals(at(3), [8, -1]);
});
