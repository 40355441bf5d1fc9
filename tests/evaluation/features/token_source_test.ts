import "../../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { extractFeatures } from "../../../lib/evaluation/features/features.ts";
import { extractTokens, tokenSource } from "../../../lib/evaluation/features/token_source.ts";
import { encoderShapes, type EncoderSize } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { randomStream } from "../../../lib/random.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const SIZE: EncoderSize = { image: 8, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 2 };
const PARAMETERS = initialise(encoderShapes(SIZE), 5, "xavier");

const random = randomStream(1);
const images = memoryDataset({
  ...{ name: "noise", classes: ["a", "b"], width: 8, height: 8 },
  pixels: Uint8Array.from({ length: 7 * 8 * 8 * 3 }, () => random.integer(256)),
  labels: Int32Array.of(0, 1, 1, 0, 1, 0, 0),
});

Deno.test("tokenSource() reads images in the order that is asked for", async () => {
  const source = tokenSource({
    values: Float32Array.from({ length: 12 }, (_, i) => i),
    ...{ tokens: 2, width: 2, labels: Int32Array.of(5, 6, 7) },
  });
  assertEquals(await source.read(Uint32Array.of(2, 0, 2)), Float32Array.of(8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11));
  assertThrows(() => tokenSource({ ...source, values: new Float32Array(8) }), RangeError, "8 values are not 2 tokens");
});

for (const layer of ["last", "last4"] as const) {
  Deno.test(`extractTokens() are extractFeatures() to float16's precision, of ${layer}`, async () => {
    const progress: number[] = [];
    const source = await extractTokens(PARAMETERS, SIZE, images, {
      ...{ layer, batch: 3 },
      onProgress: (done) => progress.push(done),
    });
    const exact = await extractFeatures(PARAMETERS, SIZE, images, { layer, pool: "none" });
    assertEquals([source.tokens, source.width], [exact.tokens, exact.width]);
    assertEquals(source.labels, images.labels);
    assertEquals(progress, [3, 6, 7]);
    const values = await source.read(Uint32Array.from({ length: 7 }, (_, i) => i));
    values.forEach((value, i) => assertAlmostEquals(value, exact.values[i], Math.abs(exact.values[i]) / 1024 + 1e-5));
    assert(new Set(values).size > 300);
  });
}

Deno.test("extractTokens() refuses what float16 cannot hold, by the image's number", async () => {
  const large = { ...PARAMETERS, "norm.weight": tf.fill([16], 1e5) };
  await assertRejects(() => extractTokens(large, SIZE, images), Error, "Image 0 of noise has a feature of ");
});
