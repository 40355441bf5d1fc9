import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { type MethodConfig, objectiveOf, preset } from "../../lib/methods/methods.ts";
import { DATA2VEC_PRESETS } from "../../lib/methods/data2vec.ts";
import { LEJEPA_PRESETS } from "../../lib/methods/lejepa.ts";
import { MAE_PRESETS } from "../../lib/methods/mae.ts";
import { VICREG_PRESETS } from "../../lib/methods/vicreg.ts";
import { pretrain } from "../../lib/methods/pretrain.ts";
import { representationMonitor } from "../../lib/evaluation/collapse/monitor.ts";
import { lossCurve } from "../../lib/figures/loss_curve.ts";
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
const PROJECTOR = { hidden: 16, outputs: 8 };

/** Each method, three steps of a few milliseconds. */
const CONFIGS: MethodConfig[] = [
  { ...MAE_PRESETS["mae-cifar10"], ...SMALL, decoder: { width: 8, depth: 1, heads: 2 } },
  { ...DATA2VEC_PRESETS["data2vec-cifar10"], ...SMALL, layers: 1, decoder: { width: 8, depth: 2, groups: 2 } },
  {
    ...LEJEPA_PRESETS["lejepa-cifar10"],
    ...{ ...SMALL, projector: PROJECTOR, directions: 8 },
    local: { ...LEJEPA_PRESETS["lejepa-cifar10"].local, size: 8 },
  },
  { ...VICREG_PRESETS["vicreg-cifar10"], ...SMALL, projector: PROJECTOR },
];

for (const config of CONFIGS) {
  Deno.test(`pretrain() of ${config.method}, stopped and resumed, leaves an encoder like any other`, async () => {
    const root = await Deno.makeTempDir(), controller = new AbortController();
    const monitor = await representationMonitor(config, images, { every: 2 });
    const whole = await pretrain(config, images, { dir: `${root}/whole`, monitor });
    monitor.dispose();
    assertEquals(whole.log.map(({ measures }) => measures !== undefined), [true, true, true]);
    assert(whole.log.every(({ loss, featureStd }) => Number.isFinite(loss) && featureStd > 0));
    lossCurve(whole.log);

    const dir = `${root}/stopped`;
    const stopped = await pretrain(config, images, {
      dir,
      signal: controller.signal,
      onStep: ({ step }) => step === 2 && controller.abort(),
    });
    assertEquals(stopped.step, 2);
    const unfinished = await loadEncoder(dir); // from the checkpoint
    assertEquals(unfinished.size, ENCODER);
    const resumed = await pretrain(config, images, { dir, resume: true });
    const bytes = (run: string) => Deno.readFile(`${root}/${run}/encoder.safetensors`);
    assertEquals(await bytes("stopped"), await bytes("whole"));

    const loaded = await loadEncoder(whole.weights);
    assertEquals(loaded.size, ENCODER);
    for (const [name, value] of Object.entries(whole.targetEncoder)) {
      assertEquals(loaded.parameters[name].dataSync(), value.dataSync(), name);
    }
    const change = Object.entries(unfinished.parameters).map(([name, value]) =>
      tf.max(tf.abs(tf.sub(value, loaded.parameters[name]))).dataSync()[0]
    );
    assert(Math.max(...change) > 1e-6, "nothing was trained");
    disposeAll([whole, stopped, resumed].map(({ targetEncoder }) => targetEncoder));
    disposeAll([unfinished.parameters, loaded.parameters]);
    await Deno.remove(root, { recursive: true });
  });

  Deno.test(`${config.method} in micro-batches has as many images a step, each once`, async () => {
    const objective = objectiveOf({ ...config, microBatch: 4 }, images);
    const stream = objective.batches(0, { parts: 2, from: 0, to: 2 });
    const shapes: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { inputs } = (await stream.next()).value!;
      shapes.push(JSON.stringify(Object.values(inputs as Record<string, tf.Tensor>).map(({ shape }) => shape)));
      disposeAll(inputs);
    }
    await stream.return();
    assertEquals(shapes[0], shapes[1]);
    assertThrows(() => objectiveOf({ ...config, microBatch: 3 }, images), RangeError, "micro-batches of 3");
    assertThrows(() => objectiveOf({ ...config, batch: 48 }, images), RangeError, "fewer than a batch of 48");
    assertThrows(() => objectiveOf({ ...config, epochs: 0 }, images), RangeError, "raise the epochs");
  });
}

Deno.test("a configuration without a method is I-JEPA's, and one of an unknown method is refused by name", async () => {
  const { method: _, ...old } = { method: undefined, ...preset("smoke"), batch: 8, epochs: 1 };
  assertEquals(objectiveOf(old, images).averages, { target_encoder: "encoder" });
  const unknown = { ...old, method: "clip" } as unknown as MethodConfig;
  await assertRejects(
    () => pretrain(unknown, images, { dir: "nowhere" }),
    RangeError,
    'No method is called "clip": there are ijepa, mae,',
  );
  assertThrows(() => preset("mae"), RangeError, "there are cifar10, ");
});
