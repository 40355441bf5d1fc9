import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertGreater, assertLess, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { patchDepths, scenes } from "../../lib/datasets/scenes/scenes.ts";
import { checkProtocols, evaluate } from "../../lib/evaluation/evaluate.ts";
import type { EvaluationData } from "../../lib/evaluation/protocol.ts";
import { type ProtocolName, PROTOCOLS } from "../../lib/evaluation/protocols.ts";
import {
  disposeSubject,
  encoderSubject,
  pixelSubject,
  randomSubject,
  type Subject,
} from "../../lib/evaluation/subjects.ts";
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

Deno.test("evaluate() runs every protocol on an encoder, and the same numbers come again", async () => {
  const parameters = initialise(encoderShapes(size), 1, "xavier");
  const subject = encoderSubject("encoder", { size, parameters });
  const data: EvaluationData = {
    images,
    scenes: { train: await pictures("train", 80), test: await pictures("test", 40) },
  };
  const names = Object.keys(PROTOCOLS) as ProtocolName[], told: string[] = [];
  const results = await evaluate([subject], names, data, {
    ...{ perClass: [1, 2], epochs: 2 },
    onResult: ({ protocol }) => told.push(protocol),
  });
  assertEquals(told, results.map(({ protocol }) => protocol));
  // This encoder has no predictor that is told transformations.
  assertEquals(new Set(told), new Set(names.filter((name) => name !== "mrr")));

  const scoreOf = (protocol: ProtocolName, measure = "accuracy") =>
    results.find((result) => result.protocol === protocol && result.measure === measure)!.score;
  assertEquals(scoreOf("knn"), 100);
  assertGreater(scoreOf("linear-fast"), 90);
  // Two passes, of 80 steps with LARS: measured were 66.7 and 100.
  for (const name of ["linear", "transfer"] as const) assertGreater(scoreOf(name, "2 epochs"), 50, name);
  assertGreater(scoreOf("lowshot", "2 labels a class"), 90);
  // Of a few images and steps: measured were 100, 10, 42.5 and 19.2.
  const within: [number, ProtocolName, string, number][] = [
    [60, "attentive", "accuracy", 101],
    [2, "count", "2 epochs", 45],
    [10, "distance", "2 epochs", 60],
    [10, "depth", "R^2, %", 30],
  ];
  for (const [least, protocol, measure, most] of within) {
    assertGreater(scoreOf(protocol, measure), least, protocol);
    assertLess(scoreOf(protocol, measure), most, protocol);
  }
  assert(scoreOf("full-finetune", "2 epochs") >= 0 && scoreOf("full-finetune", "2 epochs") <= 100);
  const [{ score }] = await evaluate([subject], ["count"], data, { epochs: 2 });
  assertEquals(score, scoreOf("count", "2 epochs"));
  disposeSubject(subject);
});

Deno.test("evaluate() compares subjects, and leaves out what cannot be done with one", async () => {
  const parameters = initialise(encoderShapes(size), 1, "xavier");
  const subjects = [randomSubject({ size, parameters }, 0), pixelSubject(size)];
  const results = await evaluate(subjects, ["knn", "lowshot", "finetune"], { images }, { perClass: [2], epochs: 1 });
  assertEquals(results.map(({ protocol, subject }) => [protocol, subject]), [
    ["knn", "random weights"],
    ["knn", "raw pixels"],
    ["lowshot", "random weights"],
    ["lowshot", "raw pixels"],
    ["finetune", "random weights"],
  ]);
  assertEquals(results.slice(0, 2).map(({ score }) => score), [100, 100]);
  disposeSubject(subjects[0]);
  tf.dispose(parameters);
});

Deno.test("evaluate() names the evaluation that fails, and what is missing for one", async () => {
  const subject = pixelSubject(size);
  await assertRejects(() => evaluate([subject], ["count"], { images }), RangeError, "count needs scenes");
  const lone = { train: colours("train", 60), test: memoryDataset({ ...blank(), name: "no labels" }) };
  await assertRejects(
    () => evaluate([subject], ["knn"], { images: lone }),
    RangeError,
    "knn: no labels has images without",
  );
  const torn = { ...images.test, centred: () => Promise.reject(new Error("x.png cannot be read")) };
  const broken = { images: { train: images.train, test: torn } };
  await assertRejects(() => evaluate([subject], ["knn"], broken), Error, "knn, raw pixels: x.png cannot be read");
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

Deno.test("checkProtocols() refuses what cannot be evaluated before anything is computed, by the protocol's name", async () => {
  const names = Object.keys(PROTOCOLS) as ProtocolName[];
  const pair = (train: number, test = 3) => ({
    images: { train: colours("train", train), test: colours("test", test) },
  });
  checkProtocols(["knn", "attentive", "lowshot", "finetune", "full-finetune"], pair(3));
  checkProtocols(["knn", "linear"], pair(10, 1));
  const refused = (protocols: ProtocolName[], data: EvaluationData, message: string, options = {}) =>
    assertThrows(() => checkProtocols(protocols, data, options), RangeError, message);
  refused(["knn", "linear"], pair(9), "linear: train has 9 images, too few to hold out a tenth");
  refused(["lowshot"], pair(5), "lowshot: train has 1 images of the class blue, fewer than the 2 labels", {
    perClass: [2],
  });
  refused(["finetune"], pair(5), "finetune: train has 1 images of the class blue", { perClass: [1, 2] });
  checkProtocols(["lowshot"], pair(5), { perClass: [2], subset: Uint32Array.of(0) });
  refused(["knn"], pair(1), "knn: train has images of one class alone");
  refused(["knn"], pair(3, 0), "knn: test holds no images");
  const other = { ...colours("other", 3), classes: ["red", "green", "pink"] };
  refused(["knn"], { images: { train: colours("train", 3), test: other } }, "same classes: blue, pink are in one");
  refused(["depth"], pair(3), "The evaluation depth needs scenes");
  const scenesOf = async (count: number): Promise<EvaluationData> => ({
    ...pair(60),
    scenes: { train: await pictures("train", count), test: await pictures("test", 4) },
  });
  checkProtocols(names, await scenesOf(12));
  const few = await scenesOf(6);
  for (const name of ["count", "distance", "depth"] as const) refused([name], few, `${name}: `);
  const { train, test } = (await scenesOf(12)).scenes!, flat = { ...test, depths: undefined };
  refused(["depth"], { scenes: { train, test: flat } }, "does not say the depth of each patch");

  const touched = { name: "none", features: () => Promise.reject(new Error("computed")) } as unknown as Subject;
  await assertRejects(() => evaluate([touched], ["knn", "linear"], pair(9)), RangeError, "linear: train has 9 images");
});
Deno.test("linear probes see training images cropped and mirrored, test images resized by 256 / 224; scenes whole", () => {
  const asked: unknown[] = [], base = colours("seen", 12);
  const seen = {
    ...base,
    crops: (...args: Parameters<typeof base.crops>) => (asked.push(args[2]), base.crops(...args)),
    centred: (...args: Parameters<typeof base.centred>) => (asked.push(args[1]), base.centred(...args)),
  };
  const subject = pixelSubject({ ...size, image: 224 }); // raw pixels at 32
  const crop = { scale: [0.08, 1] as [number, number], aspect: [3 / 4, 4 / 3] as [number, number] };
  const views = (view: Parameters<typeof subject.linearSources>[1]) =>
    subject.linearSources({ train: seen, test: seen }, view);
  const { train, plain, test } = views({ crop, mirrored: true, framing: "centred", seed: 0, batch: 4 });
  for (const source of [train, plain, test]) source.read(Uint32Array.of(0), 0);
  const centred = { resize: 37, crop: 32, interpolation: "bicubic" };
  assertEquals(asked.splice(0), [crop, centred, centred]);
  const scenes = views({ mirrored: true, framing: "whole", seed: 0, batch: 4 });
  for (const source of [scenes.train, scenes.test]) source.read(Uint32Array.of(0), 0);
  const whole = { ...centred, resize: [32, 32] };
  assertEquals(asked, [whole, whole]);
});

for (const depth of [2, 4]) {
  Deno.test(`evaluations of an encoder with ${depth} blocks share one pass over the images`, async () => {
    let encoded = 0;
    const parameters = initialise(encoderShapes({ ...size, depth }), 1, "xavier");
    const onProgress = (done: number, total: number) => encoded += done === total ? total : 0;
    const subject = encoderSubject("encoder", { size: { ...size, depth }, parameters }, { onProgress });
    await evaluate([subject], ["knn", "linear-fast", "lowshot"], { images }, { perClass: [1] });
    assertEquals(encoded, 60 + 30);
    disposeSubject(subject);
  });
}
