import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { attentiveProbe, type AttentiveProbeOptions } from "../../../lib/evaluation/probes/attentive_probe.ts";
import type { TokenFeatures } from "../../../lib/evaluation/features/features.ts";
import { linearProbe } from "../../../lib/evaluation/probes/linear_probe.ts";
import { tokenSource } from "../../../lib/evaluation/features/token_source.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const TOKENS = 8, WIDTH = 8, CLASSES = 4;

/** Every token points at a class; the image's own is what the one token says that is marked, in coordinate 4. */
function marked(images: number, seed: number): TokenFeatures {
  const random = randomStream(seed), labels = new Int32Array(images);
  const values = new Float32Array(images * TOKENS * WIDTH);
  for (let image = 0; image < images; image++) {
    const place = random.integer(TOKENS);
    for (let token = 0; token < TOKENS; token++) {
      const start = (image * TOKENS + token) * WIDTH, said = random.integer(CLASSES);
      for (let j = 0; j < WIDTH; j++) values[start + j] = 0.3 * random.normal();
      values[start + said] += 2;
      if (token !== place) continue;
      values[start + 4] += 3;
      labels[image] = said;
    }
  }
  return { values, tokens: TOKENS, width: WIDTH, labels };
}

const train = marked(600, 1), test = marked(300, 2);

/** Averaged over the tokens. */
const pooled = ({ values, labels }: TokenFeatures) => ({
  labels,
  width: WIDTH,
  values: Float32Array.from({ length: labels.length * WIDTH }, (_, i) => {
    const start = Math.floor(i / WIDTH) * TOKENS * WIDTH + i % WIDTH;
    let sum = 0;
    for (let token = 0; token < TOKENS; token++) sum += values[start + token * WIDTH];
    return sum / TOKENS;
  }),
});

const QUICK: AttentiveProbeOptions = { epochs: 2, batch: 100 };

Deno.test("attentiveProbe() finds the token that matters, which averages lose", async () => {
  const losses: number[] = [], steps: number[] = [];
  const { accuracy, predictions } = await attentiveProbe(train, test, {
    ...{ epochs: 40, batch: 50, learningRate: 1e-2 },
    onProgress: ({ step, totalSteps, loss }) => {
      losses.push(loss);
      steps.push(step / totalSteps);
    },
  });
  const average = await linearProbe(pooled(train), pooled(test), { weightDecay: 1e-3 });
  assertGreater(accuracy, 95);
  assertLess(average.accuracy, 75);
  assertEquals(accuracy, 100 * predictions.filter((label, i) => label === test.labels[i]).length / 300);
  assertAlmostEquals(losses[0], Math.log(CLASSES), 0.01);
  assertEquals([steps.length, steps.at(-1)], [480, 1]);
});

Deno.test("attentiveProbe() is at chance where there is nothing to learn", async () => {
  const random = randomStream(9), labels = Int32Array.from({ length: 600 }, () => random.integer(CLASSES));
  const { accuracy } = await attentiveProbe({ ...train, labels }, { ...train, labels: labels.toReversed() }, QUICK);
  assertGreater(accuracy, 17);
  assertLess(accuracy, 33);
});

Deno.test("attentiveProbe() gives the same bits for an array and for a source, others for another seed, and keeps no tensor", async () => {
  const losses: number[] = [];
  const run = (options: AttentiveProbeOptions, asked = [train, test].map(tokenSource)) => {
    losses.length = 0;
    return attentiveProbe(asked[0], asked[1], { ...QUICK, ...options, onProgress: ({ loss }) => losses.push(loss) });
  };
  const first = await attentiveProbe(train, test, { ...QUICK, onProgress: ({ loss }) => losses.push(loss) });
  const bits = [...losses];
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  const before = { handles: handles(), tensors: tf.memory().numTensors };
  assertEquals(await run({}), first);
  assertEquals(losses, bits);
  assert(handles() <= before.handles);
  assertEquals(tf.memory().numTensors, before.tensors);
  await run({ seed: 1 });
  assert(losses.some((loss, step) => loss !== bits[step]));
});

Deno.test("attentiveProbe() takes one head or several, with an MLP or without, and more images a step than there are", async () => {
  for (const options of [{ heads: 1, mlpRatio: 0 }, { heads: 4, mlpRatio: 0.5 }, { batch: 700, epochs: 1 }]) {
    const { predictions } = await attentiveProbe(train, test, { ...QUICK, ...options });
    assert(predictions.every((label) => label >= 0 && label < CLASSES));
  }
});

Deno.test("attentiveProbe() passes on what reading throws, and leaves nothing running, nor a tensor", async () => {
  const source = tokenSource(train);
  let reads = 0;
  const broken = {
    ...source,
    read: (rows: Uint32Array) => ++reads > 3 ? Promise.reject(new Error("the disk is gone")) : source.read(rows),
  };
  const before = tf.memory().numTensors;
  await assertRejects(() => attentiveProbe(broken, test, QUICK), Error, "the disk is gone");
  reads = -10; // Training asks twelve times: it is the second part of the test images that fails.
  await assertRejects(() => attentiveProbe(broken, broken, QUICK), Error, "the disk is gone");
  const stop = ({ step }: { step: number }) => {
    if (step === 2) throw new Error("enough");
  };
  await assertRejects(() => attentiveProbe(train, test, { ...QUICK, onProgress: stop }), Error, "enough");
  await assertRejects(() => attentiveProbe(train, test, { ...QUICK, learningRate: 1e30 }), Error, "try a lower");
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("attentiveProbe() refuses what it cannot train on", async () => {
  const refused = (message: string, options: AttentiveProbeOptions, own = train, other = test) =>
    assertRejects(() => attentiveProbe(own, other, options), RangeError, message);
  await refused("heads that divide its width 8; got 3", { heads: 3 });
  await refused("an MLP of a whole width; got 0.3", { mlpRatio: 0.3 });
  await refused("epochs above 0; got 0", { epochs: 0 });
  await refused("a batch of at least one image; got 0", { batch: 0 });
  await refused("a learning rate above 0; got -1", { learningRate: -1 });
  await refused("a weight decay from 0 on; got NaN", { weightDecay: NaN });
  const unlabelled = { ...train, labels: train.labels.map((label, i) => i === 4 ? -1 : label) };
  await refused("Image 4 of the training set has no label", {}, unlabelled);
  await refused("The test set holds no images", {}, train, marked(0, 1));
  const wide = { ...test, tokens: 4, width: 16 };
  await refused("8 tokens of 8, the test images 4 tokens of 16", {}, train, wide);
  await refused("38399 values are not 8 tokens of 8", {}, { ...train, values: train.values.subarray(1) });
});
