import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { Batch, CropRange, Dataset } from "../../lib/datasets/dataset.ts";
import { batches, type BatchOptions, type TrainingBatch } from "../../lib/datasets/loader.ts";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { mirror } from "../../lib/datasets/pixels/geometric.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true, sanitizeExit: true };
const CROP: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };

/** Ten images whose labels are their indices. */
function tenImages(): Dataset {
  return memoryDataset({
    name: "ten",
    classes: Array.from({ length: 10 }, (_, i) => `${i}`),
    pixels: Uint8Array.from({ length: 10 * 48 }, (_, i) => (i * 7919) >> 4),
    width: 4,
    height: 4,
    labels: Int32Array.from({ length: 10 }, (_, i) => i),
  });
}

/** A data set whose every batch takes a turn of the event loop, and may fail. */
function slowImages(crops: (call: number) => void): Dataset {
  let call = 0;
  const ten = tenImages();
  const slow = async (batch: Promise<Batch>) => {
    const mine = call++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    crops(mine);
    return await batch;
  };
  return { ...ten, crops: (...args) => slow(ten.crops(...args)) };
}

async function take(count: number, start: number, seed = 5): Promise<TrainingBatch[]> {
  const taken: TrainingBatch[] = [];
  for await (const batch of batches(tenImages(), { batch: 3, size: 4, crop: CROP, seed, start })) {
    taken.push(batch);
    if (taken.length === count) break;
  }
  return taken;
}

Deno.test({
  name: "batches() takes no image twice in an epoch, each epoch in a new order",
  ...sanitize,
  async fn() {
    const taken = await take(9, 0);
    assertEquals(taken.map(({ step }) => step), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assertEquals(taken.map(({ epoch }) => epoch), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    const order = (epoch: number) =>
      taken.filter((batch) => batch.epoch === epoch).flatMap(({ labels }) => [...labels]);
    for (const epoch of [0, 1, 2]) assertEquals(new Set(order(epoch)).size, 9);
    assertNotEquals(order(0), order(1));
    assertNotEquals((await take(1, 0, 6))[0].labels, taken[0].labels);
  },
});

Deno.test({
  name: "batches() resumed at any step goes on with the same bytes",
  ...sanitize,
  async fn() {
    const whole = await take(8, 0);
    for (let start = 0; start < 8; start++) assertEquals(await take(8 - start, start), whole.slice(start));
  },
});

Deno.test({
  name: "batches() decodes two batches ahead while the consumer works, and stops when it breaks",
  ...sanitize,
  async fn() {
    let finished = 0;
    const dataset = slowImages(() => finished++);
    for await (const { step } of batches(dataset, { batch: 2, size: 4, crop: CROP, seed: 0 })) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      assertEquals(finished, step + 3);
      if (step === 2) break;
    }
    const atBreak = finished;
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(finished, atBreak);
  },
});

Deno.test({
  name: "batches() leaves nothing behind when the consumer breaks at once",
  ...sanitize,
  async fn() {
    let finished = 0;
    for await (const _ of batches(slowImages(() => finished++), { batch: 2, size: 4, crop: CROP, seed: 0 })) break;
    const atBreak = finished;
    assert(atBreak <= 2, "the batch given and at most the one under way");
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(finished, atBreak);
  },
});

Deno.test({
  name: "batches() throws an error once, at the step it belongs to",
  ...sanitize,
  async fn() {
    const dataset = slowImages((call) => {
      if (call === 2) throw new Error("7.jpg is cut short");
    });
    const stream = batches(dataset, { batch: 2, size: 4, crop: CROP, seed: 0 });
    assertEquals((await stream.next()).done, false);
    await new Promise((resolve) => setTimeout(resolve, 30)); // by now the third batch has failed, with nobody waiting
    assertEquals((await stream.next()).done, false);
    await assertRejects(() => stream.next(), Error, "7.jpg is cut short");
    assertEquals(await stream.next(), { done: true, value: undefined });
  },
});

Deno.test("batches() names what it cannot do, at once", () => {
  const options = { batch: 11, size: 4, crop: CROP, seed: 0 };
  assertThrows(() => batches(tenImages(), options), RangeError, "ten has 10 images, fewer than a batch of 11");
  assertThrows(() => batches(tenImages(), { ...options, batch: 0 }), RangeError, "batch");
  assertThrows(() => batches(tenImages(), { ...options, batch: 2, start: -1 }), RangeError, "step");
});

Deno.test({
  name: "batches() of two views holds two different crops of each image, half a batch apart, and resumes",
  ...sanitize,
  async fn() {
    const options = { batch: 4, views: 2, size: 4, crop: CROP, seed: 5 } as const;
    const stream = batches(tenImages(), options), taken: TrainingBatch[] = [];
    for (let i = 0; i < 6; i++) taken.push((await stream.next()).value!);
    await stream.return();
    assertEquals(taken.map(({ epoch }) => epoch), [0, 0, 0, 0, 0, 1]); // of ten images, two a step
    for (const { labels, pixels } of taken) {
      assertEquals(labels.length, 4);
      assertEquals(labels.subarray(0, 2), labels.subarray(2));
      assertNotEquals(pixels.subarray(0, 96), pixels.subarray(96));
    }
    const resumed = batches(tenImages(), { ...options, start: 3 });
    assertEquals((await resumed.next()).value, taken[3]);
    await resumed.return();
    assertThrows(() => batches(tenImages(), { ...options, batch: 5 }), RangeError, "that 2 divides; got 5");
  },
});

Deno.test({
  name:
    "batches() of several views of two sizes: each has crops of its own, and the first two are as without the others",
  ...sanitize,
  async fn() {
    const options = { batch: 6, size: 4, crop: CROP, seed: 5 } as const, local = { views: 2, size: 2, crop: CROP };
    const first = async (more: Partial<BatchOptions>) => {
      const stream = batches(tenImages(), { ...options, ...more }), { value } = await stream.next();
      await stream.return();
      return value!;
    };
    const { pixels, labels, local: small } = await first({ views: 3, local });
    const crops = [0, 1, 2].map((view) => pixels.subarray(view * 96, (view + 1) * 96));
    assertEquals(new Set(crops.map(String)).size, 3);
    assertEquals(
      [0, 1, 2].map((view) => labels.subarray(2 * view, 2 * view + 2)),
      Array(3).fill(labels.subarray(0, 2)),
    );
    const two = await first({ views: 2, batch: 4 });
    assertEquals([...two.pixels], [...crops[0], ...crops[1]]);
    assertEquals(small!.length, 2 * 2 * 2 * 2 * 3);
    assertNotEquals(small!.subarray(0, 24), small!.subarray(24));
    assertEquals(two.local, undefined);
    assertThrows(() => batches(tenImages(), { ...options, views: 4 }), RangeError, "that 4 divides; got 6");
    assertThrows(() => batches(tenImages(), { ...options, local: { ...local, views: 0 } }), RangeError, "got 0");
  },
});

Deno.test({
  name: "batches() that flip mirror some crops, the same ones again, and leave the others as they are",
  ...sanitize,
  async fn() {
    const options = { batch: 10, size: 4, crop: CROP, seed: 5 } as const;
    const first = async (flip: boolean) => {
      const stream = batches(tenImages(), { ...options, flip }), { value } = await stream.next();
      await stream.return();
      return Array.from({ length: 10 }, (_, i) => value!.pixels.slice(i * 48, (i + 1) * 48));
    };
    const plain = await first(false), flipped = await first(true);
    const kept = plain.filter((crop, i) => `${crop}` === `${flipped[i]}`).length;
    assert(kept > 0 && kept < 10, `${kept} of 10 were kept`);
    for (const [i, crop] of plain.entries()) {
      assert([`${crop}`, `${mirror(crop, 4)}`].includes(`${flipped[i]}`), `image ${i} is neither`);
    }
    assertEquals(await first(true), flipped);
  },
});
