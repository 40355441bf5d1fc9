import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { predict } from "../../lib/jepa/predictor.ts";
import {
  drawView,
  type ImageView,
  plainView,
  transformation,
  viewPixels,
} from "../../lib/methods/parts/image_views.ts";
import { IWM_PRESETS, type IwmConfig, predictViews } from "../../lib/methods/objectives/image_world_model.ts";
import { pretrain } from "../../lib/methods/pretrain.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { randomStream } from "../../lib/random.ts";
import { disposeAll, tf } from "../../lib/tensorflow/backend.ts";

const light = { brightness: 1, contrast: 1, saturation: 1 };

Deno.test("transformation() is 0 of a view to itself, and else what a hand works out", () => {
  const view: ImageView = { box: { x: 3, y: 5, width: 8, height: 4 }, light: { ...light, contrast: 1.3 } };
  assertEquals(transformation(view, view), [0, 0, 0, 0, 0, 0, 0]);
  const from: ImageView = { box: { x: 0, y: 0, width: 16, height: 16 }, light };
  const to: ImageView = {
    box: { x: 8, y: 0, width: 8, height: 32 }, // its middle is at 12, 16, the other's at 8, 8
    light: { brightness: 2, contrast: 0.5, saturation: 1 },
  };
  const expected = [0.25, 0.5, -Math.LN2, Math.LN2, Math.LN2, -Math.LN2, 0];
  transformation(from, to).forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-12));
});

Deno.test("viewPixels() of the plain view is the image; of a box it is what is in it; light changes as told", () => {
  const random = randomStream(1), size = 8;
  const pixels = Uint8Array.from({ length: size * size * 3 }, () => random.integer(120));
  assertEquals(viewPixels(pixels, size, plainView(size)), pixels);
  const bright = viewPixels(pixels, size, { ...plainView(size), light: { ...light, brightness: 2 } });
  assertEquals(bright, pixels.map((value) => 2 * value));
  const halves = pixels.map((_, i) => i < pixels.length / 2 ? 10 : 90); // above and below
  const below = viewPixels(halves, size, { box: { x: 0, y: 4, width: 8, height: 4 }, light });
  assertEquals([...new Set(below)], [90]);
});

Deno.test("drawView() keeps to its range, and the same stream draws the same", () => {
  const range = {
    crop: { scale: [0.3, 0.6] as [number, number], aspect: [0.75, 4 / 3] as [number, number] },
    jitter: { brightness: 0.4, contrast: 0, saturation: 0.1 },
  };
  const views = Array.from({ length: 200 }, (_, i) => drawView(32, range, randomStream(2, i)));
  assertEquals(drawView(32, range, randomStream(2, 7)), views[7]);
  for (const { box: { width, height }, light } of views) {
    const share = width * height / 32 ** 2;
    assert(share > 0.27 && share < 0.65, `${share}`);
    assert(Math.abs(light.brightness - 1) <= 0.4 && light.contrast === 1 && Math.abs(light.saturation - 1) <= 0.1);
  }
  assert(Math.max(...views.map(({ light }) => light.brightness)) > 1.3);
});

const architecture = {
  ...{ image: 16, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 },
  predictor: { width: 12, depth: 2, heads: 2, conditions: 7 },
};

Deno.test("predictions differ as what is told does, and not where its weights are 0", () => {
  const p = initialise(predictorShapes(architecture), 0), random = randomStream(4);
  const values = (shape: number[]) =>
    tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()), shape);
  const seen = tf.tile(values([1, 3, 16]), [3, 1, 1]); // three times the same context
  const context = tf.tile(tf.tensor2d([[0, 5, 9]], [1, 3], "int32"), [3, 1]);
  const targets = tf.tile(tf.tensor3d([[[2, 7]]], [1, 1, 2], "int32"), [1, 3, 1]);
  const told = tf.tensor2d([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [3, 7]); // the second otherwise
  const apart = (parameters: typeof p) => {
    const said = predictViews(parameters, architecture.predictor, seen, context, targets, told);
    assertEquals(said.shape, [1, 3, 2, 16]);
    const [first, second, third] = tf.unstack(tf.squeeze(said, [0]));
    const between = (a: typeof first, b: typeof first) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];
    return [between(first, second), between(first, third)];
  };
  const [otherwise, same] = apart(p);
  assert(otherwise > 1e-6 && same < otherwise / 100, `${otherwise} and ${same}`);
  const weight = p["condition.fc1.weight"]; // [P, P + 7]
  const deaf = tf.concat([tf.slice(weight, [0, 0], [12, 12]), tf.zeros([12, 7])], 1);
  assert(apart({ ...p, "condition.fc1.weight": deaf })[0] < otherwise / 100);
  // I-JEPA's own would take no notice of what is told: it is refused.
  assertThrows(() => predict(p, architecture.predictor, seen, context, targets), RangeError, "told a transformation");
});

Deno.test("a short training lowers the prediction's error, and its predictor is kept with the encoder", async () => {
  const random = randomStream(3), side = 16, count = 32;
  // Two colours, parted somewhere.
  const pixels = new Uint8Array(count * side * side * 3);
  for (let i = 0; i < count; i++) {
    const [a, b] = [0, 1].map(() => [0, 1, 2].map(() => random.integer(256))), cut = 2 + random.integer(12);
    for (let at = 0; at < side * side; at++) pixels.set(at % side < cut ? a : b, (i * side * side + at) * 3);
  }
  const labels = new Int32Array(count);
  const dataset = memoryDataset({ name: "parted", classes: ["only"], pixels, width: side, height: side, labels });
  const config: IwmConfig = {
    ...IWM_PRESETS["iwm-cifar10"],
    ...{ architecture, masks: { sampler: "random" }, batch: 16, epochs: 30, precision: "float32" },
    learningRate: { start: 3e-3, peak: 3e-3, final: 3e-3, warmup: 0 },
    momentum: { start: 1, final: 1 }, // targets that stay: an error that falls is learned
  };
  const dir = await Deno.makeTempDir();
  const { log, weights, targetEncoder } = await pretrain(config, dataset, { dir: `${dir}/run` });
  const mean = (from: number, to: number) =>
    log.slice(from, to).reduce((sum, { prediction }) => sum + prediction! / (to - from), 0);
  assertEquals(log.length, 60);
  assert(mean(50, 60) < 0.9 * mean(0, 5), `${mean(0, 5)} became ${mean(50, 60)}`);
  const { predictor, parameters, size } = await loadEncoder(weights);
  assertEquals(predictor!.size, architecture.predictor);
  assertEquals(Object.keys(predictor!.parameters), Object.keys(predictorShapes(architecture)));
  assertEquals(Object.keys(parameters), Object.keys(encoderShapes(size)));
  disposeAll([parameters, predictor!.parameters, targetEncoder]);
  await Deno.remove(dir, { recursive: true });
});
