import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import "../tensorflow/loaded.ts";
import { loadCameraClips } from "../../lib/datasets/clips/camera_clips.ts";
import { measureCamera } from "../../lib/evaluation/planning/measure_camera.ts";
import { encoderShapes, type EncoderSize } from "../../lib/jepa/architectures.ts";
import { encode, tubelets } from "../../lib/jepa/encoder.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { normalise } from "../../lib/nn/layers.ts";
import { disposeAll, tf, uint8Tensor } from "../../lib/tensorflow/backend.ts";
import { type CameraConfig, cameraObjective } from "../../lib/world/camera/camera_objective.ts";
import { cameraPreset } from "../../lib/world/camera/camera_presets.ts";
import { checkCameraConfig } from "../../lib/world/camera/check_camera_config.ts";
import { encodeFrames, frameTokens } from "../../lib/world/camera/frame_tokens.ts";
import { openCameraData, pretrainCamera } from "../../lib/world/camera/pretrain_camera.ts";
import { loadCamera } from "../../lib/world/camera/saved_camera.ts";
import { withFolder } from "../with_folder.ts";

const SIZE: EncoderSize = { image: 8, patch: 4, frames: 4, tubelet: 2, width: 12, depth: 1, heads: 2, mlpRatio: 2 };
const ENCODER = { size: SIZE, parameters: initialise(encoderShapes(SIZE), 1, "xavier", true, 2) };

const config = (encoder: string): CameraConfig => ({
  ...cameraPreset("camera-scenes"),
  encoder,
  scenes: { clips: 4, frames: 3, objects: [1, 1] },
  predictor: { width: 12, depth: 1, heads: 2 },
  batch: 4,
  epochs: 12,
  learningRate: { start: 1e-2, peak: 1e-2, final: 1e-2, warmup: 0 },
  precision: "float32",
});

const noise = (size: number) =>
  Uint8Array.from({ length: size }, (_, i) => Math.floor(128 + 127 * Math.sin(1.7 * i * i)));

Deno.test("a picture's tokens are those of the first tubelet of a clip of it alone, layer-normed", async () => {
  const pixels = noise(2 * 8 * 8 * 3), bytes = 8 * 8 * 3;
  const own = await frameTokens(ENCODER, pixels); // [2, 4, 12]
  assertEquals(own.length, 2 * 4 * 12);
  const twice = new Uint8Array(2 * bytes);
  [0, bytes].forEach((from) => twice.set(pixels.subarray(bytes), from)); // the second picture's clip
  const short = { ...SIZE, frames: 2 }, { pos_embed, ...rest } = ENCODER.parameters;
  const first = { ...rest, pos_embed: tf.slice(pos_embed, [0, 0, 0], [1, 4, 12]) as typeof pos_embed };
  const expected = normalise(encode(first, short, tubelets(uint8Tensor(twice, [1, 2, 8, 8, 3]), short)));
  expected.dataSync().forEach((value, i) => assertAlmostEquals(own[4 * 12 + i], value, 1e-5));
  const eager = encodeFrames(ENCODER.parameters, SIZE, uint8Tensor(pixels, [2, 8, 8, 3])).dataSync();
  own.forEach((value, i) => assertAlmostEquals(value, eager[i], 1e-5));
  await assertRejects(() => frameTokens(ENCODER, pixels.subarray(5)), RangeError, "pictures of 8 pixels");
});

Deno.test("checkCameraConfig() names what is wrong", () => {
  const good = config("weights/video"),
    refused = (changed: object, message: string) =>
      assertThrows(() => checkCameraConfig({ ...good, ...changed }), RangeError, message);
  checkCameraConfig(good);
  checkCameraConfig(cameraPreset("camera-scenes"));
  refused({ rollout: 3 }, "rollout must be less than scenes.frames, which is 3; got 3.");
  refused({ predictor: { width: 15, depth: 1, heads: 3 } }, "got a width of 15 and 3 heads");
  refused({ scenes: { ...good.scenes, objects: [3, 2] } }, "scenes.objects must be two whole numbers");
  refused({ encoder: "" }, "encoder must be the path");
  assertThrows(() => cameraPreset("camera"), RangeError, "there are camera-scenes");
});

Deno.test("the objective's epochs have every sequence once, with its own actions", async () => {
  const own = {
    ...config(""),
    scenes: { clips: 6, frames: 2, objects: [1, 1] as const },
    rollout: 1,
    batch: 2,
    epochs: 2,
  };
  const tokens = Float32Array.from({ length: 6 * 2 * 4 * 12 }, (_, i) => Math.floor(i / (2 * 4 * 12))); // the sequence's number
  const actions = Float32Array.from({ length: 6 * 2 }, (_, i) => Math.floor(i / 2));
  const { batches, totalSteps } = cameraObjective(own, SIZE, { tokens, actions });
  assertEquals(totalSteps, 6);
  const seen: number[][] = [[], []];
  for await (const { inputs, epoch } of batches(0, { parts: 1, from: 0, to: 1 })) {
    const rows = inputs.tokens.shape[0], numbers = inputs.tokens.dataSync(), told = inputs.actions.dataSync();
    for (let i = 0; i < rows; i++) {
      assertEquals(told[2 * i], numbers[i * 2 * 4 * 12]);
      seen[epoch].push(told[2 * i]);
    }
    disposeAll(inputs);
  }
  seen.forEach((numbers) => assertEquals(numbers.toSorted(), [0, 1, 2, 3, 4, 5]));
  assert(`${seen[0]}` !== `${seen[1]}`);
  assertThrows(() => cameraObjective(own, SIZE, { tokens: tokens.slice(12), actions }), RangeError, "got 564 numbers");
});

Deno.test("a tiny run lowers its loss, is read again with its encoder, and is measured", async () => {
  await withFolder(async (dir) => {
    await saveEncoder(`${dir}/encoder.safetensors`, ENCODER);
    const own = config(`${dir}/encoder.safetensors`), data = await openCameraData(dir, own);
    const run = await pretrainCamera(own, data, { dir: `${dir}/run` });
    assert(run.finished && run.log.length === 12);
    const [first, last] = [run.log[0], run.log[11]];
    assert(last.loss < 0.8 * first.loss, `${first.loss} ${last.loss}`);
    assertAlmostEquals(last.loss, last.teacherForced + last.rollout, 1e-5);

    const model = await loadCamera(`${dir}/run`);
    assertEquals(model.config.scenes, own.scenes);
    for (const name in run.predictor) assertEquals(model.predictor[name].dataSync(), run.predictor[name].dataSync());
    assertEquals(model.encoder.size, SIZE);

    const test = await loadCameraClips(dir, { ...own.scenes, size: 8, split: "test" });
    const planner = {
      planner: "cem",
      samples: 4,
      elites: 2,
      iterations: 2,
      horizon: 2,
      deviation: 5,
      temperature: 1,
      longest: 15,
    };
    const measured = await measureCamera(model, test, 3, {
      episodes: 2,
      seed: 0,
      planner: { ...planner, planner: "cem" },
    });
    const { prediction, planning } = measured, [a, b] = [0, 1].map((clip) => test.truth(clip).poses);
    assertEquals(prediction.pairs, 8);
    assert(prediction.error > 0 && prediction.otherError > 0 && prediction.accuracy >= 0 && prediction.accuracy <= 100);
    const apart = (poses: typeof a) =>
      Math.hypot(poses[2].azimuth - poses[0].azimuth, poses[2].elevation - poses[0].elevation);
    assertAlmostEquals(planning.nothing, (apart(a) + apart(b)) / 2, 1e-9);
    assert(Number.isFinite(planning.model));
    await assertRejects(() => measureCamera(model, test, 3, { episodes: 5, seed: 0 }), RangeError, "got 4");
    disposeAll([run.predictor, model.predictor, model.encoder.parameters, data.encoder.parameters]);
  });
});
