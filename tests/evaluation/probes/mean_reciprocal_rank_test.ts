import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { encoderShapes, predictorShapes } from "../../../lib/jepa/architectures.ts";
import {
  chanceReciprocalRank,
  meanReciprocalRank,
  reciprocalRanks,
} from "../../../lib/evaluation/probes/mean_reciprocal_rank.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

Deno.test("meanReciprocalRank() is the mean of 1 / rank of what lies on the diagonal", () => {
  // The first prediction's own version is the nearest, the second's is the third, the third's the second.
  assertAlmostEquals(meanReciprocalRank([1, 2, 3, 4, 6, 5, 2, 9, 3]), (1 + 1 / 3 + 1 / 2) / 3, 1e-12);
  assertEquals(meanReciprocalRank([7]), 1);
  // Of two others as far away, half count as nearer: rank 2.
  assertAlmostEquals(meanReciprocalRank([1, 1, 1, 0, 0, 0, 5, 5, 5]), 1 / 2, 1e-12);
  assertThrows(() => meanReciprocalRank([1, 2]), RangeError, "2 distances");
});

Deno.test("chanceReciprocalRank() is the mean of 1 / r, which is what shuffled distances come to", () => {
  assertAlmostEquals(chanceReciprocalRank(4), (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 1e-12);
  assertAlmostEquals(chanceReciprocalRank(256), 0.0239, 5e-5); // H(256) = 6.1243
  const random = randomStream(0), draws = 400;
  let sum = 0;
  for (let i = 0; i < draws; i++) sum += meanReciprocalRank(Float64Array.from({ length: 256 }, () => random.uniform()));
  assertAlmostEquals(sum / draws, chanceReciprocalRank(16), 0.01);
});

const size = { image: 16, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 };
const narrow = { width: 12, depth: 1, heads: 2, conditions: 7 };
const noise = randomStream(5);
const images = memoryDataset({
  name: "noise",
  classes: ["only"],
  pixels: Uint8Array.from({ length: 3 * 16 * 16 * 3 }, () => noise.integer(256)),
  width: 16,
  height: 16,
  labels: new Int32Array(3),
});
const range = {
  crop: { scale: [0.3, 1] as [number, number], aspect: [0.75, 4 / 3] as [number, number] },
  jitter: { brightness: 0.4, contrast: 0.4, saturation: 0.4 },
};

Deno.test("reciprocalRanks() of a predictor that says the same of every version is chance, to the last place", async () => {
  const parameters = initialise(encoderShapes(size), 0, "xavier");
  const predictor = initialise(predictorShapes({ ...size, predictor: narrow }), 0);
  // Not 0: all versions are as far from that, for their tokens are layer-normed.
  const said = tf.tensor1d(Float32Array.from({ length: 16 }, () => noise.normal()));
  const mute = { ...predictor, "predictor_proj.weight": tf.zeros([16, 12]), "predictor_proj.bias": said };
  const model = { size, parameters, preprocessing: defaultPreprocessing(16) };
  const options = { versions: 12, range, seed: 0 }, told: number[] = [];
  const chance = await reciprocalRanks({ ...model, predictor: { size: narrow, parameters: mute } }, images, {
    ...options,
    onProgress: (done) => void told.push(done),
  });
  assertAlmostEquals(chance, chanceReciprocalRank(12), 1e-9);
  assertEquals(told, [1, 2, 3]);
  const random = await reciprocalRanks(
    { ...model, predictor: { size: narrow, parameters: predictor } },
    images,
    options,
  );
  assert(random > 1 / 12 && random < 0.6, `${random}`);
  tf.dispose([parameters, predictor, mute]);
});

Deno.test("reciprocalRanks() of one version is 1", async () => {
  const parameters = initialise(encoderShapes(size), 0, "xavier");
  const predictor = initialise(predictorShapes({ ...size, predictor: narrow }), 0);
  const model = { size, parameters, predictor: { size: narrow, parameters: predictor } };
  const options = { versions: 1, range, seed: 0 };
  assertEquals(await reciprocalRanks({ ...model, preprocessing: defaultPreprocessing(16) }, images, options), 1);
  tf.dispose([parameters, predictor]);
});
