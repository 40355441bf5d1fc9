import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { renderFrames } from "../../../lib/datasets/clips/scene_clips.ts";
import { twinScenes } from "../../../lib/datasets/scenes/violations.ts";
import { clipNetworks, encoderClips, pixelClips, stillClips } from "../../../lib/evaluation/video/clip_subjects.ts";
import {
  matchedSet,
  pairwiseAccuracy,
  renderSets,
  setAccuracy,
  surprise,
} from "../../../lib/evaluation/video/surprise.ts";
import { encoderShapes, predictorShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { videoPreset } from "../../../lib/video/presets.ts";

Deno.test("twin scenes differ in one solid in every frame: it is missing, or as far away from its place all the time", () => {
  let moved = 0;
  for (let index = 0; index < 5; index++) {
    const key = { seed: 0, split: 2, index }, [all, fewer] = twinScenes("existence", key, { frames: 4 })!;
    all.forEach(({ objects }, t) => {
      assertEquals(fewer[t].objects.length, objects.length - 1);
      for (const object of fewer[t].objects) assert(objects.includes(object));
    });
    const [here, elsewhere] = twinScenes("place", key, { frames: 4 }) ?? [];
    if (!here || !elsewhere) continue;
    const ways = here.map(({ objects }, t) => {
      const far = objects.map((o, i) => Math.hypot(o.x - elsewhere[t].objects[i].x, o.y - elsewhere[t].objects[i].y));
      assertEquals(far.filter((way) => way > 1e-9).length, 1);
      return Math.max(...far);
    });
    for (const way of ways) assertAlmostEquals(way, ways[0], 1e-9);
    assert(ways[0] >= 2);
    moved++;
  }
  assert(moved > 0);
});

Deno.test("pairwise accuracy counts pairs whose impossible clip surprises more, and ties by half", () => {
  assertEquals(pairwiseAccuracy([[1, 2], [2, 1], [1, 1], [0, 3]]), 62.5);
});

Deno.test("sets weigh both impossible clips against both possible ones, so that a half that is hard by itself counts on both sides", () => {
  const sets = [
    { possible: [5, 1], impossible: [1.5, 5.5] }, // 1.5 < 5, but 7 > 6
    { possible: [1, 1], impossible: [1, 0.5] },
  ] as const;
  assertEquals(setAccuracy(sets), 50);
});

Deno.test("a matched set exchanges the second halves, and rendered ones are the frames of twin scenes", () => {
  const { possible, impossible } = matchedSet(Uint8Array.of(1, 2), Uint8Array.of(3, 4));
  assertEquals([...possible, ...impossible].map((clip) => [...clip]), [[1, 2], [3, 4], [1, 4], [3, 2]]);
  const [set] = renderSets("existence", { frames: 4, image: 8 }, 1, 3);
  const twins = twinScenes("existence", { seed: 3, split: 2, index: 0 }, { frames: 4 })!;
  assertEquals(set.possible, [renderFrames(twins[0], 8), renderFrames(twins[1], 8)]);
});

const architecture = {
  ...videoPreset("vjepa-scenes").architecture,
  ...{ image: 8, patch: 4, frames: 4, tubelet: 2, width: 12, depth: 1, heads: 2 },
  predictor: { width: 12, depth: 1, heads: 2, maskTokens: 1 },
};
const bytes = 4 * 8 * 8 * 3;

/** Two clips: a grey that stays, and one that goes over to another grey in the second half. */
const clips = new Uint8Array(2 * bytes).fill(51).fill(102, 1.5 * bytes);

Deno.test("pixels are surprised by how much the second half differs from the last frame before", async () => {
  const pixels = pixelClips(architecture), predicted = await pixels.predicted(clips), came = await pixels.came(clips);
  const half = came.length / 2, second = came.subarray(half);
  assertEquals(half, bytes / 2);
  assertAlmostEquals(surprise(predicted.subarray(0, half), came.subarray(0, half)), 0, 1e-6);
  assertAlmostEquals(surprise(predicted.subarray(half), second), 51 / 255, 1e-6);
  const black = await pixels.predicted(new Uint8Array(bytes)); // another beginning
  assertAlmostEquals(surprise(black, second), 102 / 255, 1e-6);
  await assertRejects(
    () => pixels.tokens(clips.subarray(1)),
    RangeError,
    `${2 * bytes - 1} bytes are no clips of 4 frames`,
  );
  pixels.dispose();
});

Deno.test("an encoder whose predictor says 0 of everything is surprised by the mean of |z| of a layer-normed token", async () => {
  const encoder = initialise(encoderShapes(architecture), 0, "xavier", true, 2);
  const predictor = initialise(predictorShapes(architecture), 0, "xavier", true, 2);
  tf.dispose(predictor["predictor_proj.weight"]);
  predictor["predictor_proj.weight"] = tf.zeros([12, 12]);
  const model = { encoder, predictor }, run = clipNetworks(architecture);
  const subjects = [
    encoderClips("encoder", model, run),
    stillClips(model, run),
  ];
  const tokens = await subjects[0].tokens(clips),
    expected = [0, 1].map((clip) => {
      let sum = 0;
      for (let token = 4; token < 8; token++) { // of the second half
        const own = [...tokens.subarray((clip * 8 + token) * 12, (clip * 8 + token + 1) * 12)];
        const mean = own.reduce((a, b) => a + b) / 12, variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / 12;
        sum += own.reduce((a, b) => a + Math.abs(b - mean) / Math.sqrt(variance + 1e-5), 0) / 12;
      }
      return sum / 4;
    });
  for (const subject of subjects) {
    const predicted = await subject.predicted(clips), came = await subject.came(clips), size = 4 * 12;
    assertEquals(came.length, 2 * size);
    expected.forEach((value, clip) => {
      const own = [predicted, came].map((all) => all.subarray(clip * size, (clip + 1) * size));
      assertAlmostEquals(surprise(own[0], own[1]), value, 1e-4);
    });
    subject.dispose();
  }
  run.dispose();
  tf.dispose([encoder, predictor]);
});
