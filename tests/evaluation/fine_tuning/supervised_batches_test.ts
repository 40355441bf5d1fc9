import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { colourPixels } from "../../../lib/datasets/pixels/cut_image.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import {
  supervisedBatches,
  type SupervisedBatchOptions,
} from "../../../lib/evaluation/fine_tuning/supervised_batches.ts";
import { randomStream } from "../../../lib/random.ts";

const IMAGES = 7, SIZE = 8, BYTES = SIZE * SIZE * 3;
const random = randomStream(3);
const pixels = Uint8Array.from({ length: IMAGES * BYTES }, () => random.integer(256));
/** Each image has its index as its label. */
const dataset = memoryDataset({
  name: "noise",
  classes: Array.from({ length: IMAGES }, (_, i) => `${i}`),
  pixels,
  width: SIZE,
  height: SIZE,
  labels: Int32Array.from({ length: IMAGES }, (_, i) => i),
});

const OPTIONS: SupervisedBatchOptions = {
  indices: Uint32Array.of(0, 1, 2, 4, 6),
  batch: 3,
  steps: 5,
  size: SIZE,
  crop: { scale: [0.5, 1], aspect: [3 / 4, 4 / 3] },
  augment: {},
  seed: 0,
};
const collect = (options: Partial<SupervisedBatchOptions> = {}, images = dataset) =>
  Array.fromAsync(supervisedBatches(images, { ...OPTIONS, ...options }));

Deno.test("supervisedBatches() shows each chosen image once a pass, in batches that reach into the next pass", async () => {
  const batches = await collect();
  assertEquals(batches.map(({ epoch }) => epoch), [0, 0, 1, 1, 2]);
  assert(batches.every(({ pixels, labels }) => pixels.length === 3 * BYTES && labels.length === 3));
  const shown = batches.flatMap(({ labels }) => [...labels]);
  const passes = [0, 1, 2].map((pass) => shown.slice(pass * 5, (pass + 1) * 5));
  for (const pass of passes) assertEquals(pass.toSorted(), [0, 1, 2, 4, 6]);
  assertNotEquals(passes[0], passes[1]);
});

Deno.test("supervisedBatches() fills a batch that is larger than the set from several passes", async () => {
  const [{ labels, pixels }] = await collect({ batch: 12, steps: 1 });
  assertEquals([...labels.subarray(0, 5)].sort(), [0, 1, 2, 4, 6]);
  assertEquals([...labels.subarray(5, 10)].sort(), [0, 1, 2, 4, 6]);
  const places = [0, 1].map((pass) => labels.indexOf(4, 5 * pass));
  const [first, second] = places.map((i) => pixels.subarray(i * BYTES, (i + 1) * BYTES));
  assertNotEquals(first, second);
});

Deno.test("supervisedBatches() makes of an image what its seed, pass and index say, whatever batch it is in", async () => {
  const byKey = async (options: Partial<SupervisedBatchOptions>) => {
    const seen: Record<string, Uint8Array> = {};
    let place = 0;
    for (const { pixels, labels } of await collect(options)) {
      labels.forEach((label, i) => {
        seen[`${Math.floor(place++ / 5)} ${label}`] = colourPixels(pixels).slice(i * BYTES, (i + 1) * BYTES);
      });
    }
    return seen;
  };
  const threes = await byKey({ batch: 3, steps: 5 }), fives = await byKey({ batch: 5, steps: 3 });
  assertEquals(Object.keys(threes).length, 15);
  assertEquals(threes, fives);
  const other = await byKey({ seed: 1 });
  assert(Object.entries(other).every(([key, image]) => image.some((value, i) => value !== threes[key][i])));
});

Deno.test("supervisedBatches() mirrors about half of the images and augments the rest of the way", async () => {
  // One image, not cut and not augmented: itself or its mirror image.
  const crop: SupervisedBatchOptions["crop"] = { scale: [1, 1], aspect: [1, 1] };
  const [plain] = await collect({ indices: Uint32Array.of(2), batch: 200, steps: 1, crop, augment: { operations: 0 } });
  const own = pixels.slice(2 * BYTES, 3 * BYTES);
  let same = 0;
  for (let i = 0; i < 200; i++) {
    const image = plain.pixels.subarray(i * BYTES, (i + 1) * BYTES);
    if (image.every((value, j) => value === own[j])) same++;
    else assertEquals(image.subarray(0, 3), own.subarray(BYTES / SIZE - 3, BYTES / SIZE));
  }
  assert(same > 70 && same < 130, `${same} of 200 as they were`);
  const [augmented] = await collect({ indices: Uint32Array.of(2), batch: 200, steps: 1, crop });
  const kinds = new Set(
    Array.from({ length: 200 }, (_, i) => augmented.pixels.subarray(i * BYTES, (i + 1) * BYTES).join()),
  );
  assert(kinds.size > 100, `${kinds.size} different images of 200`);
});

Deno.test("supervisedBatches() throws at the step whose image has no label, and stops reading when left", async () => {
  let reads = 0;
  const holed = {
    ...dataset,
    async crops(...args: Parameters<typeof dataset.crops>) {
      reads++;
      const batch = await dataset.crops(...args);
      return { ...batch, labels: batch.labels.map((label) => label === 4 ? -1 : label) };
    },
  };
  await assertRejects(() => collect({}, holed), Error, "Image 4 of noise has no label");
  reads = 0;
  for await (const _ of supervisedBatches(holed, { ...OPTIONS, indices: Uint32Array.of(1, 2), batch: 2, steps: 99 })) {
    break;
  }
  assert(reads <= 2, `${reads} batches read`);
});
