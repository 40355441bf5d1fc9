import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { preset } from "../../../lib/jepa/pretraining/presets.ts";
import { jepaObjective, stepMasks, totalStepsOf } from "../../../lib/jepa/pretraining/pretraining_objective.ts";
import { isTrained, type Parameters } from "../../../lib/nn/parameters.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { gradientsOf } from "../../../lib/training/step.ts";
import { architecture, initialNetworks, type ReferenceReport, stepInputs } from "../../training/reference/reference.ts";
import reference from "./fixtures/targets.json" with { type: "json" };

const PUBLISHED = { ...preset("cifar10-published"), batch: 32 };

Deno.test("stepMasks() as published: the micro-batches of a step share the blocks' size, and have places and a cut of their own", () => {
  const masksOf = stepMasks({ ...PUBLISHED, microBatch: 8 });
  const targetLengths = new Set<number>();
  let cuts = 0;
  for (let step = 0; step < 20; step++) {
    const parts = [0, 1, 2, 3].map((part) => masksOf(step, part));
    assertEquals(parts.map(({ batch }) => batch), [8, 8, 8, 8]);
    assertEquals(new Set(parts.map(({ targetLength }) => targetLength)).size, 1);
    assert(parts.slice(1).every(({ targets }) => targets.some((patch, i) => patch !== parts[0].targets[i])));
    targetLengths.add(parts[0].targetLength);
    if (new Set(parts.map(({ contextLength }) => contextLength)).size > 1) cuts++;
  }
  assert(targetLengths.size > 1, "one size for all steps");
  assert(cuts > 5, `${cuts} of 20 steps have contexts of different lengths`);
});

Deno.test("stepMasks() of a whole batch are those of its first micro-batch's streams, whatever the cut", () => {
  const whole = stepMasks(PUBLISHED)(3), again = stepMasks({ ...PUBLISHED, microBatch: 32 })(3, 0);
  assertEquals(whole, again);
});

Deno.test("totalStepsOf() counts whole batches, and holds that micro-batches can be compared", () => {
  assertEquals(totalStepsOf({ ...PUBLISHED, epochs: 2.5 }, 100), 8); // 3 whole batches an epoch
  assertThrows(() => totalStepsOf({ ...PUBLISHED, microBatch: 5 }, 100), RangeError, "cut into micro-batches of 5");
  assertThrows(() => totalStepsOf({ ...PUBLISHED, microBatch: 1 }, 100), RangeError, "at least 2 images");
  const regulariser = { ...PUBLISHED.regulariser, invariance: 1 };
  assertThrows(
    () => totalStepsOf({ ...PUBLISHED, batch: 6, microBatch: 3, regulariser }, 100),
    RangeError,
    "even batch",
  );
});

const number = (x: tf.Tensor) => x.dataSync()[0];

for (const targets of ["pixels", "maskedInput"] as const) {
  Deno.test(`jepaObjective() with ${targets} as targets has PyTorch's loss and gradients`, () => {
    const images = memoryDataset({
      ...{ name: "none", classes: ["only"], width: 16, height: 16 },
      pixels: new Uint8Array(4 * 16 * 16 * 3),
      labels: new Int32Array(4),
    });
    const config = { ...PUBLISHED, architecture, batch: 4, regulariser: reference.regulariser, targets };
    const { initialise, lossOf } = jepaObjective(config, images);
    const { contextEncoder, predictor, targetEncoder } = initialNetworks();
    const projection = Object.fromEntries(
      Object.entries(reference.projection).map(([name, values]) => [name, tf.tensor(values, [48, values.length / 48])]),
    );
    projection["predictor_proj.bias"] = tf.reshape(projection["predictor_proj.bias"], [48]);
    const own: Parameters = targets === "pixels" ? { ...predictor, ...projection } : predictor;
    const trained = { encoder: contextEncoder, predictor: own }, initial = initialise();
    for (const [name, { shape }] of Object.entries(own)) assertEquals(initial.predictor[name].shape, shape, name);

    const batchLoss = lossOf({ target_encoder: targetEncoder }, stepInputs(0));
    const { loss, reported, gradients } = gradientsOf(trained, batchLoss);
    const report: Omit<ReferenceReport, "gradientNorm"> = reference[targets];
    assertAlmostEquals(number(loss), report.loss, 1e-5);
    for (const key of ["prediction", "featureStd", "cosine", "centredCosine"] as const) {
      assertAlmostEquals(number(reported[key]), report[key], 1e-5, key);
    }
    for (const [network, name] of [["encoder", "contextEncoder"], ["predictor", "predictor"]] as const) {
      for (const parameter of Object.keys(trained[network]).filter(isTrained)) {
        const norm = report.gradients[`${name}.${parameter}` as keyof typeof report.gradients];
        assertAlmostEquals(number(tf.norm(gradients[network][parameter])), norm, 1e-5 * norm + 1e-7, parameter);
      }
    }
  });
}
