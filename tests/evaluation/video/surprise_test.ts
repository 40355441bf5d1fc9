import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { renderFrames } from "../../../lib/datasets/clips/scene_clips.ts";
import { violationPair, VIOLATIONS } from "../../../lib/datasets/scenes/violations.ts";
import { encoderClips, pixelClips, stillClips } from "../../../lib/evaluation/video/clip_subjects.ts";
import { pairwiseAccuracy, renderPairs } from "../../../lib/evaluation/video/surprise.ts";
import { encoderShapes, predictorShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { videoPreset } from "../../../lib/video/presets.ts";

Deno.test("pairs are alike until the violation, and differ after it in one solid, by what is broken", () => {
  let jumps = 0;
  for (const kind of VIOLATIONS) {
    for (let index = 0; index < 5; index++) {
      const pair = violationPair(kind, { seed: 0, split: 2, index }, { frames: 6, frame: 3 });
      if (!pair) continue;
      const { possible, impossible } = pair;
      assertEquals(impossible.slice(0, 3), possible.slice(0, 3));
      for (let t = 3; t < 6; t++) {
        const [a, b] = [possible[t].objects, impossible[t].objects];
        assertEquals(b.length - a.length, { vanish: -1, appear: 1, jump: 0 }[kind]);
        if (kind !== "jump") continue;
        const moved = a.map((o, i) => Math.hypot(o.x - b[i].x, o.y - b[i].y)).filter((far) => far > 1e-9);
        assertEquals(moved.length, 1);
        assert(moved[0] >= 2 - 1e-9);
        jumps++;
      }
    }
  }
  assert(jumps > 0);
});

Deno.test("pairwise accuracy counts pairs whose impossible clip surprises more, and ties by half", () => {
  assertEquals(pairwiseAccuracy([[1, 2], [2, 1], [1, 1], [0, 3]]), 62.5);
});

Deno.test("rendered pairs are the frames of a pair, one after another", () => {
  const [[possible, impossible]] = renderPairs("vanish", { frames: 4, image: 8 }, 1, 3);
  const pair = violationPair("vanish", { seed: 3, split: 2, index: 0 }, { frames: 4, frame: 2 })!;
  assertEquals(possible, renderFrames(pair.possible, 8));
  assertEquals(impossible, renderFrames(pair.impossible, 8));
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
  const pixels = pixelClips(architecture), values = await pixels.surprise(clips);
  assertAlmostEquals(values[0], 0, 1e-6);
  assertAlmostEquals(values[1], 51 / 255, 1e-6);
  pixels.dispose();
});

Deno.test("an encoder whose predictor says 0 of everything is surprised by the mean of |z| of a layer-normed token", async () => {
  const encoder = initialise(encoderShapes(architecture), 0, "xavier", true, 2);
  const predictor = initialise(predictorShapes(architecture), 0, "xavier", true, 2);
  tf.dispose(predictor["predictor_proj.weight"]);
  predictor["predictor_proj.weight"] = tf.zeros([12, 12]);
  const subjects = [
    encoderClips("encoder", { encoder, predictor }, architecture),
    stillClips({ encoder, predictor }, architecture),
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
    const values = await subject.surprise(clips);
    expected.forEach((value, clip) => assertAlmostEquals(values[clip], value, 1e-4));
    subject.dispose();
  }
  tf.dispose([encoder, predictor]);
});
