import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { patchDepths, scenes } from "../../lib/datasets/scenes/scenes.ts";
import { evaluate } from "../../lib/evaluation/evaluate.ts";
import { type EvaluationData, type ProtocolName, PROTOCOLS } from "../../lib/evaluation/protocols.ts";
import { disposeSubject, encoderSubject, pixelSubject, randomSubject } from "../../lib/evaluation/subjects.ts";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { randomStream } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

const size = { image: 16, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 2 };
const random = randomStream(3);

/** Three colours with some noise: whoever looks at all tells them apart. */
function colours(name: string, count: number) {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const pixels = new Uint8Array(count * 16 * 16 * 3);
  for (let i = 0; i < pixels.length; i++) {
    const channel = i % 3, label = labels[Math.floor(i / (16 * 16 * 3))];
    pixels[i] = (channel === label ? 200 : 60) + random.integer(40);
  }
  return memoryDataset({ name, classes: ["red", "green", "blue"], pixels, width: 16, height: 16, labels });
}

const images = { train: colours("train", 60), test: colours("test", 30) };

async function pictures(split: "train" | "test", count: number) {
  const dataset = await scenes({ images: count, size: 16, split });
  return { dataset, depths: patchDepths(dataset.scenes, 4) };
}

Deno.test("evaluate() runs every protocol on an encoder, random weights and pixels", async () => {
  const parameters = initialise(encoderShapes(size), 1, "xavier");
  const subjects = [
    encoderSubject("encoder", { size, parameters }),
    randomSubject({ size, parameters }, 0),
    pixelSubject(size),
  ];
  const data: EvaluationData = {
    images,
    scenes: { train: await pictures("train", 80), test: await pictures("test", 40) },
  };
  const names = Object.keys(PROTOCOLS) as ProtocolName[];
  const told: string[] = [];
  const results = await evaluate(subjects, names, data, {
    perClass: [1, 2],
    epochs: 2,
    onResult: ({ protocol }) => told.push(protocol),
  });
  assertEquals(told, results.map(({ protocol }) => protocol));

  const scoreOf = (protocol: ProtocolName, subject: string, measure = "accuracy") =>
    results.find((r) => r.protocol === protocol && r.subject === subject && r.measure === measure)?.score;
  for (const { name } of subjects) {
    assertEquals(scoreOf("knn", name), 100);
    assertGreater(scoreOf("linear", name)!, 90);
    assertGreater(scoreOf("lowshot", name, "2 labels a class")!, 90);
    for (const protocol of ["attentive", "count", "distance"] as const) {
      assert(scoreOf(protocol, name)! >= 0 && scoreOf(protocol, name)! <= 100, protocol);
    }
    assertLess(scoreOf("depth", name, "R^2, %")!, 100);
  }
  for (const name of ["encoder", "random weights"]) {
    assert(scoreOf("finetune", name, "2 labels a class") !== undefined);
    assert(scoreOf("full-finetune", name) !== undefined);
  }
  assertEquals(scoreOf("finetune", "raw pixels", "2 labels a class"), undefined);
  assertEquals(results.filter(({ protocol }) => protocol === "lowshot").length, 2 * 3);

  // Again, with a seed told: the same numbers.
  const again = await evaluate(subjects, ["linear", "count"], data, { seed: 0 });
  for (const { protocol, subject, score } of again) assertAlmostEquals(score, scoreOf(protocol, subject)!, 1e-9);
  subjects.forEach(disposeSubject);
});

Deno.test("evaluate() names the evaluation that fails, and what is missing for one", async () => {
  const subject = pixelSubject(size);
  await assertRejects(() => evaluate([subject], ["count"], { images }), RangeError, "count needs scenes");
  const lone = { train: colours("train", 60), test: memoryDataset({ ...blank(), name: "no labels" }) };
  await assertRejects(() => evaluate([subject], ["knn"], { images: lone }), Error, "knn, raw pixels: ");
});

function blank() {
  return {
    classes: ["red", "green", "blue"],
    pixels: new Uint8Array(16 * 16 * 3),
    width: 16,
    height: 16,
    labels: Int32Array.of(-1),
  };
}

Deno.test("randomSubject() has the encoder's sizes and other weights for each seed", () => {
  const parameters = initialise(encoderShapes(size), 1, "xavier");
  const [a, b] = [0, 1].map((seed) => randomSubject({ size, parameters }, seed));
  const weights = (subject: typeof a) => subject.encoder!.parameters["blocks.0.attn.qkv.weight"].dataSync();
  assertEquals(Object.keys(a.encoder!.parameters), Object.keys(parameters));
  assert(weights(a).some((value, i) => value !== weights(b)[i]));
  [a, b].forEach(disposeSubject);
  tf.dispose(parameters);
});
