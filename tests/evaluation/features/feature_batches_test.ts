import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { checkFinite, featureBatches } from "../../../lib/evaluation/features/feature_batches.ts";
import { featureShape } from "../../../lib/evaluation/features/feature_encoder.ts";
import { encoderShapes } from "../../../lib/jepa/architectures.ts";
import { initialise } from "../../../lib/nn/initialisation.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";

const size = { image: 8, patch: 4, width: 16, depth: 2, heads: 2, mlpRatio: 4 };
const IMAGE = 8 * 8 * 3;
const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
const grey = (...levels: number[]) =>
  Uint8Array.from({ length: levels.length * IMAGE }, (_, i) => levels[Math.floor(i / IMAGE)]);

Deno.test("featureShape() is the width, four times it for four layers, and by patch where it is not pooled", () => {
  const deep = { ...size, depth: 4 };
  assertEquals(featureShape(size, {}), [16]);
  assertEquals(featureShape(deep, { layer: "last4" }), [64]);
  assertEquals(featureShape(size, { pool: "none" }), [4, 16]);
  assertEquals(featureShape(deep, { layer: "last4", pool: "none" }), [4, 64]);
  assertThrows(() => featureShape({ ...size, depth: 3 }, { layer: "last4" }), RangeError, "has 3 blocks");
});

Deno.test("featureBatches() gives each image the same features in any batch, an empty one none, and hands names through", async () => {
  const encoder = initialise(encoderShapes(size), 1, "xavier");
  async function collect(batches: number[][]) {
    async function* source() {
      for (const levels of batches) yield { pixels: grey(...levels), names: levels.map(String) };
    }
    const names: string[] = [], values: number[] = [];
    for await (const { images, values: some } of featureBatches(encoder, size, source(), { batch: 3 })) {
      assertEquals(some.length, images.names.length * 16);
      names.push(...images.names);
      values.push(...some);
    }
    return { names, values };
  }
  const whole = await collect([[0, 60, 120], [180, 240]]);
  assertEquals(whole.names, ["0", "60", "120", "180", "240"]);
  const other = await collect([[0], [], [60, 120, 180], [240]]);
  assertEquals(other.names, whole.names);
  assert(whole.values.every((value, i) => Math.abs(value - other.values[i]) < 1e-5));
  assert(Math.abs(whole.values[0] - whole.values[16]) > 1e-4, "images differ");
  const nothing = await collect([]);
  assertEquals(nothing.values, []);
  tf.dispose(encoder);
});

Deno.test("featureBatches() holds one batch and the next, and lets both go when the consumer stops or the source fails", async () => {
  const encoder = initialise(encoderShapes(size), 1);
  let made = 0, closed = 0;
  async function* source(bad = Infinity) {
    try {
      while (true) {
        await Promise.resolve();
        if (made === bad) throw new Error("image 4 is torn");
        made++;
        yield { pixels: grey(made % 256) };
      }
    } finally {
      closed++;
    }
  }
  let seen = 0;
  for await (const _ of featureBatches(encoder, size, source(), { batch: 1 })) {
    seen++;
    assert(made <= seen + 1, `${made} batches made when ${seen} were encoded`);
    if (seen === 5) break;
  }
  assertEquals(closed, 1);
  const before = handles();
  made = 0;
  seen = 0;
  const error = await assertRejects(async () => {
    for await (const _ of featureBatches(encoder, size, source(4), { batch: 1 })) seen++;
  }, Error);
  assertEquals([error.message, seen, closed], ["image 4 is torn", 4, 2]);
  assert(handles() <= before);
  tf.dispose(encoder);
});

Deno.test("featureBatches() refuses batches that are too large or of other images", async () => {
  const encoder = initialise(encoderShapes(size), 1);
  const run = async (pixels: Uint8Array, batch: number) => {
    async function* source() {
      yield { pixels };
    }
    for await (const _ of featureBatches(encoder, size, source(), { batch }));
  };
  await assertRejects(() => run(grey(1, 2), 1), RangeError, "at most 1 images");
  await assertRejects(() => run(new Uint8Array(100), 1), RangeError, "100 numbers");
  await assertRejects(() => run(grey(1), 0), RangeError, "got 0");
  tf.dispose(encoder);
});

Deno.test("checkFinite() names the image", () => {
  checkFinite(Float32Array.of(1, 2, 3, 4), 2, String);
  assertThrows(
    () => checkFinite(Float32Array.of(1, 2, 3, Infinity), 2, (row) => `img-${row}`),
    Error,
    "img-1 has features",
  );
});
