import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { rankMe } from "../../../lib/evaluation/collapse/collapse.ts";
import { extractFeatures } from "../../../lib/evaluation/features/features.ts";
import { representationMonitor } from "../../../lib/evaluation/collapse/monitor.ts";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { preset, type RunConfig } from "../../../lib/jepa/pretraining/presets.ts";
import { pretrain } from "../../../lib/methods/pretrain.ts";

const CONFIG: RunConfig = {
  ...preset("smoke"),
  architecture: {
    ...{ image: 16, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 },
    predictor: { width: 8, depth: 1, heads: 2 },
  },
  masks: { sampler: "multiBlock", blocks: 2, targetScale: [0.25, 0.25], contextLength: 5 },
  batch: 8,
  epochs: 2,
};

/** Noise whose classes differ in brightness; `labelOf` says which images have a label. */
function images(length: number, labelOf: (i: number) => number, classes = 2): Dataset {
  const random = randomStream(7);
  return memoryDataset({
    name: "noise",
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    pixels: Uint8Array.from(
      { length: length * 768 },
      (_, k) => 60 * Math.max(0, labelOf(Math.floor(k / 768)) % 3) + random.integer(80),
    ),
    width: 16,
    height: 16,
    labels: Int32Array.from({ length }, (_, i) => labelOf(i)),
  });
}

const encoder = () => initialise(encoderShapes(CONFIG.architecture), 1, "xavier");
const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;

Deno.test("representationMonitor() measures the features that evaluations use", async () => {
  const dataset = images(60, (i) => i % 2), p = encoder();
  const monitor = await representationMonitor(CONFIG, dataset, { every: 5, lidarImages: 20 });
  const measures = await monitor.measure(p, 1);
  assertEquals(Object.keys(measures), ["rankMe", "lidar", "knn", "linear"]);
  const features = await extractFeatures(p, CONFIG.architecture, dataset); // all images are drawn, in another order
  assertAlmostEquals(measures.rankMe, rankMe(features), 1e-4);
  assert(measures.lidar > 1 && measures.lidar <= 16, `LiDAR ${measures.lidar}`);
  assertEquals([measures.knn, measures.linear], [100, 100]); // brightness is easily told
  assertEquals([monitor.every, monitor.heldOut], [5, 20]);
  assert(monitor.chance >= 50 && monitor.chance < 75, `chance ${monitor.chance}`);
  monitor.dispose();
  tf.dispose(p);
});

Deno.test("representationMonitor() measures the same each time, and keeps nothing", async () => {
  const p = encoder(), dataset = images(250, (i) => i % 3, 3); // more than one batch of images and crops
  const monitor = await representationMonitor(CONFIG, dataset, { every: 1 });
  const first = await monitor.measure(p, 1);
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  assertEquals(await monitor.measure(p, 9), first);
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
  monitor.dispose();

  const again = await representationMonitor(CONFIG, dataset, { every: 1 });
  assertEquals(await again.measure(p, 1), first);
  again.dispose();
  tf.dispose(p);
});

Deno.test("representationMonitor() of a collapsed encoder says so", async () => {
  const p = encoder(), dataset = images(90, (i) => i % 2);
  p["norm.weight"].dispose();
  p["norm.weight"] = tf.zeros([16]); // whatever the image, the output is the norm's bias
  p["norm.bias"].dispose();
  p["norm.bias"] = tf.ones([16]);
  const monitor = await representationMonitor(CONFIG, dataset, { every: 1 });
  const { rankMe, lidar, knn, linear } = await monitor.measure(p, 1);
  assertAlmostEquals(rankMe, 1, 1e-3);
  assertEquals(lidar, 0);
  assert(knn <= monitor.chance && linear <= monitor.chance, `kNN ${knn}, linear ${linear}, chance ${monitor.chance}`);
  monitor.dispose();
  tf.dispose(p);
});

Deno.test("representationMonitor() leaves labels out where there are none, and draws labelled images where some are", async () => {
  const p = encoder();
  for (const labels of [() => -1, () => 0]) {
    const monitor = await representationMonitor(CONFIG, images(30, labels), { every: 1, images: 12 });
    assertEquals(Object.keys(await monitor.measure(p, 1)), ["rankMe", "lidar"]);
    assertEquals([monitor.heldOut, monitor.chance], [0, 0]);
    monitor.dispose();
  }
  const some = await representationMonitor(CONFIG, images(40, (i) => i % 4 - 1, 3), { every: 1 });
  assertEquals(some.heldOut, 10); // a third of the 30 that have one
  assertEquals(Object.keys(await some.measure(p, 1)).length, 4);
  some.dispose();
  const many = await representationMonitor(CONFIG, images(240, (i) => i % 60, 60), { every: 1 });
  assertEquals(many.heldOut, 26); // a third of the 4 images each of 20 classes
  many.dispose();
  tf.dispose(p);
});

Deno.test("representationMonitor() refuses too few images", async () => {
  const of = (dataset: Dataset, options = {}) => representationMonitor(CONFIG, dataset, { every: 1, ...options });
  await assertRejects(() => of(images(3, () => 0)), RangeError, "got 3 and 3 of noise");
  await assertRejects(() => of(images(9, () => 0), { lidarImages: 1 }), RangeError, "got 9 and 1 of noise");
  const least = await of(images(4, (i) => i % 2));
  const p = encoder();
  assertEquals(Object.keys(await least.measure(p, 1)).length, 4);
  least.dispose();
  tf.dispose(p);
});

Deno.test("representationMonitor() leaves labels out where the few images that it fits to have one alone", async () => {
  const p = encoder();
  let alone = 0;
  for (let odd = 0; odd < 4; odd++) { // one of these four is held out
    const monitor = await representationMonitor(CONFIG, images(4, (i) => i === odd ? 1 : 0), { every: 1 });
    if (monitor.heldOut === 0) {
      alone++;
      assertEquals(Object.keys(await monitor.measure(p, 1)), ["rankMe", "lidar"]);
    }
    monitor.dispose();
  }
  assertEquals(alone, 1);
  tf.dispose(p);
});

Deno.test("pretrain() with a representationMonitor() ends with the bits of a run without", async () => {
  const root = await Deno.makeTempDir(), dataset = images(48, (i) => i % 2);
  const monitor = await representationMonitor(CONFIG, dataset, { every: 5 });
  const plain = await pretrain(CONFIG, dataset, { dir: `${root}/plain` });
  const monitored = await pretrain(CONFIG, dataset, { dir: `${root}/monitored`, monitor });
  for (const name of ["checkpoint-00000012.safetensors", "encoder.safetensors"]) {
    assertEquals(await Deno.readFile(`${root}/plain/${name}`), await Deno.readFile(`${root}/monitored/${name}`), name);
  }
  const measured = monitored.log.filter(({ measures }) => measures);
  assertEquals(measured.map(({ step }) => step), [1, 5, 10, 12]);
  assertEquals(new Set(measured.map(({ measures }) => measures!.rankMe)).size, 4); // the encoder of that very step
  assertEquals(await monitor.measure(monitored.targetEncoder, 12), measured[3].measures);
  tf.dispose([plain.targetEncoder, monitored.targetEncoder]);
  monitor.dispose();
  await Deno.remove(root, { recursive: true });
});
