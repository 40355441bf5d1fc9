import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertLess, assertNotEquals, assertRejects } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import {
  fineTune,
  type FineTuneLogEntry,
  type FineTuneOptions,
} from "../../../lib/evaluation/fine_tuning/fine_tune.ts";
import { fewLabelsRecipe, FINE_TUNE_RECIPES, peakRate } from "../../../lib/evaluation/fine_tuning/fine_tune_recipes.ts";
import { encoderShapes, type EncoderSize } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const SIZE: EncoderSize = { image: 8, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 2 };
const PARAMETERS = initialise(encoderShapes(SIZE), 5, "xavier");

/** Stripes across, stripes down or a chequerboard, in a random colour on noise: what no augmentation hides. */
function patterns(length: number, seed: number): Dataset {
  const random = randomStream(seed);
  const labels = Int32Array.from({ length }, (_, i) => i % 3);
  const pixels = new Uint8Array(length * 8 * 8 * 3);
  labels.forEach((label, image) => {
    const colour = [0, 1, 2].map(() => 110 + random.integer(60));
    for (let i = 0; i < 8 * 8 * 3; i++) {
      const y = Math.floor(i / 24), x = Math.floor(i / 3) % 8;
      const bright = [y % 4 < 2, x % 4 < 2, (x % 4 < 2) === (y % 4 < 2)][label];
      pixels[image * 192 + i] = bright ? colour[i % 3] : 30 + random.integer(30);
    }
  });
  return memoryDataset({
    ...{ name: "patterns", classes: ["across", "down", "chequered"], pixels, width: 8, height: 8, labels },
  });
}
const train = patterns(60, 1), test = patterns(90, 2);

const QUICK: FineTuneOptions = { epochs: 1, batch: 20 };

Deno.test("fineTune() learns to tell separable classes apart", async () => {
  const totals = new Set<number>();
  const { accuracy, predictions, log } = await fineTune(PARAMETERS, SIZE, train, test, {
    ...{ epochs: 50, batch: 20, learningRate: 3e-2 },
    crop: { scale: [0.9, 1], aspect: [1, 1] },
    onStep: (_, total) => totals.add(total),
  });
  assertEquals(accuracy, 100);
  assertEquals(predictions, test.labels);
  assertEquals([log.length, ...totals], [150, 150]);
  // The head starts at zero: the first loss is that of guessing.
  assertLess(Math.abs(log[0].loss - Math.log(3)), 1e-5);
  assertLess(log.at(-1)!.loss, 0.6);
});

const run = (options: FineTuneOptions) => fineTune(PARAMETERS, SIZE, train, test, { ...QUICK, ...options });
const untimed = (log: FineTuneLogEntry[]) => log.map((entry) => ({ ...entry, seconds: 0 }));

Deno.test("fineTune() gives the same bits twice, others for another seed, and keeps no tensor", async () => {
  const before = Object.values(PARAMETERS).map((tensor) => tensor.dataSync());
  const first = await run({});
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const held = { handles: handles(), tensors: tf.memory().numTensors };
  const second = await run({});
  assert(handles() <= held.handles); // fewer, where the garbage collector has found what earlier tests forgot
  assertEquals(tf.memory().numTensors, held.tensors);
  assertEquals(untimed(second.log), untimed(first.log));
  assertEquals(second.predictions, first.predictions);
  assertNotEquals(untimed((await run({ seed: 1 })).log), untimed(first.log));
  assertEquals(Object.values(PARAMETERS).map((tensor) => tensor.dataSync()), before, "the parameters that were given");
});

Deno.test("fineTune() takes the images that it is told to, all of them in one step where they are fewer than a batch", async () => {
  const indices = Uint32Array.of(0, 3, 6, 9, 12, 15, 18); // of one class
  const { log, accuracy } = await run({ indices, epochs: 30, batch: 512, learningRate: 1e-2 });
  assertEquals([log.length, log.at(-1)!.epoch], [30, 29]);
  assertEquals(log.at(-1)!.accuracy, 100);
  assertEquals(Math.round(accuracy), 33); // it says the one class that it has seen of every image
});

Deno.test("fineTune() raises the learning rate in the first tenth of the steps and lowers it to nearly 0", async () => {
  const { log } = await run({ epochs: 20 / 3, learningRate: 1e-3 });
  const rates = log.map(({ learningRate }) => learningRate);
  assertEquals(rates.length, 20);
  assertAlmostEquals(rates[0], 0.25e-3, 1e-9); // in the middle of the first of two steps
  assertAlmostEquals(rates[1], 0.75e-3, 1e-9);
  assertEquals(Math.max(...rates), rates[2]);
  assert(rates.slice(3).every((rate, i) => rate < rates[i + 2] && rate > 0));
  assertLess(rates.at(-1)!, 1e-5);
});

Deno.test("fineTune() stops at a loss that is not finite, and says the step", async () => {
  const broken = { ...PARAMETERS, "norm.bias": tf.fill([16], NaN) };
  await assertRejects(
    () => fineTune(broken, SIZE, train, test, QUICK),
    Error,
    "Training stopped at step 1: loss NaN",
  );
  await assertRejects(() => run({ learningRate: 1e30 }), Error, "Training stopped at step ");
});

Deno.test("fineTune() ends with its signal's reason: before, while training, while measuring", async () => {
  await assertRejects(() => run({ signal: AbortSignal.abort(new Error("not at all")) }), Error, "not at all");
  for (const at of ["onStep", "onProgress"] as const) {
    const controller = new AbortController();
    let calls = 0;
    const told = () => {
      calls++;
      controller.abort(new Error(`enough ${at}`));
    };
    await assertRejects(() => run({ signal: controller.signal, [at]: told }), Error, `enough ${at}`);
    assertEquals(calls, 1);
  }
});

Deno.test("fineTune() refuses options out of their ranges, images without label and no images", async () => {
  const wrong: FineTuneOptions[] = [
    ...[{ epochs: 0 }, { epochs: Infinity }, { batch: 0 }, { batch: 1.5 }, { learningRate: 0 }, { learningRate: NaN }],
    ...[{ weightDecay: -1 }, { labelSmoothing: 1 }, { labelSmoothing: -0.1 }, { layerDecay: 0 }, { layerDecay: 2 }],
    ...[
      { augment: { magnitude: 11 } },
      { mixup: -1 },
      { cutmix: NaN },
      { dropPath: 1 },
      { rateImages: -1 },
      { crop: { scale: [0, 1], aspect: [1, 1] } } as FineTuneOptions,
    ],
  ];
  for (const options of wrong) await assertRejects(() => run(options), RangeError, "got");
  await assertRejects(
    () => run({ indices: new Uint32Array(0) }),
    RangeError,
    "needs images of patterns; it was given none",
  );
  await assertRejects(
    () => run({ indices: Uint32Array.of(60) }),
    RangeError,
    "patterns has 60 images; there is no image 60",
  );
  const unlabelled = { ...test, labels: test.labels.map((label, i) => i === 7 ? -1 : label) };
  await assertRejects(
    () => fineTune(PARAMETERS, SIZE, train, unlabelled, QUICK),
    RangeError,
    "Image 7 of patterns has no",
  );
  await assertRejects(
    () => fineTune(PARAMETERS, SIZE, unlabelled, test, QUICK),
    RangeError,
    "Image 7 of patterns has no",
  );
  const { accuracy } = await fineTune(PARAMETERS, SIZE, unlabelled, test, {
    ...QUICK,
    indices: Uint32Array.of(0, 1, 2),
  });
  assert(accuracy >= 0);
});

Deno.test("fineTune() takes the recipe for all labels as well", async () => {
  const { log } = await run({ ...FINE_TUNE_RECIPES.allLabels, ...QUICK });
  assertEquals(log.length, 3);
  // No warm-up in three steps: cos^2(pi / 12) of 1e-4 * 20 / 256.
  assertAlmostEquals(log[0].learningRate, 0.9330127 * 1e-4 * 20 / 256, 1e-9);
});

Deno.test("FINE_TUNE_RECIPES.allLabels is Table 15's", () => {
  const { crop: _, augment, ...recipe } = FINE_TUNE_RECIPES.allLabels;
  assertEquals(recipe, {
    ...{ epochs: 50, batch: 528, learningRate: 1e-4, rateImages: 256, weightDecay: 0.04, layerDecay: 0.75 },
    ...{ labelSmoothing: 0.1, mixup: 0.8, cutmix: 1, dropPath: 0.25 },
  });
  assertEquals(augment, { operations: 2, magnitude: 9, deviation: 0.5, probability: 0.5 });
  assertAlmostEquals(peakRate(FINE_TUNE_RECIPES.allLabels, 528), 2.0625e-4, 1e-12);
  assertEquals(peakRate(FINE_TUNE_RECIPES.fewLabels, 7), 1e-3);
  for (const { crop } of Object.values(FINE_TUNE_RECIPES)) assertEquals(crop.scale, [0.08, 1]);
});

Deno.test("fineTune() draws mixing and drop path by its seed", async () => {
  const options = { mixup: 0.8, cutmix: 1, dropPath: 0.5 }, first = await run(options);
  assertEquals(untimed((await run(options)).log), untimed(first.log));
  for (const other of [{ ...options, dropPath: 0 }, { dropPath: 0.5 }, {}]) {
    assertNotEquals(untimed((await run(other)).log), untimed(first.log));
  }
});

Deno.test("fewLabelsRecipe() is the paper's for its encoders, and smaller for small ones", () => {
  const of = (width: number) => {
    const { batch, learningRate, weightDecay, epochs, layerDecay } = fewLabelsRecipe({ width });
    return [batch, learningRate, weightDecay, epochs, layerDecay];
  };
  assertEquals(of(1024), [512, 3e-5, 0.05, 50, 0.75]);
  assertEquals(of(1280), [512, 3e-5, 0.4, 50, 0.75]);
  assertEquals(of(192), [32, 1e-3, 0.05, 50, 0.75]);
});
