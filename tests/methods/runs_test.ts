import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { type MethodConfig, objectiveOf, preset } from "../../lib/methods/methods.ts";
import { DATA2VEC_PRESETS } from "../../lib/methods/objectives/data2vec.ts";
import { DINO_PRESETS } from "../../lib/methods/objectives/dino.ts";
import { IWM_PRESETS } from "../../lib/methods/objectives/image_world_model.ts";
import { LEJEPA_PRESETS } from "../../lib/methods/objectives/lejepa.ts";
import { MAE_PRESETS } from "../../lib/methods/objectives/mae.ts";
import { SIMMIM_PRESETS } from "../../lib/methods/objectives/simmim.ts";
import { VICREG_PRESETS } from "../../lib/methods/objectives/vicreg.ts";
import { pretrain } from "../../lib/methods/pretrain.ts";
import { collapseWarning } from "../../lib/evaluation/collapse/collapse.ts";
import { representationMonitor } from "../../lib/evaluation/collapse/monitor.ts";
import { lossCurve } from "../../lib/figures/curves/loss_curve.ts";
import { randomStream } from "../../lib/random.ts";
import { disposeAll, tf } from "../../lib/tensorflow/backend.ts";

const random = randomStream(7);
const images = memoryDataset({
  name: "noise",
  classes: ["only"],
  pixels: Uint8Array.from({ length: 24 * 16 * 16 * 3 }, () => random.integer(256)),
  width: 16,
  height: 16,
  labels: new Int32Array(24),
});

const ENCODER = { image: 16, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 };
const SMALL = {
  ...{ architecture: ENCODER, batch: 8, epochs: 1 },
  learningRate: { start: 1e-3, peak: 1e-3, final: 1e-3, warmup: 0 },
};
/** The moving average is the encoder itself, so that what it is after a few steps tells how far they went. */
const FOLLOWING = { momentum: { start: 0, final: 0 } };
const PROJECTOR = { hidden: 16, outputs: 8 };

/** Each method, three steps of a few milliseconds. */
const CONFIGS: MethodConfig[] = [
  { ...MAE_PRESETS["mae-cifar10"], ...SMALL, decoder: { width: 8, depth: 1, heads: 2 } },
  { ...SIMMIM_PRESETS["simmim-cifar10"], ...SMALL },
  {
    ...DATA2VEC_PRESETS["data2vec-cifar10"],
    ...SMALL,
    ...FOLLOWING,
    layers: 1,
    decoder: { width: 8, depth: 2, groups: 2 },
  },
  {
    ...LEJEPA_PRESETS["lejepa-cifar10"],
    ...{ ...SMALL, projector: PROJECTOR, directions: 8 },
    local: { ...LEJEPA_PRESETS["lejepa-cifar10"].local, size: 8 },
  },
  { ...VICREG_PRESETS["vicreg-cifar10"], ...SMALL, projector: PROJECTOR },
  {
    ...DINO_PRESETS["dino-cifar10"],
    ...{ ...SMALL, ...FOLLOWING, head: { hidden: 16, bottleneck: 8, prototypes: 32 } },
    local: { ...DINO_PRESETS["dino-cifar10"].local, size: 8 },
  },
  {
    ...IWM_PRESETS["iwm-cifar10"],
    ...{ ...SMALL, ...FOLLOWING, masks: { sampler: "random" } },
    architecture: { ...ENCODER, predictor: { width: 8, depth: 1, heads: 2, conditions: 7 } },
  },
];

async function take(config: MethodConfig, start: number, parts: number, count: number): Promise<string[]> {
  const stream = objectiveOf(config, images).batches(start, { parts, from: 0, to: parts }), taken: string[] = [];
  for (let i = 0; i < count; i++) {
    const { inputs } = (await stream.next()).value!;
    const tensors = Object.entries(inputs as Record<string, tf.Tensor>);
    const values = tensors.map((
      [name, value],
    ) => [name, value.shape, Array.from(tf.cast(value, "float32").dataSync())]);
    taken.push(JSON.stringify(values));
    disposeAll(inputs);
  }
  await stream.return();
  return taken;
}

for (const config of CONFIGS) {
  Deno.test(`pretrain() of ${config.method} trains, and leaves an encoder like any other`, async () => {
    const dir = await Deno.makeTempDir();
    const { log, weights, targetEncoder } = await pretrain(config, images, { dir: `${dir}/run` });
    assert(log.length === 3 && log.every(({ loss, featureStd }) => Number.isFinite(loss) && featureStd > 0));
    lossCurve(log);
    const loaded = await loadEncoder(weights), { initialise } = objectiveOf(config, images), initial = initialise();
    assertEquals(loaded.size, ENCODER);
    const changes: number[] = [];
    for (const [name, value] of Object.entries(targetEncoder)) {
      assertEquals(loaded.parameters[name].dataSync(), value.dataSync(), name);
      changes.push(tf.max(tf.abs(tf.sub(value, initial.encoder[name]))).dataSync()[0]);
    }
    assert(changes.filter((change) => change > 1e-6).length >= changes.length - 2, "not all was trained");
    // Three steps of AdamW at a rate of 1e-3: as far as that where the bias corrections fit the moments.
    const largest = Math.max(...changes);
    assert(largest > 1.5e-3 && largest < 5e-3, `the largest change is ${largest}`);
    disposeAll([loaded.parameters, initial, targetEncoder]);
    await Deno.remove(dir, { recursive: true });
  });

  Deno.test(`${config.method} goes on with the same inputs from any step, whole or in micro-batches`, async () => {
    const whole = await take(config, 0, 1, 3);
    assertEquals(new Set(whole).size, 3);
    assertEquals(await take(config, 2, 1, 1), whole.slice(2));
    const cut = { ...config, microBatch: 4 }, parts = await take(cut, 0, 2, 4);
    assertEquals(new Set(parts).size, 4);
    assertEquals(await take(cut, 1, 2, 2), parts.slice(2));
    assertThrows(() => objectiveOf({ ...config, microBatch: 3 }, images), RangeError, "micro-batches of 3");
    assertThrows(() => objectiveOf({ ...config, batch: 48 }, images), RangeError, "fewer than a batch of 48");
    assertThrows(() => objectiveOf({ ...config, epochs: 0.01 }, images), RangeError, "raise the epochs");
  });
}

Deno.test("local crops that are no whole patches are refused", () => {
  for (const config of CONFIGS) {
    if (!("local" in config)) continue;
    const odd = { ...config, local: { ...config.local!, size: 10 } };
    assertThrows(
      () => objectiveOf(odd, images),
      RangeError,
      "Local crops of 10 pixels cannot be cut into patches of 4",
    );
  }
});

Deno.test("a method without a moving average is measured, stopped, loaded from its checkpoint, and resumed", async () => {
  const [config] = CONFIGS, root = await Deno.makeTempDir(), dir = `${root}/run`, controller = new AbortController();
  const monitor = await representationMonitor(config, images, { every: 2 });
  const stopped = await pretrain(config, images, {
    ...{ dir, monitor, signal: controller.signal },
    onStep: ({ step }) => step === 2 && controller.abort(),
  });
  monitor.dispose();
  assertEquals(stopped.step, 2);
  assert(stopped.log.every(({ measures }) => measures!.rankMe > 1));
  assertEquals(collapseWarning(stopped.log[1]), undefined);
  const loaded = await loadEncoder(dir);
  for (const [name, value] of Object.entries(stopped.targetEncoder)) {
    assertEquals(loaded.parameters[name].dataSync(), value.dataSync(), name);
  }
  const resumed = await pretrain(config, images, { dir, resume: true });
  assertEquals(resumed.log.map(({ step }) => step), [1, 2, 3]);
  disposeAll([stopped.targetEncoder, resumed.targetEncoder, loaded.parameters]);
  await Deno.remove(root, { recursive: true });
});

Deno.test("a configuration without a method is I-JEPA's, and one of an unknown method is refused by name", async () => {
  const { method: _, ...old } = { method: undefined, ...preset("smoke"), batch: 8, epochs: 1 };
  assertEquals(objectiveOf(old, images).averages, { target_encoder: "encoder" });
  const unknown = { ...old, method: "clip" } as unknown as MethodConfig;
  await assertRejects(
    () => pretrain(unknown, images, { dir: "nowhere" }),
    RangeError,
    'method must be "ijepa", "mae", "simmim", "data2vec", "lejepa", "vicreg", "dino" or "iwm"; got "clip".',
  );
  assertThrows(() => preset("mae"), RangeError, "there are cifar10, ");
});
